"""The composition root: the only module that names concrete sources, engines, bridges and displays."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import HeadPath, Pose
from artem_vr.config import PreviewOptions, RunOptions, VrOptions, parse_source
from artem_vr.cuda_runtime import load_runtime
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import EngineError, GraphicsError, UsageError, unknown_name
from artem_vr.frame import EYES, Size
from artem_vr.machine import has_nvidia_driver
from artem_vr.ports import Bridge, DeviceEngine, Display, Engine, FrameSource
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    from artem_vr.displays.openxr.display import OpenXrDisplay

ENGINES = ("auto", "torch", "openvino", "onnxruntime", "cuda-graph")
_ONNX_DEVICES = ("directml", "coreml", "rocm")
DEVICES = ("auto", "cpu", "cuda", *_ONNX_DEVICES)
_log = logging.getLogger(__name__)
_CAMERA_FPS = 60.0
_EYE_FOV = math.radians(95.0)
"""How wide an eye of a usual headset sees; tells how many pixels of a picture it can show."""


def open_engine(bank: StyleBank, engine: str = "auto", device: str = "auto", precision: str = "auto") -> Engine:
    """The engine of that name on that device; `auto` takes CUDA graphs where there is a GPU, else OpenVINO.

    Raises `UsageError` for unknown names and `EngineError` where the device is not there.
    """
    check_engine(engine, device)
    if engine == "onnxruntime" or device in _ONNX_DEVICES:
        from artem_vr.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(bank, device, precision)
    # Without an NVIDIA driver there is nothing to ask torch, whose import takes a second.
    if engine in {"torch", "cuda-graph"} or device == "cuda" or (engine == "auto" and has_nvidia_driver()):
        import torch

        cuda = torch.cuda.is_available()
        if device == "cuda" and not cuda:
            raise EngineError("no NVIDIA GPU was found: leave out --device cuda, or see 'artem-vr doctor'")
        if engine == "cuda-graph" and not cuda:
            raise EngineError("no NVIDIA GPU was found: leave out --engine cuda-graph, or see 'artem-vr doctor'")
        on_gpu = cuda and device != "cpu"
        chosen = ("f16" if on_gpu else "f32") if precision == "auto" else precision
        if engine == "torch":
            from artem_vr.engines.torch import TorchEngine

            return TorchEngine(bank, "cuda" if on_gpu else "cpu", chosen)
        if on_gpu:
            return _open_cuda_graph(bank, chosen)
    from artem_vr.engines.openvino import OpenVinoEngine

    return OpenVinoEngine(bank, precision)


def _open_cuda_graph(bank: StyleBank, precision: str) -> Engine:
    from artem_vr.engines.cuda_graph import CudaGraphEngine

    with suppress(GraphicsError):
        # The bridge will want it. Whoever opens the engine has time to import it: the thread of a display has not.
        load_runtime()
    return CudaGraphEngine(bank, "cuda", precision)


def paints_on_gpu(engine: str, device: str) -> bool:
    """Whether `open_engine` will paint on something else than the processor, as far as can be told without opening."""
    if device != "auto":
        return device != "cpu"
    return engine in {"auto", "torch", "cuda-graph"} and has_nvidia_driver()


def check_engine(engine: str, device: str) -> None:
    """Raises `UsageError` for names that do not exist or do not go together."""
    if engine not in ENGINES:
        raise UsageError(unknown_name("engine", engine, ENGINES))
    if device not in DEVICES:
        raise UsageError(unknown_name("device", device, DEVICES))
    if device in _ONNX_DEVICES and engine not in {"auto", "onnxruntime"}:
        raise UsageError(f"the {engine} engine does not run on {device}: use --engine onnxruntime")
    if engine == "openvino" and device == "cuda":
        raise UsageError("the openvino engine runs on processors: use --engine cuda-graph for --device cuda")
    if engine == "cuda-graph" and device == "cpu":
        raise UsageError("the cuda-graph engine runs on NVIDIA GPUs: use --engine openvino for --device cpu")


def open_bridge(ctx: moderngl.Context, net_size: Size, engine: Engine | None = None, at_once: bool = False) -> Bridge:
    """What carries pixels between this context and the engine; `net_size` is the (width, height) of one eye.

    With `at_once` no frame is fetched later than it was asked for, which a recording of every frame needs. Without an
    engine, or one that is still to open, the pixels go through host memory: see `open_shared_bridge`.
    """
    shared = open_shared_bridge(ctx, net_size, engine) if engine is not None else None
    return shared or HostBridge(ctx, net_size, asynchronous=False if at_once else None)


def open_shared_bridge(ctx: moderngl.Context, net_size: Size, engine: Engine) -> Bridge | None:
    """The bridge that leaves pixels on the GPU. None where this engine and this context cannot share it.

    For an engine on a GPU a line in the log says why not. Whoever closes the bridge has closed the stylizer before.
    """
    if engine.device != "cuda":
        return None
    try:
        if not isinstance(engine, DeviceEngine) or engine.device_index is None:
            raise GraphicsError(f"the {engine.name} engine paints in host memory, --engine cuda-graph does not")
        from artem_vr.bridges.cuda_gl import CudaGlBridge
        from artem_vr.bridges.cuda_interop import CudaInterop
        from artem_vr.bridges.interop import try_out

        interop = CudaInterop(engine.device_index, engine.read_after)
        try_out(interop, ctx)
        return CudaGlBridge(ctx, net_size, interop)
    except (GraphicsError, RuntimeError) as error:  # the latter from torch
        _log.warning("pixels are copied through host memory: %s", " ".join(str(error).split())[:300])
        return None


def open_source(display: Display, options: RunOptions, eye_size: Size) -> FrameSource:
    """The source that `options.source` names. Raises `UsageError` or `InputError`."""
    kind, argument = parse_source(options.source)
    if kind == "scene":
        return open_scene(display.ctx, eye_size)
    if kind == "screen":
        return _open_screen(options.source, int(argument), options.side_by_side)
    if kind in {"webcam", "stereo"}:
        return _open_camera(options.source, int(argument), stereo=kind == "stereo" or options.side_by_side)
    # A simulated clock promises the picture of each moment; a live display never waits for a decoder.
    return _open_file(kind, Path(argument).expanduser(), options.side_by_side, live=not options.simulated)


def open_scene(ctx: moderngl.Context, eye_size: Size) -> FrameSource:
    """The built-in scene. Raises `GraphicsError`."""
    from artem_vr.sources.courtyard.source import CourtyardSource

    return CourtyardSource(ctx, eye_size)


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


def scene_walk() -> HeadPath:
    """The walk around the built-in scene."""
    from artem_vr.sources.courtyard.path import walk

    return walk


def head_path(options: PreviewOptions) -> HeadPath:
    """Where the head of a preview goes by itself: a walk through the scene, nowhere for pictures."""
    if options.source == "scene":
        return scene_walk()
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

    # Where the walk begins, on the floor; pictures hang in a room of their own.
    start = scene_walk()(0.0) if options.source == "scene" else Pose((0.0, 0.0, 0.0))
    origin = Pose((start.position[0], 0.0, start.position[2]), start.yaw)
    keep = options.record is not None or options.snapshot is not None
    headset = OpenXrDisplay(
        origin, options.frames, options.once, keep, eye_scale=options.eye_scale, gaze=options.is_foveated
    )
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
