"""Which of the ways to keep paint calm is at work, and how a person goes from one to the next to compare them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from artem_vr.comfort import PLAIN, Comfort
from artem_vr.config import RunOptions
from artem_vr.ports import Action


@dataclass(frozen=True, slots=True)
class _Way:
    """One of the ways, and what it is called. `split` shows it beside the plain one."""

    title: str
    comfort: Comfort
    split: bool = False


class ComfortControl:
    """Begins with `comfort`; `Action.NEXT_COMFORT` goes round from there.

    The stops are: as begun, all painted alike for both eyes, one painting for both, each eye for itself, foveated (or
    not, where it began so), nothing at all, and the first beside paint that is neither carried nor settled nor mixed.
    `before_left` says which of the two then stands on the left; with `split` they begin so. Ways that the engine cannot
    go are passed over: `can_foveate` tells.
    """

    def __init__(
        self,
        comfort: Comfort,
        split: bool = False,
        before_left: bool = True,
        can_foveate: Callable[[], bool] = lambda: True,
    ) -> None:
        self.before_left = before_left
        self._can_foveate = can_foveate
        is_calm = replace(comfort, periphery=1) != PLAIN
        calm = comfort if is_calm else Comfort(periphery=comfort.periphery)
        is_even = comfort.periphery == 1
        nothing = _Way("nothing kept calm" if is_even else "nothing kept calm, finest in the middle", comfort)
        other = "finest in the middle" if is_even else "as fine everywhere"
        ways = [
            _Way("calm, as begun", comfort) if is_calm else nothing,
            _Way("calm, both eyes alike", replace(calm, stereo="shared")),
            _Way("calm, one painting for both eyes", replace(calm, stereo="one")),
            _Way("calm, each eye for itself", replace(calm, stereo="both")),
            _Way(f"calm, {other}", replace(calm, periphery=2 if is_even else 1)),
            _Way("nothing kept calm", PLAIN),
        ]
        # Who has begun with one of them meets it once.
        self._ways = [ways[0], *(way for way in ways[1:] if way.comfort != comfort)]
        # Half of a picture cannot borrow from the other eye what the whole was not painted for.
        both = replace(calm, stereo="shared") if calm.stereo == "one" else calm
        self._ways.append(_Way("half and half: without, and with it", both, split=True))
        self._at = self._begun = len(self._ways) - 1 if split else 0

    @classmethod
    def for_run(
        cls, options: RunOptions, on_processor: bool, can_foveate: Callable[[], bool] = lambda: True
    ) -> "ComfortControl":
        """As a run's options ask for; `on_processor` is where its network paints."""
        return cls(options.comfort(on_processor), options.split is not None, options.split != "after", can_foveate)

    @property
    def comfort(self) -> Comfort:
        """What is at work now."""
        return self._ways[self._at].comfort

    @property
    def split(self) -> bool:
        """Whether half of each picture is shown without it."""
        return self._ways[self._at].split

    @property
    def has_changed(self) -> bool:
        """Whether it is another way than the one it began with."""
        return self._at != self._begun

    @property
    def caption(self) -> list[str]:
        """What to tell a person about it."""
        return [self._ways[self._at].title]

    def handle(self, action: Action) -> bool:
        """Carries out an action that concerns comfort; False for any other."""
        if action is not Action.NEXT_COMFORT:
            return False
        for _ in self._ways:
            self._at = (self._at + 1) % len(self._ways)
            if self.comfort.periphery == 1 or self._can_foveate():
                break
        return True
