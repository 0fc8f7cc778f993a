"""Puts one painter in one mode through everything that is measured."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from artem_vr.ports import Engine
from artem_vr.styles import StyleBank
from trainer.comfort.correspondence import as_floats, taken_from
from trainer.comfort.figures import Figures, Row
from trainer.comfort.flicker import flicker_gain
from trainer.comfort.lag import displacements, lag
from trainer.comfort.material import Material, Turn
from trainer.comfort.measurement import Motion, Pairs, measure_motion
from trainer.comfort.modes import Mode, Painter
from trainer.comfort.recording import Recording
from trainer.comfort.showing import Shown, show

OnShown = Callable[[int, NDArray[np.uint8]], None]
"""Told the number of a frame of the walk, and what both eyes are shown."""

_REACH_MARGIN = 12


class Trial:
    """Shows the material through one engine, in any style of its bank and any mode.

    `advance` is told of each frame that was shown.
    """

    def __init__(
        self, material: Material, bank: StyleBank, engine: Engine, advance: Callable[[int], None] = lambda frames: None
    ) -> None:
        self._material, self._bank, self._engine, self._advance = material, bank, engine, advance

    def row(self, painter: Painter, style: str, mode: Mode, on_shown: OnShown = lambda number, rgb: None) -> Row:
        """Everything that is measured of it."""
        arrivals: list[int] = []
        watched = _watched(self._shown(self._material.walk, style, mode), arrivals, on_shown)
        motion = measure_motion(watched, self._material.pairs)
        flicker = self._flicker(style, mode)
        found = None if mode.lagging is None else self._lag(style, mode.under(mode.lagging))
        return Row(painter.name, style, mode.name, _figures(motion, flicker, found), motion.errors, arrivals)

    def motion(self, recording: Recording, pairs: Pairs, painter: Painter, style: str, mode: Mode) -> Row:
        """What is compared of a recording of another kind: no noise, no turn."""
        arrivals: list[int] = []
        watched = _watched(self._shown(recording, style, mode), arrivals, lambda number, rgb: None)
        motion = measure_motion(watched, pairs)
        return Row(painter.name, style, mode.name, _figures(motion, None, None), motion.errors, arrivals)

    def _shown(self, recording: Recording, style: str, mode: Mode) -> Iterator[Shown]:
        for shown in show(recording, self._engine, self._bank, style, mode):
            self._advance(1)
            yield shown

    def _flicker(self, style: str, mode: Mode) -> float:
        still, settling = self._material.still, self._material.effort.settling
        shown = [each.rgb_EHWC[0] for each in self._shown(still, style, mode)]
        return flicker_gain(shown[settling:], [view.rgb_EHWC[0] for view in still.views][settling:])

    def _lag(self, style: str, mode: Mode) -> float:
        turn = self._material.turn
        shown = enumerate(self._shown(turn.recording, style, mode))
        found = [_displacements(turn, number, each) for number, each in shown if number in turn.measured]
        return lag(np.concatenate(found))


def source_row(recording: Recording, pairs: Pairs, flicker: float | None = None) -> Row:
    """The same of the source itself."""
    motion = measure_motion([view.rgb_EHWC for view in recording.views], pairs)
    return Row("source", "", "", _figures(motion, flicker, None), motion.errors)


def _figures(motion: Motion, flicker: float | None, found_lag: float | None) -> Figures:
    return Figures(motion.step, motion.leap, motion.stereo, flicker, found_lag)


def _watched(shown: Iterator[Shown], arrivals: list[int], on_shown: OnShown) -> Iterator[NDArray[np.uint8]]:
    before = None
    for number, each in enumerate(shown):
        if each.paint is not before:
            arrivals.append(number)
            before = each.paint
        on_shown(number, each.rgb_EHWC)
        yield each.rgb_EHWC


def _displacements(turn: Turn, number: int, shown: Shown) -> NDArray[np.float64]:
    """How far the tiles of the newest paint are from where its depth says that they belong, in the network's pixels."""
    width, height = turn.recording.eye_size
    where = turn.where(number, shown.paint.source.sequence)
    paint_HWC = as_floats(shown.paint.painted_EHWC[0])
    scale = paint_HWC.shape[1] / width
    belongs_HWC = taken_from(paint_HWC, where.place_HW2)
    if not where.seen_HW.any():
        return np.empty((0, 2))
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    way = np.abs(where.place_HW2 - np.stack([x, y], -1))[where.seen_HW] * (width, height)
    reach = int(np.percentile(way, 99)) + _REACH_MARGIN
    return scale * displacements(as_floats(shown.rgb_EHWC[0]), belongs_HWC, where.seen_HW, reach)
