"""What a budget for painting chooses."""

from dataclasses import dataclass

from artem_vr.frame import Size


@dataclass(frozen=True, slots=True)
class Choice:
    """The size (width, height) of one eye, a picture every how many frames, and, for a panel, why."""

    net_size: Size
    cadence: int
    reason: str


def describe(choice: Choice) -> str:
    """One line, for example "painting 320x352 at every 2nd frame"."""
    width, height = choice.net_size
    which = {1: "", 2: "2nd ", 3: "3rd "}.get(choice.cadence, f"{choice.cadence}th ")
    return f"painting {width}x{height} at every {which}frame"
