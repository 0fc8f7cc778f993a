"""What is done to make painted worlds easy on the eyes: how paint follows the head, settles, and suits both eyes."""

from dataclasses import dataclass
from typing import Literal

from artem_vr.errors import UsageError, unknown_name
from artem_vr.foveation import scale_count
from artem_vr.frame import BOTH, GlFrame, Views

Stereo = Literal["both", "shared", "one"]
STEREOS: tuple[Stereo, ...] = ("both", "shared", "one")
SPLITS = ("before", "after")
"""What may be on the left of a picture that is split: the plain way, or the calm one."""

PERIPHERIES = {"half": 2, "quarter": 4}
"""How finely what a person does not look at may be painted, and how many pixels, along a side, become one then."""

LONGEST = 60.0
"""The most seconds that anything may take to change."""
_EVEN_VOTE = 0.5


@dataclass(frozen=True, slots=True)
class Comfort:
    """May be changed between two frames.

    carry: paint of an older picture is laid where its surfaces are now. settle: paint changes over about so many
    seconds (the time constant), 0 for at once. steady: the network gets used to another view over about so many (see
    `artem_vr.steadiness`). stereo: "both" eyes are painted each for itself; "shared" mixes what
    both say of the same surface, so that they agree; "one" paints the left eye alone, which the right one borrows
    from, and where it cannot, both eyes are painted and share. periphery: 1 where all is painted alike; else the
    middle of each eye is painted as finely as then, and the rest so many times as coarsely along each side (see
    `artem_vr.foveation`).
    """

    carry: bool = True
    settle: float = 0.2
    steady: float = 1.0
    stereo: Stereo = "shared"
    periphery: int = 1

    @property
    def scales(self) -> int:
        """At how many scales each eye is painted."""
        return scale_count(self.periphery)

    @property
    def vote(self) -> float:
        """How much of the other eye's paint is mixed in, where both see the same."""
        return 0.0 if self.stereo == "both" else _EVEN_VOTE

    @property
    def needs_depth(self) -> bool:
        """Whether anything is done that depth is good for."""
        return self.carry or self.settle > 0 or self.vote > 0

    @property
    def shares_statistics(self) -> bool:
        """Whether the network takes what both eyes see for one picture, where it looks at the whole of it."""
        return self.stereo != "both"

    def views(self, frame: GlFrame) -> Views:
        """The eyes of `frame` to be painted: one alone only where the other can be made of it."""
        is_same = frame.color[0] is frame.color[1]
        if self.stereo != "both" and is_same:
            return BOTH[:1]
        can_borrow = self.carry and frame.depth is not None and frame.has_poses
        return BOTH[:1] if self.stereo == "one" and can_borrow else BOTH


PLAIN = Comfort(carry=False, settle=0.0, steady=0.0, stereo="both")
"""Nothing is done: paint is laid where it was made, as it came."""


def check_comfort(
    stereo: str | None, settle: float | None, steady: float | None, split: str | None, periphery: str | None = None
) -> None:
    """Raises `UsageError` for what no `Comfort` can be made of; None is what was not asked for."""
    if periphery is not None and periphery not in PERIPHERIES:
        raise UsageError(unknown_name("periphery", periphery, tuple(PERIPHERIES)))
    if stereo is not None and stereo not in STEREOS:
        raise UsageError(f"{unknown_name('stereo', stereo, STEREOS)} (both eyes in one picture are --side-by-side)")
    for option, seconds in (("--settle", settle), ("--steady", steady)):
        if seconds is not None and not 0 <= seconds <= LONGEST:
            raise UsageError(f"{option} {seconds:g}: choose from 0 to {LONGEST:g} seconds")
    if split is not None and split not in SPLITS:
        raise UsageError(unknown_name("split", split, SPLITS))
