"""One tick of the program: a request, a frame, its paint, and the two on the display."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from artem_vr.brightness import NO_VEIL, BrightnessLimiter, Veil
from artem_vr.comfort import PLAIN, Comfort
from artem_vr.comfort_control import ComfortControl
from artem_vr.compositor import Compositor, halves
from artem_vr.foveation import Gaze, Points, picture_size
from artem_vr.frame import BOTH, EYES, FrameRequest, GlFrame, HostFrame, PaintedFrame, Size, TensorFrame
from artem_vr.gl.fullscreen import Viewport
from artem_vr.measured_paint import MeasuredPaint
from artem_vr.paint_budget import PaintBudget
from artem_vr.ports import Action, Bridge, Display, FrameSource, PaintTextures
from artem_vr.stats import RunStats
from artem_vr.steady_paint import SteadyPaint
from artem_vr.style_control import StyleControl
from artem_vr.stylizer import Stylizer
from artem_vr.veiling import Shown, Veiling

_CAPTION_SECONDS = 2.5


class Uploader(Protocol):
    """Puts a host frame into textures (see `artem_vr.gl.upload`)."""

    def upload(self, frame: HostFrame, eye_size: Size) -> GlFrame:
        """Both eyes of `frame` as textures of `eye_size`."""


class Pipeline:
    """Joins a source, a bridge, a stylizer and a compositor to a display.

    With `every_frame` each frame waits for its own paint, for recordings with a simulated clock; otherwise the
    display goes on with the newest paint there is; the very first frame waits even then, unless `wait_for_first` is
    off. A `limiter` lays a veil over pictures that would become darker or brighter too fast, and keeps the plain world
    in the dark while the first paint is still to come. `on_shown` gets every finished frame's time. A `budget`, which
    may be set at any time, says how large pictures are painted and which ones; without it, all that come in time.
    `comfort` says how paint follows the head and which eyes are painted, and goes on to the next way when asked; the
    size that `bridge` has at first is that of an eye which is painted as finely everywhere. With `at_once` stereo pairs
    without depth wait until they are compared, as they do with `every_frame`.
    """

    def __init__(
        self,
        display: Display,
        source: FrameSource,
        uploader: Uploader,
        bridge: Bridge,
        stylizer: Stylizer,
        compositor: Compositor,
        control: StyleControl,
        stats: RunStats,
        every_frame: bool = False,
        on_shown: Callable[[FrameRequest], None] = lambda request: None,
        on_snapshot: Callable[[], None] = lambda: None,
        limiter: BrightnessLimiter | None = None,
        wait_for_first: bool = True,
        comfort: ComfortControl | None = None,
        at_once: bool = False,
    ) -> None:
        self._display, self._source, self._uploader, self._bridge = display, source, uploader, bridge
        self._full_size, self._gaze = bridge.net_size, Gaze()
        self.budget: PaintBudget | None = None
        self._comfort = comfort or ComfortControl(Comfort())
        self._steady = SteadyPaint(display.ctx, at_once or every_frame)
        self._measured = MeasuredPaint(display.ctx) if limiter is not None else None
        self._stylizer, self.compositor, self._control, self._stats = stylizer, compositor, control, stats
        self._every_frame, self._on_shown, self._on_snapshot = every_frame, on_shown, on_snapshot
        self._veiling = None if limiter is None else Veiling(limiter)
        self._wait_for_first = wait_for_first or every_frame
        self.eye_size: Size = (0, 0)
        self._submitted: TensorFrame | None = None
        self._revision = 0
        self._bytes_before = 0
        self._last_painted: PaintedFrame | None = None
        self._counted: PaintedFrame | None = None
        self._caption_until = 0.0
        self._help = False
        self._is_drawn = False

    def use_bridge(self, bridge: Bridge) -> None:
        """Carries pixels over this bridge from the next tick on. The one before is closed by whoever opened it."""
        self._bytes_before += self._bridge.host_bytes
        self._bridge = bridge

    @property
    def bridge_name(self) -> str:
        """What carries pixels now."""
        return self._bridge.name

    @property
    def host_bytes(self) -> int:
        """Bytes of pixels that bridges have copied through host memory so far."""
        return self._bytes_before + self._bridge.host_bytes

    @property
    def net_size(self) -> Size:
        """The (width, height) of the pictures that are painted now."""
        return self._bridge.net_size

    @property
    def comfort(self) -> Comfort:
        """What keeps paint calm now. May be set between two frames; the round of ways begins there then."""
        return self._comfort.comfort

    @comfort.setter
    def comfort(self, comfort: Comfort) -> None:
        self._comfort = ComfortControl(comfort)
        self._steady_up()

    def _steady_up(self) -> None:
        steadiness = self._stylizer.steadiness
        if steadiness is not None:
            steadiness.seconds, steadiness.shared = self.comfort.steady, self.comfort.shares_statistics

    @property
    def pictures(self) -> int:
        """How many pictures are painted of a frame now."""
        return len(self._bridge.views)

    def tick(self) -> bool:
        """Shows one frame; False when the display is done. Raises what the source, engine or display raise."""
        with self._stats.frame():
            return self._show_frame()

    def _show_frame(self) -> bool:
        stats = self._stats
        with stats.stage("wait", waits=True):
            request = self._display.begin_frame()
        if request is None:
            return False
        self.eye_size = request.eye_size
        self._handle_actions(request)
        controls = self._display.controls()
        self._control.steer(controls, request.time)
        with stats.stage("source", draws=True):
            frame = self._source.read(request)
            stats.picture_taken(frame)
            self._is_drawn = not isinstance(frame, HostFrame)
            if isinstance(frame, HostFrame):
                frame = self._uploader.upload(frame, request.eye_size)
        with stats.stage("download", draws=True):
            tensor, gaze = self._fetch(frame, request)
        painted = self._paint(tensor, frame, request.time)
        with stats.stage("upload", draws=True):
            paint = self._show(painted)
        with stats.stage("compose", draws=True):
            self._display.expect(frame)
            seen = tensor if tensor is not None else self._submitted
            veil = self._veil(request, frame, seen, paint, controls.clear)
            self._compose(frame, paint, veil, gaze)
        # A display with a rate of its own may wait for it here.
        with stats.stage("show", draws=True, waits=self._display.refresh_rate is not None):
            self._display.end_frame()
        if self.budget is not None:
            self.budget.frame_shown(time.monotonic(), stats.work_ms, painted)
        self._count(request, frame, None if paint is None else paint.frame)
        self._on_shown(request)
        return True

    def _fetch(self, frame: GlFrame, request: FrameRequest) -> tuple[TensorFrame | None, Points | None]:
        """What is to be painted, as large as is to be painted now; and where the eyes look, if that matters."""
        bridge, comfort, budget = self._bridge, self.comfort, self.budget
        if budget is not None:
            periphery = budget.periphery(comfort.periphery, len(comfort.views(frame)))
            comfort = replace(comfort, periphery=periphery)
        gaze = self._gaze.follow(request.gaze, frame.eyes, request.time) if comfort.scales > 1 else None
        self._steady.choose(frame, bridge, comfort, gaze)
        if budget is None:
            bridge.resize(picture_size(self._full_size, comfort.periphery))
        picture = frame if budget is None else budget.picture(frame, bridge)
        tensor = self._steady.to_tensor(picture, bridge, comfort, gaze=gaze)
        if tensor is None and self._submitted is None and self._wait_for_first:
            # An asynchronous bridge has the first frame by now.
            tensor = self._steady.to_tensor(picture, bridge, comfort, wait=True, gaze=gaze)
        return tensor, gaze

    def _show(self, painted: PaintedFrame | None) -> PaintTextures | None:
        if painted is None:
            return None
        paint = self._steady.to_texture(painted, self._bridge, self.comfort)
        if self._measured is None:
            return paint
        # As it came it is known already how bright it is, and it does until what comes of it is known.
        shown = self._measured.newest(paint, paint is self._steady.newest)
        return self._steady.newest if shown is None else shown

    def _paint(self, tensor: TensorFrame | None, frame: GlFrame, now: float) -> PaintedFrame | None:
        styles = self._control.vectors(now)
        if self._every_frame and self._control.strength == 0:
            return None  # nobody would see it
        revision = self._hand_in(tensor, frame, styles)
        # The very first frame may wait for its paint: nobody wants to see the plain world flash up.
        first = self._last_painted is None and self._wait_for_first
        if self._submitted is not None and (self._every_frame or first):
            with self._stats.stage("wait for paint", waits=True):
                painted: PaintedFrame | None = self._stylizer.wait_for(self._submitted, revision)
        else:
            painted = self._stylizer.latest()
        if painted is not None and painted is not self._last_painted:
            self._stats.add("network", painted.milliseconds)
            self._last_painted = painted
        return painted

    def _hand_in(self, tensor: TensorFrame | None, frame: GlFrame, styles: NDArray[np.float32]) -> int:
        """Hands in the picture if it is new, else the styles alone; returns the revision of what will come of it."""
        submitted, budget = self._submitted, self.budget
        if tensor is not None and tensor is not submitted:
            self._submitted = tensor
            self._revision = self._stylizer.submit(tensor, styles[list(tensor.views)])
        elif budget is None or (budget.is_due and (submitted is None or submitted.sequence == frame.sequence)):
            # Otherwise styles wait for the next picture: painting this one once more would come in between.
            self._revision = self._stylizer.set_styles(styles[list(submitted.views if submitted is not None else BOTH)])
        return self._revision

    def _veil(
        self,
        request: FrameRequest,
        frame: GlFrame,
        source: TensorFrame | None,
        paint: PaintTextures | None,
        clear: bool,
    ) -> Veil:
        """One veil for both eyes: they must never differ in brightness."""
        if self._veiling is None:
            return NO_VEIL
        shown = Shown(
            frame=frame,
            source=source,
            painted=None if paint is None else paint.frame,
            paint_luma=self._measured.luma if self._measured is not None else None,
            strength=self._control.strength,
            split=self._comfort.split,
            is_drawn=self._is_drawn,
        )
        return self._veiling.veil(shown, request.time, clear)

    def _compose(self, frame: GlFrame, paint: PaintTextures | None, veil: Veil, gaze: Points | None) -> None:
        strength = self._control.strength
        for eye in range(EYES):
            framebuffer, viewport = self._display.target(eye)
            parts: list[tuple[PaintTextures | None, bool, Viewport | None]] = [(paint, self.comfort.carry, None)]
            if self._comfort.split:
                left, right = halves(viewport)
                before, after = (left, right) if self._comfort.before_left else (right, left)
                parts = [(self._steady.newest, PLAIN.carry, before), (paint, self.comfort.carry, after)]
            for part, carry, within in parts:
                self.compositor.draw(
                    frame, part, strength, eye, framebuffer, viewport, veil, carry=carry, within=within, gaze=gaze
                )

    def close(self) -> None:
        """Frees what the pipeline itself has opened. May be called twice."""
        self._steady.close()
        if self._measured is not None:
            self._measured.close()

    def _count(self, request: FrameRequest, frame: GlFrame, painted: PaintedFrame | None) -> None:
        if painted is None:
            self._stats.frame_shown(None, None, None)
            return
        behind = frame.sequence - painted.source.sequence
        counted = self._counted
        if counted is not None and painted.source.sequence == counted.source.sequence and behind == 0:
            # A still picture does not age: its paint was counted when it first came, in whatever style.
            self._stats.frame_shown(painted, None, behind)
            return
        self._counted = painted
        # A headset says when a frame will be seen; any other display has just shown it.
        now = request.time if self._every_frame else max(request.time, time.monotonic())
        self._stats.frame_shown(painted, max(0.0, now - painted.source.captured_at), behind)

    def _handle_actions(self, request: FrameRequest) -> None:
        for action in self._display.actions():
            if self._control.handle(action, request.time):
                self._caption_until = request.time + _CAPTION_SECONDS
                self._display.show_text(self._control.caption)
            elif self._comfort.handle(action):
                self._caption_until = request.time + _CAPTION_SECONDS
                self._display.show_text(self._comfort.caption)
                self._steady_up()
            elif action is Action.SNAPSHOT:
                self._on_snapshot()
                self._caption_until = request.time + _CAPTION_SECONDS
            elif action is Action.HELP:
                self._help = not self._help
                self._caption_until = 0.0
                self._display.show_text(self._display.help_lines if self._help else [])
        if self._caption_until and request.time >= self._caption_until:
            self._caption_until = 0.0
            self._display.show_text(self._display.help_lines if self._help else [])
