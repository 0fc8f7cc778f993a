"""Shows a recording in a painter's style through the pipeline of every live run, and keeps what was shown."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.app import open_bridge
from artem_vr.camera import Pose
from artem_vr.compositor import Compositor
from artem_vr.config import default_net_size
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.frame import EYES, FrameRequest, GlFrame, HostFrame, PaintedFrame
from artem_vr.gl.upload import FrameUploader
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Engine
from artem_vr.stats import RunStats
from artem_vr.steadiness import Steadiness
from artem_vr.style_control import StyleControl
from artem_vr.styles import StyleBank
from trainer.comfort.modes import Mode
from trainer.comfort.punctual_stylizer import PunctualStylizer
from trainer.comfort.recording import Recording

UPSAMPLING = "joint"
"""That of graphics hardware, whatever draws here."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame as the display shows it: uint8 RGB (2, H, W, 3), and the newest paint that is in it."""

    rgb_EHWC: NDArray[np.uint8]
    paint: PaintedFrame


class _RecordedDisplay(HeadlessDisplay):
    """A display whose head and clock are those of a recording."""

    def __init__(self, recording: Recording) -> None:
        width, height = recording.eye_size
        super().__init__((EYES * width, height), lambda seconds: Pose((0.0, 0.0, 0.0)))
        self._recording = recording

    def begin_frame(self) -> FrameRequest | None:
        number = self._sequence
        if number == len(self._recording.views):
            return None
        self._sequence += 1
        time = 1.0 + number / self._recording.fps
        return FrameRequest(number, time, self._recording.views[number].eyes, self._recording.eye_size)


class _RecordedSource:
    """The pictures of a recording: in textures, with depth, as the scene gives its own; pairs as a camera does."""

    name = "recording"

    def __init__(self, ctx: moderngl.Context, recording: Recording) -> None:
        self._recording, size = recording, recording.eye_size
        self._color = ctx.texture(size, 3, alignment=1), ctx.texture(size, 3, alignment=1)
        for texture in self._color:
            texture.filter = moderngl.LINEAR, moderngl.LINEAR
            texture.repeat_x = texture.repeat_y = False
        self._depth = ctx.depth_texture(size), ctx.depth_texture(size)
        for texture in self._depth:
            texture.compare_func = ""
            texture.filter = moderngl.NEAREST, moderngl.NEAREST
            texture.repeat_x = texture.repeat_y = False

    def read(self, request: FrameRequest) -> GlFrame | HostFrame:
        view = self._recording.views[request.sequence]
        if view.is_pair:
            return HostFrame(request.sequence, request.time, view.rgb_EHWC, view.eyes)
        for eye in range(EYES):
            self._color[eye].write(np.ascontiguousarray(view.rgb_EHWC[eye, ::-1]))
            if view.depth_EHW is not None:
                self._depth[eye].write(np.ascontiguousarray(view.depth_EHW[eye, ::-1]))
        depth = None if view.depth_EHW is None else self._depth
        return GlFrame(request.sequence, request.time, self._color, view.eyes, depth)

    def close(self) -> None:
        for texture in (*self._color, *self._depth):
            texture.release()


def show(recording: Recording, engine: Engine, bank: StyleBank, style: str, mode: Mode) -> Iterator[Shown]:
    """The recording frame by frame, painted by `engine` in a style of `bank` and shown as `mode` says.

    Raises what the parts of the pipeline raise.
    """
    with ExitStack() as stack:
        display = _RecordedDisplay(recording)
        stack.callback(display.close)
        source = _RecordedSource(display.ctx, recording)
        stack.callback(source.close)
        uploader = FrameUploader(display.ctx)
        stack.callback(uploader.close)
        bridge = open_bridge(display.ctx, default_net_size(recording.eye_size), at_once=True)
        stack.callback(bridge.close)
        compositor = Compositor(display.ctx, UPSAMPLING)
        stack.callback(compositor.close)
        control = StyleControl(bank, style or bank.names[0])
        stylizer = PunctualStylizer(engine, control.initial, mode.timing, Steadiness(mode.comfort.steady))
        pipeline = Pipeline(display, source, uploader, bridge, stylizer, compositor, control, RunStats(), at_once=True)
        stack.callback(pipeline.close)
        pipeline.comfort = mode.comfort
        while pipeline.tick():
            height, width = recording.eye_size[::-1]
            both = display.read_pixels().reshape(height, EYES, width, 3)
            paint = stylizer.latest()
            if paint is not None:  # always: the very first frame waits for it
                yield Shown(np.ascontiguousarray(both.swapaxes(0, 1)), paint)
