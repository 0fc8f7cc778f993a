"""Tells a headset's panel how the painting goes."""

from collections import deque
from collections.abc import Callable, Collection

from artem_vr.comfort_control import ComfortControl
from artem_vr.frame import FrameRequest
from artem_vr.paint_budget import PaintBudget
from artem_vr.panel_picture import PanelState
from artem_vr.stats import RunStats
from artem_vr.style_control import StyleControl
from artem_vr.thumbnails import load_thumbnail

_SECONDS = 1.0
"""Over how long rates are taken: long enough to be read, short enough to follow."""


class PanelFeed:
    """Puts together what the panel shows, once a frame, and hands it to `show`. `styles` are those that may come."""

    def __init__(
        self,
        control: StyleControl,
        stats: RunStats,
        styles: Collection[str],
        show: Callable[[PanelState], None],
        comfort: ComfortControl | None = None,
    ) -> None:
        self._control, self._stats, self._show, self._comfort = control, stats, show, comfort
        self.budget: PaintBudget | None = None
        """What fits the painting to the display, whose choice is shown."""
        # Before the first frame: some are whole photographs, which no frame can wait for.
        self._thumbnails = {style: load_thumbnail(style) for style in {*styles, control.style}}
        self._counts: deque[tuple[float, int, int]] = deque()

    def frame_shown(self, request: FrameRequest) -> None:
        """Follows the run by a frame."""
        now = request.time
        stats, control = self._stats, self._control
        self._counts.append((now, stats.frames, stats.painted_frames))
        while len(self._counts) > 2 and now - self._counts[1][0] >= _SECONDS:
            self._counts.popleft()
        since, shown, painted = self._counts[0]
        passed = max(now - since, 1e-6)
        self._show(
            PanelState(
                title=control.title,
                artist=control.artist,
                blend_title=control.blend_title,
                blend=control.blend,
                strength=control.strength,
                plain=control.plain,
                shown_fps=(stats.frames - shown) / passed,
                painted_fps=(stats.painted_frames - painted) / passed,
                age_ms=stats.last_age_ms if stats.painted_frames else None,
                budget=self._how(),
                thumbnail=self._thumbnails.get(control.style),
            )
        )

    def _how(self) -> str:
        """How large pictures are painted, and how paint is kept calm where that is not as it was begun."""
        parts = [self.budget.text if self.budget is not None else ""]
        if self._comfort is not None and self._comfort.has_changed:
            parts.append(*self._comfort.caption)
        return ", ".join(filter(None, parts))
