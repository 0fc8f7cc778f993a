"""Paints single pictures of any size for the `stylize` command, with the live program's network and upsampling."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr import compositor_reference
from artem_vr.app import open_bridge, open_engine
from artem_vr.camera import Pose, stereo_views
from artem_vr.compositor import Compositor
from artem_vr.errors import GraphicsError, InputError
from artem_vr.frame import EYES, HostFrame, PaintedFrame, Size, TensorFrame
from artem_vr.gl.context import create_headless_context
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.upload import FrameUploader
from artem_vr.offline import stylize_path
from artem_vr.picture_styles import open_bank
from artem_vr.ports import Bridge, Engine
from artem_vr.style_control import check_strength, parse_style
from artem_vr.styles import IDENTITY, Vector

_PAINTED_SHORT_SIDE = 720
"""Larger pictures are painted at this short side and upscaled along their edges: brush strokes have a size."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StylizeOptions:
    """What `artem-vr stylize` was asked for. `size` is the (width, height) of the output, None for the input's own."""

    source: Path
    target: Path
    style: str | None = None
    strength: float = 1.0
    alpha: float = 1.0
    size: Size | None = None
    model: Path | None = None
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"


def stylize_file(options: StylizeOptions, progress: Callable[[int, int | None], None]) -> None:
    """Paints a picture, a folder of pictures or a video. Raises `ArtemError`; then no output is left behind."""
    check_strength(options.strength, options.alpha)
    if not options.source.exists():
        raise InputError(f"{options.source} does not exist: check the path")
    bank = open_bank(options.model, options.style)
    style = options.style or bank.names[0]
    # Any vector does where no paint is laid on.
    vector = parse_style(bank, style if style != IDENTITY else bank.names[0], options.alpha)
    with ExitStack() as stack:
        engine = open_engine(bank, options.engine, options.device, options.precision)
        stack.callback(engine.close)
        painter = OfflinePainter(engine, vector, options.strength if style != IDENTITY else 0.0)
        stack.callback(painter.close)
        stylize_path(options.source, options.target, painter, progress, options.size)


class OfflinePainter:
    """A function from a picture to its painting: uint8 RGB (H, W, 3), top row first, of any size from 16 x 16."""

    def __init__(self, engine: Engine, style_D: Vector, strength: float = 1.0) -> None:
        self._engine, self._styles, self._strength = engine, style_D[None], strength
        self._upscaler: _GlUpscaler | None = None
        self._without_gl = False

    def __call__(self, rgb_HWC: Pixels) -> Pixels:
        """Paints one picture. Raises `EngineError`."""
        if self._strength == 0:
            return rgb_HWC
        height, width = rgb_HWC.shape[:2]
        scale = min(1.0, _PAINTED_SHORT_SIDE / min(height, width))
        small = rgb_HWC
        if scale < 1:
            small_size = (round(width * scale), round(height * scale))
            small = np.asarray(cv2.resize(rgb_HWC, small_size, interpolation=cv2.INTER_AREA), np.uint8)
        painted: Pixels = self._engine.paint(small[None], self._styles)[0]
        if scale == 1:
            mixed = cv2.addWeighted(painted, self._strength, rgb_HWC, 1 - self._strength, 0)
            return np.asarray(mixed, np.uint8)
        return self._upscale(rgb_HWC, small, painted)

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        if self._upscaler is not None:
            self._upscaler.close()
            self._upscaler = None

    def _upscale(self, rgb_HWC: Pixels, small_hwC: Pixels, painted_hwC: Pixels) -> Pixels:
        if self._upscaler is None and not self._without_gl:
            try:
                self._upscaler = _GlUpscaler()
            except GraphicsError:
                self._without_gl = True  # the reference does the same, slowly
        if self._upscaler is not None and max(rgb_HWC.shape[:2]) <= self._upscaler.largest:
            return self._upscaler.upscale(rgb_HWC, small_hwC, painted_hwC, self._strength)
        guide_hw = np.asarray(cv2.cvtColor(small_hwC, cv2.COLOR_RGB2GRAY), np.uint8)
        return compositor_reference.composite(rgb_HWC, painted_hwC, guide_hw, self._strength, "joint")


class _GlUpscaler:
    """The live compositor on a context of its own, for one picture at a time."""

    def __init__(self) -> None:
        self._ctx = create_headless_context()
        self.largest: int = self._ctx.info["GL_MAX_TEXTURE_SIZE"]
        self._compositor = Compositor(self._ctx, "joint")
        self._uploader = FrameUploader(self._ctx)
        self._bridge: Bridge | None = None
        self._target: moderngl.Framebuffer | None = None
        self._net_size: Size = (0, 0)

    def upscale(self, rgb_HWC: Pixels, small_hwC: Pixels, painted_hwC: Pixels, strength: float) -> Pixels:
        """The full-size painting."""
        size = rgb_HWC.shape[1], rgb_HWC.shape[0]
        eyes = stereo_views(Pose((0.0, 0.0, 0.0)), size)
        frame = self._uploader.upload(HostFrame(0, 0.0, rgb_HWC[None], eyes), size)
        bridge, target = self._for_sizes(size, (small_hwC.shape[1], small_hwC.shape[0]))
        source = TensorFrame(0, 0.0, np.repeat(small_hwC[None], EYES, axis=0), eyes)
        paint = bridge.to_texture(PaintedFrame(source, np.repeat(painted_hwC[None], EYES, axis=0), 0))
        self._compositor.draw(frame, paint, strength, 0, target, (0, 0, *size))
        bottom_first = np.frombuffer(target.read(components=3, alignment=1), np.uint8).reshape(size[1], size[0], 3)
        return np.ascontiguousarray(bottom_first[::-1])

    def _for_sizes(self, size: Size, net_size: Size) -> tuple[Bridge, moderngl.Framebuffer]:
        if self._bridge is None or self._net_size != net_size:
            if self._bridge is not None:
                self._bridge.close()
            self._bridge, self._net_size = open_bridge(self._ctx, net_size), net_size
        if self._target is None or self._target.size != size:
            self._free_target()
            self._target = self._ctx.framebuffer([self._ctx.texture(size, 4)])
        return self._bridge, self._target

    def _free_target(self) -> None:
        if self._target is not None:
            for attachment in self._target.color_attachments:
                attachment.release()
            release_framebuffer(self._target)
            self._target = None

    def close(self) -> None:
        """Frees everything, the context last."""
        self._free_target()
        if self._bridge is not None:
            self._bridge.close()
        self._uploader.close()
        self._compositor.close()
        self._ctx.release()
