"""What a person means by what their hands do: presses, long presses and sticks. Knows nothing of OpenXR."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from artem_vr.ports import Action, Controls
from artem_vr.xr import bindings

LONG_PRESS = 0.8
"""Seconds after which a press of the second menu button is a long one."""
QUIT_PRESS = 1.5
"""Seconds that the menu button is held to quit. Long enough that nobody does it without wanting to."""
QUIT_HINT = 0.5
"""Seconds after which a held menu button says what it will do."""
DEAD_ZONE = 0.2
"""Deflections below this are a resting thumb, or a worn stick."""


@dataclass(frozen=True, slots=True)
class HandsInput:
    """What both hands hold at a moment, by action (see `artem_vr.xr.bindings`).

    An action that no controller offers just now, because it is off or its battery is empty, is not in the mappings.
    """

    buttons: Mapping[str, bool] = field(default_factory=dict)
    sticks: Mapping[str, float] = field(default_factory=dict)


class PanelWish(Enum):
    """What the hands ask of the panel."""

    TOGGLE = "open or close it"
    ANNOUNCE_QUIT = "say that the button quits if it is held on"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a frame's input means: `actions` that happen once, `controls` that are held, a `wish` for the panel."""

    actions: tuple[Action, ...] = ()
    controls: Controls = field(default_factory=Controls)
    wish: PanelWish | None = None


_ON_PRESS = {
    bindings.NEXT: Action.NEXT_STYLE,
    bindings.PREVIOUS: Action.PREVIOUS_STYLE,
    bindings.RECENTRE: Action.RECENTRE,
    bindings.COMFORT: Action.NEXT_COMFORT,
}


class Gestures:
    """Follows the hands from frame to frame.

    A style changes when the button goes down. The menu buttons have a long press, so that a short one counts when it
    ends. A button that is down already when its controller is switched on does nothing until it is pressed again.
    """

    def __init__(self) -> None:
        self._before: Mapping[str, bool] = {}
        self._since: dict[str, float] = {}

    def interpret(self, hands: HandsInput, now: float) -> Meaning:
        """The meaning of what is held at `now`, in seconds."""
        actions = [action for button, action in _ON_PRESS.items() if self._went_down(button, hands)]
        wish = self._menu(hands, now, actions)
        self._second_menu(hands, now, actions)
        self._before = dict(hands.buttons)
        controls = Controls(
            strength=_deflection(hands, bindings.STRENGTH, bindings.STRENGTH_GATE),
            mix=_deflection(hands, bindings.MIX, bindings.MIX_GATE),
            clear=hands.buttons.get(bindings.CLEAR, False),
        )
        return Meaning(tuple(actions), controls, wish)

    def _went_down(self, button: str, hands: HandsInput) -> bool:
        return hands.buttons.get(button, False) and self._before.get(button) is False

    def _menu(self, hands: HandsInput, now: float, actions: list[Action]) -> PanelWish | None:
        held = self._held(bindings.PANEL, hands, now)
        if held is None:
            return None
        if not hands.buttons.get(bindings.PANEL, False):
            del self._since[bindings.PANEL]
            released = bindings.PANEL in hands.buttons  # and not merely switched off
            return PanelWish.TOGGLE if released and held < QUIT_HINT else None
        if held >= QUIT_PRESS:
            del self._since[bindings.PANEL]
            actions.append(Action.QUIT)
            return None
        return PanelWish.ANNOUNCE_QUIT if held >= QUIT_HINT else None

    def _second_menu(self, hands: HandsInput, now: float, actions: list[Action]) -> None:
        held = self._held(bindings.SECOND_MENU, hands, now)
        if held is None:
            return
        if not hands.buttons.get(bindings.SECOND_MENU, False):
            del self._since[bindings.SECOND_MENU]
            if bindings.SECOND_MENU in hands.buttons:
                actions.append(Action.STEP_STRENGTH)
        elif held >= LONG_PRESS:
            del self._since[bindings.SECOND_MENU]
            actions.append(Action.RECENTRE)

    def _held(self, button: str, hands: HandsInput, now: float) -> float | None:
        """For how long a button has been down, up to its release; None for one that is not followed."""
        if self._went_down(button, hands):
            self._since[button] = now
        return now - self._since[button] if button in self._since else None


def _deflection(hands: HandsInput, stick: str, gate: str) -> float:
    """-1 to 1, from 0 at the edge of the dead zone. A pad that has a gate counts only while it is pressed."""
    value = hands.sticks.get(stick, 0.0)
    if not hands.buttons.get(gate, True) or abs(value) <= DEAD_ZONE:
        return 0.0
    beyond = (min(abs(value), 1.0) - DEAD_ZONE) / (1 - DEAD_ZONE)
    return beyond if value > 0 else -beyond
