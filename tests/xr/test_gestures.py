"""What presses, long presses and sticks mean, without any controller."""

import pytest

from artem_vr.ports import Action, Controls
from artem_vr.xr.bindings import (
    BUTTONS,
    CLEAR,
    COMFORT,
    MIX,
    NEXT,
    PANEL,
    PREVIOUS,
    PROFILES,
    RECENTRE,
    SECOND_MENU,
    STICKS,
    STRENGTH,
    STRENGTH_GATE,
)
from artem_vr.xr.gestures import DEAD_ZONE, LONG_PRESS, QUIT_HINT, QUIT_PRESS, Gestures, HandsInput, Meaning, PanelWish

ALL = (NEXT, PREVIOUS, CLEAR, PANEL, SECOND_MENU, RECENTRE, COMFORT)


def hands(*held: str, **sticks: float) -> HandsInput:
    return HandsInput({button: button in held for button in ALL}, sticks)


def play(*moments: tuple[float, HandsInput]) -> list[Meaning]:
    gestures = Gestures()
    gestures.interpret(hands(), -1.0)
    return [gestures.interpret(held, now) for now, held in moments]


@pytest.mark.parametrize(
    ("button", "action"),
    [
        (NEXT, Action.NEXT_STYLE),
        (PREVIOUS, Action.PREVIOUS_STYLE),
        (RECENTRE, Action.RECENTRE),
        (COMFORT, Action.NEXT_COMFORT),
    ],
)
def test_a_press_counts_once_and_when_it_begins(button: str, action: Action) -> None:
    meanings = play((0.0, hands(button)), (0.1, hands(button)), (0.2, hands()), (0.3, hands(button)))
    assert [meaning.actions for meaning in meanings] == [(action,), (), (), (action,)]


def test_the_grip_shows_the_plain_world_for_as_long_as_it_is_held() -> None:
    meanings = play((0.0, hands(CLEAR)), (5.0, hands(CLEAR)), (5.1, hands()))
    assert [meaning.controls.clear for meaning in meanings] == [True, True, False]
    assert not any(meaning.actions for meaning in meanings)


def test_a_short_press_of_the_menu_button_asks_for_the_panel_when_it_ends() -> None:
    down, up = play((0.0, hands(PANEL)), (QUIT_HINT - 0.1, hands()))
    assert down.wish is None
    assert up.wish is PanelWish.TOGGLE
    assert not up.actions


def test_holding_the_menu_button_announces_that_it_quits_and_then_does() -> None:
    meanings = play(
        (0.0, hands(PANEL)),
        (QUIT_HINT, hands(PANEL)),
        (QUIT_PRESS, hands(PANEL)),
        (QUIT_PRESS + 0.1, hands(PANEL)),
        (QUIT_PRESS + 0.2, hands()),
    )
    assert [meaning.wish for meaning in meanings] == [None, PanelWish.ANNOUNCE_QUIT, None, None, None]
    assert [meaning.actions for meaning in meanings] == [(), (), (Action.QUIT,), (), ()]


def test_letting_go_before_the_end_does_not_quit() -> None:
    meanings = play((0.0, hands(PANEL)), (QUIT_PRESS - 0.1, hands(PANEL)), (QUIT_PRESS, hands()))
    assert not any(meaning.actions for meaning in meanings)
    assert meanings[-1].wish is None


def test_the_second_menu_button_steps_the_strength_or_recentres_when_held() -> None:
    short = play((0.0, hands(SECOND_MENU)), (0.2, hands()))
    assert [meaning.actions for meaning in short] == [(), (Action.STEP_STRENGTH,)]
    long = play((0.0, hands(SECOND_MENU)), (LONG_PRESS, hands(SECOND_MENU)), (LONG_PRESS + 0.2, hands()))
    assert [meaning.actions for meaning in long] == [(), (Action.RECENTRE,), ()]


def test_a_button_that_is_down_when_its_controller_comes_on_does_nothing() -> None:
    gestures = Gestures()
    gestures.interpret(HandsInput(), 0.0)
    assert not gestures.interpret(hands(NEXT, PANEL), 0.1).actions
    assert not gestures.interpret(hands(NEXT, PANEL), 0.1 + QUIT_PRESS).actions
    gestures.interpret(hands(), 3.0)
    assert gestures.interpret(hands(NEXT), 3.1).actions == (Action.NEXT_STYLE,)


@pytest.mark.parametrize("button", [PANEL, SECOND_MENU])
def test_a_controller_that_goes_off_under_a_held_button_asks_for_nothing(button: str) -> None:
    held, off, on = play((0.0, hands(button)), (0.1, HandsInput()), (0.3, hands()))
    assert [meaning.wish for meaning in (held, off, on)] == [None] * 3
    assert not held.actions + off.actions + on.actions


def test_no_controllers_mean_nothing() -> None:
    assert Gestures().interpret(HandsInput(), 0.0) == Meaning((), Controls(), None)


def test_sticks_count_from_the_edge_of_the_dead_zone() -> None:
    rest, half, full = play(
        (0.0, hands(strength=DEAD_ZONE, mix=-DEAD_ZONE)),
        (0.1, hands(strength=(1 + DEAD_ZONE) / 2)),
        (0.2, hands(strength=-1.0, mix=1.0)),
    )
    assert rest.controls == Controls()
    assert half.controls.strength == pytest.approx(0.5)
    assert (full.controls.strength, full.controls.mix) == (-1.0, 1.0)


def test_a_touchpad_counts_only_while_it_is_pressed() -> None:
    touched = HandsInput({STRENGTH_GATE: False}, {STRENGTH: 1.0})
    pressed = HandsInput({STRENGTH_GATE: True}, {STRENGTH: 1.0})
    assert [meaning.controls.strength for meaning in play((0.0, touched), (0.1, pressed))] == [0.0, 1.0]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.path.rsplit("/", 1)[-1])
def test_every_controller_can_do_what_is_needed(profile) -> None:
    inputs = set(profile.inputs)
    assert inputs <= {*BUTTONS, *STICKS}
    assert {NEXT, CLEAR, PANEL} <= inputs
    assert {STRENGTH, SECOND_MENU} & inputs, "no way to choose the strength"
    assert {RECENTRE, SECOND_MENU} & inputs, "no way to recentre"
    assert MIX in inputs or profile.path.endswith("simple_controller")
    paths = [path for action in profile.inputs.values() for path in action]
    assert len(paths) == len(set(paths)), "one input with two meanings"
    assert profile.hints
    assert all(hint.count("\t") == 1 for hint in profile.hints)
