"""What one way of painting does on recorded paths, in figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.comfort.correspondence import Correspondence, Picture, as_floats
from trainer.comfort.misalignment import Structure, misalignment, structure
from trainer.comfort.warping import warping_error

_STRUCTURE_EVERY = 15
"""Every how many frames the structure of what is shown is looked at: it changes slowly."""


@dataclass(frozen=True, slots=True)
class Strain:
    """A warping error in [0, 1], and the same as the shift in pixels that would make it (see `misalignment`)."""

    error: float
    pixels: float

    def to_json(self) -> dict[str, float]:
        """For machines."""
        return {"error": self.error, "pixels": self.pixels}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which frames of a recording are compared, and where their pixels lie in each other.

    `steps[n]` is where those of frame n (left eye) lie in frame n - 1, `leaps[n]` where in frame n - `leap`, and
    `across[n]` where the left eye's lie in the right one's.
    """

    leap: int
    steps: dict[int, Correspondence]
    leaps: dict[int, Correspondence] = field(default_factory=dict)
    across: dict[int, Correspondence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Motion:
    """The strain from frame to frame, over a longer time, and between the eyes; and the error of each frame's step."""

    step: Strain | None
    leap: Strain | None
    stereo: Strain | None
    errors: dict[int, float]


def measure_motion(frames: Iterable[NDArray[np.uint8]], pairs: Pairs) -> Motion:
    """Goes once through the shown frames (each (2, H, W, 3)), in their order, and compares what `pairs` says."""
    kept: dict[int, Picture] = {}
    errors: dict[str, dict[int, float]] = {"step": {}, "leap": {}, "stereo": {}}
    curves: list[Structure] = []
    for number, rgb_EHWC in enumerate(frames):
        left = kept[number] = as_floats(rgb_EHWC[0])
        kept.pop(number - max(1, pairs.leap) - 1, None)
        if number in pairs.steps:
            errors["step"][number] = warping_error(left, kept[number - 1], pairs.steps[number])
            if len(errors["step"]) % _STRUCTURE_EVERY == 1:
                curves.append(structure(left, pairs.steps[number].seen_HW))
        if number in pairs.leaps:
            errors["leap"][number] = warping_error(left, kept[number - pairs.leap], pairs.leaps[number])
        if number in pairs.across:
            errors["stereo"][number] = warping_error(left, as_floats(rgb_EHWC[1]), pairs.across[number])
            if not pairs.steps:
                curves.append(structure(left, pairs.across[number].seen_HW))
    curve = np.mean(curves, 0)
    step, leap, stereo = (_strain(found, curve) for found in errors.values())
    return Motion(step, leap, stereo, errors["step"])


def _strain(errors: dict[int, float], curve: Structure) -> Strain | None:
    if not errors:
        return None
    error = float(np.nanmean([*errors.values()]))
    return Strain(error, misalignment(error, curve))
