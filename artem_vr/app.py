"""The composition root: the only module that names concrete sources, engines, bridges and displays."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import HeadPath, Pose
from artem_vr.compositor import Compositor
from artem_vr.config import PreviewOptions, check, default_net_size, parse_source
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import DisplayError, EngineError, UsageError, unknown_name
from artem_vr.frame import EYES, Size
from artem_vr.gl.context import renderer
from artem_vr.gl.priority import stand_back
from artem_vr.gl.upload import FrameUploader
from artem_vr.outputs import Outputs
from artem_vr.picture_styles import open_bank
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Bridge, Display, Engine, FrameSource
from artem_vr.stats import RunStats
from artem_vr.style_control import StyleControl
from artem_vr.styles import StyleBank
from artem_vr.stylizer import Stylizer

ENGINES = ("auto", "torch", "openvino")
DEVICES = ("auto", "cpu", "cuda")
_CAMERA_FPS = 60.0


def open_engine(bank: StyleBank, engine: str = "auto", device: str = "auto", precision: str = "auto") -> Engine:
    """The engine of that name on that device; `auto` takes a GPU where there is one, else OpenVINO.

    Raises `UsageError` for unknown names and `EngineError` where the device is not there.
    """
    if engine not in ENGINES:
        raise UsageError(unknown_name("engine", engine, ENGINES))
    if device not in DEVICES:
        raise UsageError(unknown_name("device", device, DEVICES))
    if engine == "openvino" and device == "cuda":
        raise UsageError("the openvino engine runs on processors: use --engine torch for --device cuda")
    if engine != "openvino":
        import torch

        cuda = torch.cuda.is_available()
        if device == "cuda" and not cuda:
            raise EngineError("no NVIDIA GPU was found: leave out --device cuda, or see 'artem-vr doctor'")
        if engine == "torch" or (cuda and device != "cpu"):
            from artem_vr.engines.torch import TorchEngine

            on_gpu = cuda and device != "cpu"
            chosen = ("f16" if on_gpu else "f32") if precision == "auto" else precision
            return TorchEngine(bank, "cuda" if on_gpu else "cpu", chosen)
    from artem_vr.engines.openvino import OpenVinoEngine

    return OpenVinoEngine(bank, precision)


def open_bridge(ctx: moderngl.Context, net_size: Size, at_once: bool = False) -> Bridge:
    """What carries pixels between this context and the engine; `net_size` is the (width, height) of one eye.

    With `at_once` no frame is fetched later than it was asked for, which a recording of every frame needs.
    """
    return HostBridge(ctx, net_size, asynchronous=False if at_once else None)


def open_source(display: Display, options: PreviewOptions) -> FrameSource:
    """The source that `options.source` names. Raises `UsageError` or `InputError`."""
    kind, argument = parse_source(options.source)
    if kind == "scene":
        from artem_vr.sources.courtyard.source import CourtyardSource

        return CourtyardSource(display.ctx, options.eye_size)
    if kind == "screen":
        return _open_screen(options.source, int(argument), options.stereo)
    if kind in {"webcam", "stereo"}:
        return _open_camera(options.source, int(argument), stereo=kind == "stereo" or options.stereo)
    # A simulated clock promises the picture of each moment; a live display never waits for a decoder.
    return _open_file(kind, Path(argument).expanduser(), options.stereo, live=not options.simulated)


def _open_file(kind: str, path: Path, stereo: bool, live: bool) -> FrameSource:
    from artem_vr.sources.folder import FolderSource
    from artem_vr.sources.image import ImageSource
    from artem_vr.sources.video import VideoSource

    if kind == "image":
        return ImageSource(path, stereo)
    if kind == "folder":
        return FolderSource(path, stereo, live=live)
    return VideoSource(path, stereo, live=live)


def _open_camera(name: str, number: int, stereo: bool) -> FrameSource:
    from artem_vr.sources.camera import CameraSource
    from artem_vr.sources.capture import open_webcam

    size = (2560, 720) if stereo else (1280, 720)
    return CameraSource(partial(open_webcam, number, size, _CAMERA_FPS), name, stereo)


def _open_screen(name: str, number: int, stereo: bool) -> FrameSource:
    from artem_vr.sources.camera import CameraSource
    from artem_vr.sources.screen import open_screen

    return CameraSource(partial(open_screen, number), name, stereo)


def scene_pictures(size: Size, count: int) -> Iterator[NDArray[np.uint8]]:
    """`count` views of the scene, evenly spread over the walk: uint8 RGB (H, W, 3). Raises `GraphicsError`."""
    from artem_vr.sources.courtyard.path import ROUND

    both = (EYES * size[0], size[1])
    options = PreviewOptions(size=both, headless=True, frames=count, fps=count / ROUND)
    with ExitStack() as stack:
        display = _open_display(options, _head_path(options))
        stack.callback(display.close)
        source = open_source(display, options)
        stack.callback(source.close)
        while (request := display.begin_frame()) is not None:
            texture = source.read(request).color[0]  # type: ignore[union-attr]  # the scene is drawn by GL
            pixels = np.frombuffer(texture.read(), np.uint8).reshape(*texture.size[::-1], -1)
            yield np.ascontiguousarray(pixels[::-1, :, :3])


def _head_path(options: PreviewOptions) -> HeadPath:
    if options.source == "scene":
        from artem_vr.sources.courtyard.path import walk

        return walk
    return lambda seconds: Pose((0.0, 0.0, 0.0))  # pictures hang in front of the head wherever it is


def _open_display(options: PreviewOptions, path: HeadPath) -> Display:
    if options.headless:
        return HeadlessDisplay(options.size, path, options.frames, options.fps)
    from artem_vr.displays.glfw import GlfwDisplay

    return GlfwDisplay(options.size, path, options.frames, "Art'Em VR")


def has_screen() -> bool:
    """True where a window can be expected to open."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def preview(options: PreviewOptions, on_frame: Callable[[int], None] = lambda frame: None) -> dict[str, Any]:
    """Runs a preview to its end and returns its statistics (see `artem_vr.stats`).

    `on_frame` is told the count of frames shown. Raises `ArtemError`; then no output file is left behind.
    """
    check(options)
    if not options.headless and not has_screen():
        raise DisplayError("no screen to open a window on: use --headless --frames N")
    net_size = options.net_size or default_net_size(options.eye_size)
    with ExitStack() as stack:
        bank = open_bank(options.model, options.style)
        control = StyleControl(bank, options.style, options.strength, options.cues, alpha=options.alpha)
        # Before the display, so that no window stands empty while the network is compiled.
        stylizer = _start_stylizer(bank, control, options, net_size)
        stack.callback(stylizer.close)
        display = _open_display(options, _head_path(options))
        stack.callback(display.close)
        stand_back()
        stats = RunStats()
        outputs = stack.enter_context(Outputs(options, display, stats, on_frame))
        pipeline = _open_pipeline(stack, options, display, net_size, stylizer, control, stats, outputs)
        _run(pipeline, options.seconds)
        stats.missed_frames = display.missed_frames
        engine = stylizer.engine
        report = stats.report(
            {
                "engine": engine.name, "device": engine.device, "precision": engine.precision,
                "net_size": list(net_size), "eye_size": list(pipeline.eye_size), "source": options.source,
                "upsampling": pipeline.compositor.upsampling, "gl_renderer": renderer(display.ctx),
            }
        )  # fmt: skip
        outputs.finish(report)
    return report


def _open_pipeline(
    stack: ExitStack,
    options: PreviewOptions,
    display: Display,
    net_size: Size,
    stylizer: Stylizer,
    control: StyleControl,
    stats: RunStats,
    outputs: Outputs,
) -> Pipeline:
    source = open_source(display, options)
    stack.callback(source.close)
    uploader = FrameUploader(display.ctx)
    stack.callback(uploader.close)
    bridge = open_bridge(display.ctx, net_size, at_once=options.simulated)
    stack.callback(bridge.close)
    compositor = Compositor(display.ctx, options.upsampling)
    stack.callback(compositor.close)
    return Pipeline(
        display, source, uploader, bridge, stylizer, compositor, control, stats,
        every_frame=options.simulated, on_shown=outputs.frame_shown, on_snapshot=outputs.take_snapshot,
    )  # fmt: skip


def _run(pipeline: Pipeline, seconds: float | None) -> None:
    until = math.inf if seconds is None else time.monotonic() + seconds
    try:
        while time.monotonic() < until and pipeline.tick():
            pass
    except KeyboardInterrupt:
        pass  # ends the run as escape does: what was recorded so far is kept


def _start_stylizer(bank: StyleBank, control: StyleControl, options: PreviewOptions, net_size: Size) -> Stylizer:
    engine = open_engine(bank, options.engine, options.device, options.precision)
    try:
        styles = control.initial
        # Compiled before the first frame, so that the display does not start with a stutter.
        engine.paint(np.zeros((EYES, net_size[1], net_size[0], 3), np.uint8), styles)
        return Stylizer(engine, styles)
    except BaseException:
        engine.close()
        raise
