"""The composition root: the only module that names concrete sources, engines, bridges and displays."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import HeadPath, Pose
from artem_vr.config import PreviewOptions, RunOptions, VrOptions, parse_source
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import EngineError, UsageError, unknown_name
from artem_vr.frame import EYES, Size
from artem_vr.machine import has_nvidia_driver
from artem_vr.ports import Bridge, Display, Engine, FrameSource
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    from artem_vr.displays.openxr.display import OpenXrDisplay

ENGINES = ("auto", "torch", "openvino")
DEVICES = ("auto", "cpu", "cuda")
_CAMERA_FPS = 60.0
_EYE_FOV = math.radians(95.0)
"""How wide an eye of a usual headset sees; tells how many pixels of a picture it can show."""


def open_engine(bank: StyleBank, engine: str = "auto", device: str = "auto", precision: str = "auto") -> Engine:
    """The engine of that name on that device; `auto` takes a GPU where there is one, else OpenVINO.

    Raises `UsageError` for unknown names and `EngineError` where the device is not there.
    """
    check_engine(engine, device)
    # Without an NVIDIA driver there is nothing to ask torch, whose import takes a second.
    if engine == "torch" or device == "cuda" or (engine == "auto" and has_nvidia_driver()):
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


def check_engine(engine: str, device: str) -> None:
    """Raises `UsageError` for names that do not exist or do not go together."""
    if engine not in ENGINES:
        raise UsageError(unknown_name("engine", engine, ENGINES))
    if device not in DEVICES:
        raise UsageError(unknown_name("device", device, DEVICES))
    if engine == "openvino" and device == "cuda":
        raise UsageError("the openvino engine runs on processors: use --engine torch for --device cuda")


def open_bridge(ctx: moderngl.Context, net_size: Size, at_once: bool = False) -> Bridge:
    """What carries pixels between this context and the engine; `net_size` is the (width, height) of one eye.

    With `at_once` no frame is fetched later than it was asked for, which a recording of every frame needs.
    """
    return HostBridge(ctx, net_size, asynchronous=False if at_once else None)


def open_source(display: Display, options: RunOptions, eye_size: Size) -> FrameSource:
    """The source that `options.source` names. Raises `UsageError` or `InputError`."""
    kind, argument = parse_source(options.source)
    if kind == "scene":
        from artem_vr.sources.courtyard.source import CourtyardSource

        return CourtyardSource(display.ctx, eye_size)
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
        display = open_display(options, head_path(options))
        stack.callback(display.close)
        source = open_source(display, options, options.eye_size)
        stack.callback(source.close)
        while (request := display.begin_frame()) is not None:
            texture = source.read(request).color[0]  # type: ignore[union-attr]  # the scene is drawn by GL
            pixels = np.frombuffer(texture.read(), np.uint8).reshape(*texture.size[::-1], -1)
            yield np.ascontiguousarray(pixels[::-1, :, :3])


def head_path(options: PreviewOptions) -> HeadPath:
    """Where the head of a preview goes by itself: a walk through the scene, nowhere for pictures."""
    if options.source == "scene":
        from artem_vr.sources.courtyard.path import walk

        return walk
    return lambda seconds: Pose((0.0, 0.0, 0.0))  # pictures hang in front of the head wherever it is


def open_display(options: PreviewOptions, path: HeadPath) -> Display:
    """A window, or none. Raises `DisplayError`."""
    if options.headless:
        return HeadlessDisplay(options.size, path, options.frames, options.fps)
    from artem_vr.displays.glfw import GlfwDisplay

    return GlfwDisplay(options.size, path, options.frames, "Art'Em VR")


def open_headset(options: VrOptions, say: Callable[[str], None]) -> "OpenXrDisplay":
    """The headset of the active OpenXR runtime; `say` is told what it is. Raises `DisplayError`."""
    from artem_vr.displays.openxr.display import OpenXrDisplay
    from artem_vr.sources.courtyard.path import walk

    # Where the walk begins, on the floor; pictures hang in a room of their own.
    start = walk(0.0) if options.source == "scene" else Pose((0.0, 0.0, 0.0))
    origin = Pose((start.position[0], 0.0, start.position[2]), start.yaw)
    keep = options.record is not None or options.snapshot is not None
    headset = OpenXrDisplay(origin, options.frames, options.once, keep, eye_scale=options.eye_scale)
    width, height = headset.eye_size
    say(f"showing two eyes of {width}x{height} in {headset.description} (Ctrl-C ends)")
    return headset


def hang(stack: ExitStack, headset: "OpenXrDisplay", source: FrameSource, options: VrOptions) -> tuple[Display, Size]:
    """The display for a source, and the size of one of its pictures: flat ones hang on a screen in the world."""
    size = getattr(source, "picture_size", None)
    if size is None:
        return headset, headset.eye_size
    from artem_vr.displays.screen_placement import screen_size
    from artem_vr.displays.world_screen import WorldScreen

    fov = options.field_of_view
    if size[1] > size[0] and not options.is_live:  # a tall picture is as high as others are wide
        fov = 2 * math.atan(math.tan(fov / 2) * size[0] / size[1])
    size = screen_size(size, headset.eye_size, _EYE_FOV, fov)
    screen = WorldScreen(headset, size, fov, options.lock, options.is_live, options.camera_latency_ms / 1e3)
    stack.callback(screen.close)
    return screen, size
