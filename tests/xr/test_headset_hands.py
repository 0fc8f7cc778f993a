"""What hands do in a real session, and the panel that says so."""

import pytest
from headset import Open, about_y, collect, show
from remote import Remote

from artem_vr.ports import Action, Controls
from artem_vr.xr.bindings import PROFILES

pytestmark = pytest.mark.xr


@pytest.mark.usefixtures("no_welcome")
def test_text_wakes_the_panel_and_it_fades(open_display: Open) -> None:
    from artem_vr.panel_picture import PanelState

    display = open_display()
    display.show_status(PanelState("The Great Wave", "Hokusai"))
    show(display)
    display.show_text(["The Great Wave"])
    layers, opaque = [], []
    for _ in range(90):
        request = display.begin_frame()
        assert request is not None
        assert display._under_way is not None
        frame = display._under_way[0]
        display.end_frame()
        layers.append(len(frame.layers))
        opaque.append(display._panel.visibility._alpha)
        if layers[-1] < max(layers):
            break
    assert layers[0] == 1
    assert 2 in layers, "the panel is a layer of its own"
    assert layers[-1] == 1, "and gone in the end"
    after = opaque[opaque.index(1.0) :]
    assert any(0 < alpha < 1 for alpha in after), "not all at once"


def test_the_panel_says_at_the_beginning_what_the_buttons_do(open_display: Open) -> None:
    from artem_vr.panel_picture import PanelState

    display = open_display()
    layers = []
    for _ in range(20):
        assert display.begin_frame() is not None
        assert display._under_way is not None
        frame = display._under_way[0]
        display.show_status(PanelState("The Great Wave", "Hokusai"))
        display.end_frame()
        layers.append(len(frame.layers))
    assert layers[-1] == 2
    assert display._panel._drawn is not None
    assert any("painter" in line for line in display._panel._drawn.hint_lines)


# By controller: what is done, and what it means.
INDEX = [
    (lambda remote: remote.press("right", "a_click"), [Action.NEXT_STYLE], Controls()),
    (lambda remote: remote.press("right", "b_click"), [Action.PREVIOUS_STYLE], Controls()),
    (lambda remote: remote.press("right", "trigger_click"), [Action.NEXT_STYLE], Controls()),
    (lambda remote: remote.press("left", "trigger_click"), [Action.PREVIOUS_STYLE], Controls()),
    (lambda remote: remote.press("right", "thumbstick_click"), [Action.RECENTRE], Controls()),
    (lambda remote: remote.press("left", "thumbstick_click"), [Action.NEXT_COMFORT], Controls()),
    (lambda remote: remote.tilt_thumbstick("right", 0.0, 1.0), [], Controls(strength=1.0)),
    (lambda remote: remote.tilt_thumbstick("right", 0.0, -1.0), [], Controls(strength=-1.0)),
    (lambda remote: remote.tilt_thumbstick("left", 1.0, 0.0), [], Controls(mix=1.0)),
    (lambda remote: remote.tilt_thumbstick("left", -1.0, 0.0), [], Controls(mix=-1.0)),
    (lambda remote: _squeeze(remote, "left"), [], Controls(clear=True)),
    (lambda remote: _squeeze(remote, "right"), [], Controls(clear=True)),
]


def _squeeze(remote: Remote, hand: str) -> None:
    remote.controller(hand).squeeze_force = 1.0  # type: ignore[arg-type]
    remote.send()


def test_what_an_index_controller_does(open_display: Open, remote: Remote) -> None:
    """One after the other in one session: opening one takes as long as the whole of a row."""
    display = open_display()
    collect(display, 4)
    for number, (do, actions, held) in enumerate(INDEX):
        do(remote)
        done, controls = collect(display, 3)
        assert done == actions, number
        assert controls[-1] == held, number
        remote.rest()
        after, controls = collect(display, 3)
        assert not after, number
        assert controls[-1] == Controls(), number


@pytest.mark.usefixtures("no_welcome")
def test_the_menu_button_opens_the_panel_and_quits_when_it_is_held(open_display: Open, remote: Remote) -> None:
    display = open_display()
    collect(display, 4)
    for is_open in (True, False, True):
        assert display._panel.visibility.is_open(display._now) is not is_open
        remote.press("left", "b_click")
        collect(display, 2)
        remote.release("left", "b_click")
        collect(display, 2)
        assert display._panel.visibility.is_open(display._now) is is_open
    remote.press("left", "b_click")
    for _ in range(100):
        request = display.begin_frame()
        if request is None:
            break
        display.end_frame()
    assert request is None
    assert Action.QUIT in display.actions()


@pytest.mark.usefixtures("no_welcome")
def test_a_panel_out_of_view_comes_to_where_one_looks(open_display: Open, remote: Remote) -> None:
    from artem_vr.panel_picture import PanelState

    display = open_display()
    display.show_status(PanelState("The Scream"))

    def press() -> None:
        remote.press("left", "b_click")
        collect(display, 2)
        remote.release("left", "b_click")
        collect(display, 8)

    collect(display, 4)
    press()
    assert display._connection is not None
    assert display._connection.is_panel_in_view()
    remote.move_head((0.0, 1.6, 0.0), about_y(2.0))
    collect(display, 3)
    assert not display._connection.is_panel_in_view()
    press()
    assert display._panel.visibility.is_open(display._now), "and it is not closed"
    assert display._connection.is_panel_in_view()


def test_select_and_menu_are_enough(open_display: Open, remote: Remote) -> None:
    display = open_display(profiles=PROFILES[:1])
    collect(display, 4)
    remote.pull_trigger("right")
    assert collect(display, 3)[0] == [Action.NEXT_STYLE]
    remote.pull_trigger("right", 0.0)
    remote.pull_trigger("left")
    assert collect(display, 3)[1][-1] == Controls(clear=True)
    remote.pull_trigger("left", 0.0)
    assert collect(display, 3)[1][-1] == Controls()
    assert display._hands.hints, "the panel says which button does what"


def test_controllers_may_be_switched_off_and_on(open_display: Open, remote: Remote) -> None:
    display = open_display()
    collect(display, 4)
    remote.tilt_thumbstick("right", 0.0, 1.0)
    assert collect(display, 3)[1][-1].strength == 1.0
    remote.switch_off("right")
    assert collect(display, 3)[1][-1] == Controls()
    remote.press("right", "a_click")
    remote.switch_on("right")
    done, controls = collect(display, 3)
    assert Action.NEXT_STYLE not in done, "it was down before it came on"
    assert controls[-1].strength == 1.0
    remote.release("right", "a_click")
    collect(display, 3)
    remote.press("right", "a_click")
    assert collect(display, 3)[0] == [Action.NEXT_STYLE]
