"""A display without a screen: for recordings, measurements and tests."""

import contextlib
import time

from artem_vr.camera import HeadPath, stereo_views
from artem_vr.displays.side_by_side import SideBySide, SideBySideDisplay
from artem_vr.errors import UsageError
from artem_vr.frame import FrameRequest, Size
from artem_vr.gl.context import create_headless_context
from artem_vr.ports import Action


class HeadlessDisplay(SideBySideDisplay):
    """Renders side-by-side stereo of `size` pixels in all, following `path`, for `frames` frames (None: for ever).

    Without `fps` it runs as fast as it can, in real time. With it, time is simulated: frame k is at start + k / fps
    whatever the machine does, as an even recording needs it. `script` gives the actions that `actions` returns, by
    frame number. Raises `GraphicsError` without OpenGL, `UsageError` for a size or rate that makes no sense.
    """

    name = "headless"
    refresh_rate: float | None = None

    def __init__(
        self,
        size: Size,
        path: HeadPath,
        frames: int | None = None,
        fps: float | None = None,
        script: dict[int, list[Action]] | None = None,
    ) -> None:
        if fps is not None and fps <= 0:
            raise UsageError(f"a display at {fps} frames a second shows nothing: choose more than 0")
        self.help_lines: list[str] = []
        self.missed_frames: int | None = None
        self._path = path
        self._frames = frames
        self._fps = fps
        self._script = script or {}
        self._pending = []
        self._sequence = 0
        self._quit = False
        self._start: float | None = None
        with contextlib.ExitStack() as opened:
            self.ctx = create_headless_context()
            opened.callback(self.ctx.release)
            self._picture = SideBySide(self.ctx, size)
            opened.callback(self._picture.close)
            self._opened = opened.pop_all()

    def begin_frame(self) -> FrameRequest | None:
        """The next frame; None after the last one, or after a scripted QUIT."""
        if self._quit or (self._frames is not None and self._sequence >= self._frames):
            return None
        if self._start is None:
            self._start = time.monotonic()
        now = time.monotonic() if self._fps is None else self._start + self._sequence / self._fps
        scripted = self._script.get(self._sequence, [])
        self._pending += scripted
        self._quit = Action.QUIT in scripted
        eyes = stereo_views(self._path(now - self._start), self._picture.eye_size)
        request = FrameRequest(self._sequence, now, eyes, self._picture.eye_size)
        self._sequence += 1
        return request

    def end_frame(self) -> None:
        """Lays the text over the picture and waits until it is drawn, as a screen would."""
        self._picture.draw_text()
        # Without it frames would pile up undrawn, and the frame rate would be that of giving commands.
        self.ctx.finish()
