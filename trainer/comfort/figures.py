"""The figures of one way of painting, and their means."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from trainer.comfort.measurement import Strain


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; None for what was not.

    `step`: from frame to frame; `leap`: over a longer time; `stereo`: from the left eye to the right one; `flicker`:
    the gain of a camera's noise; `lag`: how far paint lies from where it belongs while the head turns, in pixels of
    the network.
    """

    step: Strain | None = None
    leap: Strain | None = None
    stereo: Strain | None = None
    flicker: float | None = None
    lag: float | None = None

    def to_json(self) -> dict[str, object]:
        """For machines; what is no finite number is null."""
        return {name: _json(getattr(self, name)) for name in _NAMES}


@dataclass(frozen=True, slots=True)
class Row:
    """One painter in one style and mode.

    `errors` has the warping error of each displayed frame of the walk against the one before, by its number, and
    `arrivals` the numbers of the frames that show new paint.
    """

    painter: str
    style: str
    mode: str
    figures: Figures
    errors: dict[int, float] = field(default_factory=dict)
    arrivals: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "painter": self.painter,
            "style": self.style,
            "mode": self.mode,
            **self.figures.to_json(),
            "errors": {str(number): _json(error) for number, error in self.errors.items()},
            "arrivals": self.arrivals,
        }


def mean(rows: Sequence[Figures]) -> Figures:
    """The mean of each figure that all of them have."""
    return Figures(
        step=_mean_strain([row.step for row in rows]),
        leap=_mean_strain([row.leap for row in rows]),
        stereo=_mean_strain([row.stereo for row in rows]),
        flicker=_mean([row.flicker for row in rows]),
        lag=_mean([row.lag for row in rows]),
    )


def ratios(figures: Figures, source: Figures) -> dict[str, float]:
    """The errors as multiples of the source's own, where there are both."""
    found = {}
    for name in ("step", "leap", "stereo"):
        one, other = getattr(figures, name), getattr(source, name)
        if one is not None and other is not None and other.error > 0:
            found[name] = one.error / other.error
    return found


_NAMES = [each.name for each in fields(Figures)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _mean_strain(strains: Sequence[Strain | None]) -> Strain | None:
    error = _mean([None if strain is None else strain.error for strain in strains])
    pixels = _mean([None if strain is None else strain.pixels for strain in strains])
    return None if error is None or pixels is None else Strain(error, pixels)


def _json(value: Strain | float | None) -> object:
    if isinstance(value, Strain):
        return {name: _json(number) for name, number in value.to_json().items()}
    return value if value is None or math.isfinite(value) else None
