"""What is measured: which paint, painted how often, and shown how."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.comfort import PLAIN, Comfort
from artem_vr.errors import UsageError, unknown_name
from artem_vr.ports import Engine

BLUR_SHARE = 1 / 40
"""The deviation of the cheat `blur`, as a share of the picture's width: nothing is left but patches of colour."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Every `every`-th frame is painted, and its paint is shown `late` frames later."""

    every: int
    late: int


LIVE = Timing(3, 2)
"""At 60 frames a second, a network that paints 20 times a second."""
SLOW = Timing(10, 10)
"""A network that paints at a tenth of the display's rate, and takes that long."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How paint is shown: a name for the table, the timetable on the walk, and the one under which its lag is measured.

    Without the latter no lag is: paint of the very frame that is shown has none.
    """

    name: str
    timing: Timing
    lagging: Timing | None = None
    comfort: Comfort = PLAIN

    def under(self, timing: Timing) -> "Mode":
        """The same with another timetable."""
        return replace(self, timing=timing)


@dataclass(frozen=True, slots=True)
class Painter:
    """What paints: `open` gives an engine, which whoever calls it closes; `styles` are what it paints in.

    A cheat is one that paints without a network, in the one style "".
    """

    name: str
    open: Callable[[], Engine]
    styles: tuple[str, ...] = ("",)


_STEADY, _SETTLE = 1.0, 0.2
_CALM = Comfort(steady=_STEADY, settle=_SETTLE)

MODES = {
    "alone": Mode("alone", Timing(1, 0)),
    **{
        name: Mode(name, LIVE, SLOW, comfort)
        for name, comfort in {
            "plain": PLAIN,
            "carried": Comfort(steady=0.0, settle=0.0, stereo="both"),
            "steady": Comfort(steady=_STEADY, settle=0.0, stereo="both"),
            "settled": replace(_CALM, stereo="both"),
            "shared": replace(_CALM, stereo="shared"),
            "one": replace(_CALM, stereo="one"),
            "live": Comfort(),
        }.items()
    },
}
"""By name. `alone`: each frame in its own paint, which is what the network does by itself. The others as a person sees
it at 20 paintings a second: `plain`, paint stays where it was until there is new one; `carried` by depth to where its
surfaces are now; `steady`, with the network's statistics held steady as well; `settled`, with paint that changes slowly
as well; `shared`, with what both eyes say mixed as well; `one`, the same with one eye painted for both; and `live`, as
the program does it where a GPU paints, unless it is told otherwise."""
USUAL_MODES = ("alone", "plain", "live")
ALL_MODES = "all"


def named_modes(text: str | None) -> tuple[Mode, ...]:
    """The modes of these names, with commas between them; `all` of them, or the usual ones. Raises `UsageError`."""
    if text == ALL_MODES:
        return tuple(MODES.values())
    names = USUAL_MODES if text is None else tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in MODES:
            raise UsageError(unknown_name("mode", name, [*MODES, ALL_MODES]))
    return tuple(MODES[name] for name in names)


class _Cheat:
    """Paints each picture by a function, whatever the style."""

    device, precision = "cpu", "u8"

    def __init__(self, name: str, paint: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> None:
        self.name, self._paint = name, paint

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        return np.stack([self._paint(picture) for picture in pixels_EHWC])

    def close(self) -> None:
        """Nothing was opened."""


def _blurred(rgb_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    sigma = max(1.0, BLUR_SHARE * rgb_HWC.shape[1])
    return np.asarray(cv2.GaussianBlur(rgb_HWC, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.uint8)


CHEATS = (
    Painter("identity", lambda: _Cheat("identity", np.copy)),
    Painter("blur", lambda: _Cheat("blur", _blurred)),
)
"""What any measure must be held against: the source as paint, and hardly anything left of it as paint."""
