"""Which button of which controller does what: the bindings that are suggested to a runtime.

The right hand paints: next and previous style, strength. The left hand mixes. Either hand's grip shows the plain world.
A controller with select and menu only does all of it with short and long presses (see `artem_vr.xr.gestures`).
"""

from dataclasses import dataclass

from artem_vr.xr.runtime import PICO

NEXT, PREVIOUS, CLEAR, PANEL, SECOND_MENU, RECENTRE = "next", "previous", "clear", "panel", "second_menu", "recentre"
COMFORT = "comfort"
STRENGTH, MIX = "strength", "mix"
STRENGTH_GATE, MIX_GATE = "strength_gate", "mix_gate"
TICK = "tick"

BUTTONS = {
    NEXT: "Next style",
    PREVIOUS: "Previous style",
    CLEAR: "Plain world while held",
    PANEL: "Panel; held: quit",
    SECOND_MENU: "Strength in steps; held: recentre",
    RECENTRE: "Recentre",
    COMFORT: "Next way to keep paint calm",
    STRENGTH_GATE: "Touchpad pressed for strength",
    MIX_GATE: "Touchpad pressed for the mix",
}
"""Actions that are on or off, and what a runtime's own settings call them."""
STICKS = {STRENGTH: "Strength", MIX: "Mix with the neighbouring style"}
"""Actions from -1 to 1."""

_LEFT, _RIGHT = "/user/hand/left", "/user/hand/right"


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of controller: its path in OpenXR, the inputs of each action, and what to tell a person about them.

    `extension` is what a runtime must have for the path to exist. `hints` are lines of a button and, after a tab,
    what it does.
    """

    path: str
    inputs: dict[str, tuple[str, ...]]
    hints: tuple[str, ...]
    extension: str | None = None


def _hands(inputs: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Full paths: `l/x` is the left hand's input x, `r/x` the right one's, `b/x` both."""
    full = {}
    for action, short in inputs.items():
        paths: list[str] = []
        for name in short:
            hands = {"l": (_LEFT,), "r": (_RIGHT,), "b": (_LEFT, _RIGHT)}[name[0]]
            paths += [f"{hand}/input{name[1:]}" for hand in hands]
        full[action] = tuple(paths)
    return full


_STICK_HINTS = (
    "right stick\tmore, less; pressed: recentre",
    "left stick\tmix with a neighbour; pressed: calm",
    "grip\tthe plain world",
)

_STICKS = {
    RECENTRE: ("r/thumbstick/click",),
    COMFORT: ("l/thumbstick/click",),
    STRENGTH: ("r/thumbstick/y",),
    MIX: ("l/thumbstick/x",),
}
_TOUCH = _hands(
    {
        NEXT: ("r/a/click", "r/trigger/value"),
        PREVIOUS: ("r/b/click", "l/trigger/value"),
        CLEAR: ("b/squeeze/value",),
        PANEL: ("l/menu/click",),
        **_STICKS,
    }
)
_TOUCH_HINTS = ("A, B\tnext, previous painter", *_STICK_HINTS, "menu\tthis panel; held: quit")

PROFILES = (
    Profile(
        "/interaction_profiles/khr/simple_controller",
        _hands(
            {
                NEXT: ("r/select/click",),
                CLEAR: ("l/select/click",),
                PANEL: ("r/menu/click",),
                SECOND_MENU: ("l/menu/click",),
            }
        ),
        (
            "right select\tnext painter",
            "left select\tthe plain world",
            "left menu\tstrength; held: recentre",
            "right menu\tthis panel; held: quit",
        ),
    ),
    Profile(
        "/interaction_profiles/oculus/touch_controller",
        _TOUCH,
        _TOUCH_HINTS,
    ),
    Profile(
        "/interaction_profiles/valve/index_controller",
        _hands(
            {
                NEXT: ("r/a/click", "r/trigger/click"),
                PREVIOUS: ("r/b/click", "l/trigger/click"),
                CLEAR: ("b/squeeze/force",),  # the value is there at a mere touch
                PANEL: ("l/b/click",),
                **_STICKS,
            }
        ),
        ("A, B\tnext, previous painter", *_STICK_HINTS, "left B\tthis panel; held: quit"),
    ),
    Profile(
        "/interaction_profiles/htc/vive_controller",
        _hands(
            {
                NEXT: ("r/trigger/click",),
                PREVIOUS: ("l/trigger/click",),
                CLEAR: ("b/squeeze/click",),
                PANEL: ("l/menu/click",),
                RECENTRE: ("r/menu/click",),
                STRENGTH: ("r/trackpad/y",),
                STRENGTH_GATE: ("r/trackpad/click",),
                MIX: ("l/trackpad/x",),
                MIX_GATE: ("l/trackpad/click",),
            }
        ),
        (
            "triggers\tnext, previous painter",
            "pads, pressed\tright: paint, left: mix",
            "grip\tthe plain world",
            "left menu\tthis panel; held: quit",
            "right menu\trecentre",
        ),
    ),
    Profile(
        "/interaction_profiles/microsoft/motion_controller",
        _hands(
            {
                NEXT: ("r/trigger/value",),
                PREVIOUS: ("l/trigger/value",),
                CLEAR: ("b/squeeze/click",),
                PANEL: ("l/menu/click",),
                **_STICKS,
            }
        ),
        ("triggers\tnext, previous painter", *_STICK_HINTS, "left menu\tthis panel; held: quit"),
    ),
    Profile(
        "/interaction_profiles/bytedance/pico4_controller",
        _TOUCH,
        _TOUCH_HINTS,
        extension=PICO,
    ),
)
"""What runtimes are told, the plainest controller first."""

HAPTICS = (f"{_LEFT}/output/haptic", f"{_RIGHT}/output/haptic")
HANDS = (_LEFT, _RIGHT)
