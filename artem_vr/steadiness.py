"""Keeps the statistics of an engine's normalisations steady over time, and alike in both eyes.

Without it the paint of a wall changes when a window comes into view beside it, for the network looks at everything
relative to the whole picture (see `artem_vr.nets.conditional_norm`).
"""

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import TensorFrame
from artem_vr.ports import Engine, SteadyEngine, can_paint_steadily
from artem_vr.scene_cut import Thumbnail, is_cut, sparse, thumbnail

LONGEST_GAP = 1.0
"""Seconds after a painting until the next picture, after which that has nothing to go on from."""
_STYLE = 0.02
"""How far, in parts of its length, a style vector moves while the statistics forget as in one time constant.

What the network sees in its later layers depends on the style. With this the statistics are never more than this part
behind a fade, however slow or fast it is; and a swap starts afresh.
"""
_OTHER_STYLE = 0.005
"""How far it moves, likewise, until finer pictures cannot be painted with the statistics of the painting before."""

Statistics = NDArray[np.float32]


class Steadiness:
    """Paints frame after frame with an engine, and remembers the statistics from each for the next.

    `seconds` is the time constant: so long after a change, 63 % of it have come through, whatever the rate of the
    pictures. 0 paints each picture plainly, and so does an engine that has no other way. `shared`: both eyes go on from
    the statistics of all their pixels together. Both may be set at any time, by any thread; nothing compiles for it,
    but for the first steady painting of a shape.

    A cut, another size, and a gap of more than `LONGEST_GAP` make a new start.

    Of foveated pictures the finer ones are painted with the statistics that the whole of their eye had the painting
    before: by their own the colours of the middle would differ from those around it. At a new start, and while the
    style changes, they are painted twice for it.
    """

    def __init__(self, seconds: float = 1.0, shared: bool = True) -> None:
        self.seconds = seconds
        self.shared = shared
        self.cuts = 0
        self._statistics_ES: Statistics | None = None
        self._captured_at, self._took = 0.0, 0.0
        self._shape: tuple[int, ...] = ()
        self._styles_ED = np.zeros(0, np.float32)
        self._thumbnail: Thumbnail | None = None

    def paint(self, engine: Engine, frame: TensorFrame, styles_ED: NDArray[np.float32]) -> Any:
        """What `engine.paint` gives for the frame, steadily. Only the thread that paints calls it. Raises as that."""
        seconds, pixels = self.seconds, frame.pixels_EHWC
        if (seconds <= 0 and frame.scales == 1) or not can_paint_steadily(engine):
            self._statistics_ES = self._thumbnail = None
            return engine.paint(pixels, styles_ED)
        began = time.perf_counter()
        share = self._share(engine, frame, styles_ED, seconds)
        previous = None if share is None else self._statistics_ES
        self._statistics_ES = None  # whatever happens now, what is remembered belongs to one painting
        own = 1.0 if share is None else share
        if frame.scales > 1:
            painted, used_ES = self._paint_foveated(engine, frame, styles_ED, previous, own)
        else:
            painted, used_ES = engine.paint_steady(pixels, styles_ED, previous, own)
        kept_ES = self._kept(frame, used_ES)
        # A number that is none would stay in all that comes after it.
        self._statistics_ES = kept_ES if np.isfinite(kept_ES).all() else None
        self._captured_at, self._shape, self._styles_ED = frame.captured_at, tuple(pixels.shape), styles_ED
        self._took = time.perf_counter() - began
        return painted

    def _paint_foveated(
        self,
        engine: SteadyEngine,
        frame: TensorFrame,
        styles_ED: NDArray[np.float32],
        previous_ES: Statistics | None,
        share: float,
    ) -> tuple[Any, Statistics]:
        """The finer pictures with the statistics of the whole of their eye, which must be known before."""
        is_again = frame.captured_at == self._captured_at  # a still picture is not painted anew the next moment
        if previous_ES is None or is_again or moved(self._styles_ED, styles_ED) > _OTHER_STYLE:
            # Once in vain: those of the painting before are of another picture, or in another style.
            _, used_ES = engine.paint_steady(frame.pixels_EHWC, styles_ED, previous_ES, share)
            previous_ES, share = self._kept(frame, used_ES), 0.0
        is_whole_E = np.arange(len(styles_ED)) < frame.eye_count
        return engine.paint_steady(
            frame.pixels_EHWC, styles_ED, previous_ES, np.where(is_whole_E, share, 0.0).astype(np.float32)
        )

    def _kept(self, frame: TensorFrame, used_ES: Statistics) -> Statistics:
        """What the pictures after these go on from: of the whole ones alone, for each of the same eye."""
        whole_ES = used_ES[: frame.eye_count]
        return np.tile(pooled(whole_ES) if self.shared else whole_ES, (frame.scales, 1))

    def _share(
        self, engine: SteadyEngine, frame: TensorFrame, styles_ED: NDArray[np.float32], seconds: float
    ) -> float | None:
        """How much the frame's own statistics count; None where it has nothing to go on from."""
        before, self._thumbnail = self._thumbnail, thumbnail(engine.on_host(sparse(frame.pixels_EHWC[0])))
        passed = frame.captured_at - self._captured_at
        shape = tuple(frame.pixels_EHWC.shape)
        longest = LONGEST_GAP + self._took  # nobody can paint sooner
        if self._statistics_ES is None or before is None or shape != self._shape or not 0 <= passed <= longest:
            return None
        if is_cut(before, self._thumbnail):
            self.cuts += 1
            return None
        if seconds <= 0:
            return 1.0
        return -math.expm1(-passed / seconds - moved(self._styles_ED, styles_ED) / _STYLE)


def moved(before_ED: NDArray[np.float32], after_ED: NDArray[np.float32]) -> float:
    """How far the style vectors have moved, in parts of the length of the longer: 0 for none, 2 at most."""
    if before_ED is after_ED:
        return 0.0
    length = max(float(np.linalg.norm(before_ED)), float(np.linalg.norm(after_ED)))
    return float(np.linalg.norm(after_ED - before_ED)) / length if length > 0 else 0.0


def pooled(statistics_ES: Statistics) -> Statistics:
    """For each picture the statistics of all pictures' pixels together; all means stand before all variances."""
    mean, variance = np.split(statistics_ES, 2, axis=1)
    together = [mean.mean(0), variance.mean(0) + mean.var(0)]
    return np.tile(np.concatenate(together).astype(np.float32), (len(statistics_ES), 1))
