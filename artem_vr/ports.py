"""The four joints of the program. Everything concrete is named in `artem_vr.app` alone.

    Display -> FrameRequest -> FrameSource -> Bridge -> Stylizer (Engine) -> Bridge -> Compositor -> Display

`tests/contracts` runs one suite over every backend of a port.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeGuard, runtime_checkable

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import FrameRequest, GlFrame, HostFrame, PaintedFrame, Size, TensorFrame, Views, Windows


class FrameSource(Protocol):
    """Gives the picture for a moment and a pair of eyes. A source never calls a display."""

    name: str

    def read(self, request: FrameRequest) -> GlFrame | HostFrame:
        """The newest frame for this request, without waiting for one that is not there yet.

        Returns the same object as before when nothing newer exists. Raises `InputError` when the source is over
        or lost for good.
        """

    def close(self) -> None:
        """Frees everything that opening took. May be called twice."""


@dataclass(frozen=True, slots=True)
class PaintTextures:
    """A painted picture back in OpenGL, network-sized: one picture for each of `views`, the first one lowest.

    `texture` has four channels, bottom row first: RGB is the paint, A the luma of the source pixel it was painted from
    (the guide of the joint upsampling). `frame` is what it was made of. `depth`, where it is known, is laid out
    likewise: the source's distances (see `artem_vr.paint_depth`).
    """

    texture: moderngl.Texture
    frame: PaintedFrame
    depth: moderngl.Texture | None = None

    @property
    def views(self) -> Views:
        """Which eyes the pictures show."""
        return self.frame.source.views

    @property
    def scales(self) -> int:
        """At how many scales each eye was painted (see `TensorFrame`)."""
        return self.frame.source.scales

    @property
    def size(self) -> Size:
        """The (width, height) of one picture."""
        return self.texture.width, self.texture.height // len(self.views)


class Bridge(Protocol):
    """Carries pixels between OpenGL and an engine. Only network-sized pixels cross."""

    name: str
    host_bytes: int
    """Bytes of pixels that it has copied between OpenGL or a GPU and host memory so far."""

    @property
    def net_size(self) -> Size:
        """The (width, height) of one eye as the engine gets it."""

    def resize(self, net_size: Size) -> None:
        """Gives eyes of another size from the next frame on. Paint of the size before is still taken.

        Raises `UsageError` for a size without a pixel.
        """

    @property
    def views(self) -> Views:
        """The eyes that the engine gets."""

    def choose(self, views: Views, windows: Windows = ()) -> None:
        """Gives these eyes only, from the next frame on. Paint of other eyes is still taken.

        With `windows` each picture is of that part of its eye's picture, and an eye may be there once for each scale
        (see `TensorFrame`). Other windows alone cost nothing. Raises `UsageError` for anything but one eye or both.
        """

    def to_tensor(self, frame: GlFrame) -> TensorFrame | None:
        """The chosen eyes of `frame`, filtered down to network size; None while an asynchronous copy is under way.

        Around a picture that does not fill its texture (`GlFrame.content`) stands its mirror image.
        """

    def to_texture(self, painted: PaintedFrame) -> PaintTextures:
        """The painted picture as a texture of its own size. Valid until the next call."""

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""


class Engine(Protocol):
    """Runs the generator network on a device."""

    @property
    def name(self) -> str:
        """What runs the network."""

    @property
    def device(self) -> str:
        """Where it runs."""

    @property
    def precision(self) -> str:
        """In what kind of numbers."""

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """Paints E pictures of one size, each in its own style.

        pixels_EHWC: uint8 sRGB (E, H, W, 3), H and W even, in the engine's own kind of array (`TensorFrame`).
        styles_ED: float32 style vectors (E, D), see `artem_vr.nets.compact`.
        Returns the same shape and type as `pixels_EHWC`. Another size or batch may compile once; other styles never.
        Raises `EngineError`.
        """

    def close(self) -> None:
        """Frees the device's memory. May be called twice."""


@runtime_checkable
class TimedEngine(Protocol):
    """What an `Engine` may offer besides, where its device keeps time of its own."""

    @property
    def last_gpu_ms(self) -> float | None:
        """How long the device worked on the last painting whose time is known; None before the first. Never waits."""


def device_milliseconds(engine: Engine) -> float | None:
    """How long the engine's device worked on its last painting; None for one that does not tell."""
    return engine.last_gpu_ms if isinstance(engine, TimedEngine) else None


@runtime_checkable
class PreparingEngine(Protocol):
    """What an `Engine` may offer besides, that takes long to be ready for another shape of the batch."""

    def prepare(self, shape: tuple[int, ...]) -> None:
        """Makes ready for pictures of shape (E, H, W, 3), on the calling thread, while another one paints.

        Raises what painting them would.
        """


Share = float | NDArray[np.float32]


@runtime_checkable
class SteadyEngine(Protocol):
    """What an `Engine` may offer besides: statistics of the normalisations that follow the pictures slowly.

    See `artem_vr.nets.conditional_norm`. Ask `can_paint_steadily` before using it.
    """

    @property
    def can_be_steady(self) -> bool:
        """Whether the bank's kind of network has such statistics."""

    def paint_steady(
        self, pixels_EHWC: Any, styles_ED: NDArray[np.float32], previous_ES: NDArray[np.float32] | None, share: Share
    ) -> tuple[Any, NDArray[np.float32]]:
        """Paints as `Engine.paint` does, with statistics between those of before and the pictures' own.

        previous_ES: for each picture what to go on from, all means and then all variances; None for the pictures' own
        alone. share: in [0, 1], how much the pictures' own count, one for all or one for each (E,); with 1 it is
        `paint`, as far as numbers are exact.
        Returns the painted pixels and the statistics that were used, in arrays of their own. The first time it may
        compile, as for a new shape; other styles, statistics and shares never do. Raises `EngineError`.
        """

    def on_host(self, pixels_EHWC: Any) -> NDArray[np.uint8]:
        """The pixels, or any part of them, as a NumPy array: the very one where they are that already."""


def can_paint_steadily(engine: Engine) -> TypeGuard[SteadyEngine]:
    """Whether `paint_steady` may be called."""
    return isinstance(engine, SteadyEngine) and engine.can_be_steady


@runtime_checkable
class DeviceEngine(Protocol):
    """What an `Engine` may offer besides, that paints arrays of its own device without a copy on the host.

    Its `paint` takes NumPy arrays and gives such, and takes torch tensors on its device, of any strides, and gives
    such: finished ones, which any stream may read.
    """

    @property
    def device_index(self) -> int | None:
        """The number of the CUDA device; None where it is none."""

    def read_after(self, event: Any) -> None:
        """From the next `paint` on nothing is read before `event`, of the one stream that all events here come from.

        Any thread may call it, and nobody waits. Pixels that no event was told of must be there already.
        """


class Action(Enum):
    """What a person asks for while the program runs, whatever the device it is asked with."""

    NEXT_STYLE = "next style"
    PREVIOUS_STYLE = "previous style"
    MORE = "more strength"
    LESS = "less strength"
    TOGGLE_PLAIN = "original or painted"
    SNAPSHOT = "snapshot"
    HELP = "help"
    FULLSCREEN = "fullscreen"
    STEP_STRENGTH = "next of the usual strengths"
    RECENTRE = "make what is ahead the front"
    NEXT_COMFORT = "next way to keep paint calm"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Controls:
    """What is held at this moment, and acts for as long as it is: sticks and buttons.

    `strength` and `mix` are deflections from -1 to 1. Upwards is more paint; to the right the next style comes in,
    to the left the one before. `clear` shows the plain world.
    """

    strength: float = 0.0
    mix: float = 0.0
    clear: bool = False


class Display(Protocol):
    """Owns the GL context and the clock: asks for frames and shows them."""

    name: str
    ctx: moderngl.Context
    help_lines: list[str]
    """What its controls do, for `show_text`; empty when it has none."""

    @property
    def missed_frames(self) -> int | None:
        """Refreshes that passed without a new frame since the first; None for a display without a rate of its own."""

    @property
    def refresh_rate(self) -> float | None:
        """Frames a second that it shows at a pace of its own; None where it takes them as they come."""

    def begin_frame(self) -> FrameRequest | None:
        """Waits for the time of the next frame and describes it; None when the display is done."""

    def expect(self, frame: GlFrame) -> None:
        """Told, before the targets are drawn into, which picture it will be: when, from where and how deep."""

    def target(self, eye: int) -> tuple[moderngl.Framebuffer, tuple[int, int, int, int]]:
        """Where eye 0 (left) or 1 (right) of the current frame is drawn: a framebuffer and a viewport x, y, w, h."""

    def end_frame(self) -> None:
        """Shows what was drawn since `begin_frame`."""

    def actions(self) -> list[Action]:
        """What was asked for since the last call, oldest first."""

    def controls(self) -> Controls:
        """What is held in the current frame."""

    def show_text(self, lines: list[str]) -> None:
        """Text to lay over the picture (name of the style, help); an empty list takes it away."""

    def read_pixels(self) -> NDArray[np.uint8]:
        """The frame as shown: uint8 RGB (H, W, 3), top row first, both eyes side by side."""

    def close(self) -> None:
        """Closes the window and the context. May be called twice."""


__all__ = ["Action", "Bridge", "Controls", "Display", "Engine", "FrameSource", "PaintTextures", "Size"]
