"""What is steered by what is held: strength, the blend of two neighbours, the clear view."""

from dataclasses import replace

import numpy as np
import pytest
from banks import random_bank, tiny_recipe

from artem_vr.ports import Action, Controls
from artem_vr.style_control import FADE_SECONDS, LONGEST_STEER, STEER_SECONDS, StyleControl, parse_style
from artem_vr.styles import IDENTITY, StyleBank

FRAME = 1 / 80


@pytest.fixture(scope="module")
def bank():
    return StyleBank.load()


def hold(control, seconds, start=0.0, **held):
    """Holds controls for a time, frame by frame; returns the time of the last one."""
    frames = round(seconds / FRAME)
    for frame in range(frames + 1):
        control.steer(Controls(**held), start + frame * FRAME)
    return start + frames * FRAME


def test_strength_is_steered_at_the_rate_of_the_deflection(bank):
    control = StyleControl(bank)
    now = hold(control, STEER_SECONDS / 2, strength=-1.0)
    assert control.strength == pytest.approx(0.5)
    now = hold(control, STEER_SECONDS / 2, now, strength=0.5)
    assert control.strength == pytest.approx(0.75)
    now = hold(control, STEER_SECONDS, now)
    assert control.strength == pytest.approx(0.75)
    now = hold(control, 2 * STEER_SECONDS, now, strength=1.0)
    assert control.strength == 1.0
    now = hold(control, 2 * STEER_SECONDS, now, strength=-1.0)
    assert control.strength == 0.0 and control.plain and control.caption == ["Original"]
    control.handle(Action.NEXT_STYLE, now)
    assert control.strength == 0.0


def test_a_stall_is_no_leap(bank):
    control = StyleControl(bank)
    control.steer(Controls(strength=-1.0, mix=1.0), 5.0)
    assert (control.strength, control.blend) == (1.0, 0.0)
    control.steer(Controls(strength=-1.0, mix=1.0), 65.0)
    assert control.blend == pytest.approx(LONGEST_STEER / STEER_SECONDS) == pytest.approx(1 - control.strength)
    control.steer(Controls(strength=-1.0, mix=1.0), 64.0)
    assert control.blend == pytest.approx(LONGEST_STEER / STEER_SECONDS)


@pytest.mark.parametrize(("side", "neighbour"), [(1, 1), (-1, -1)])
def test_a_blend_is_a_straight_line_to_the_neighbour(bank, side, neighbour):
    control = StyleControl(bank)
    now = hold(control, 0.3 * STEER_SECONDS, mix=side)
    assert control.blend == pytest.approx(0.3 * side)
    vectors = control.vectors(now)
    np.testing.assert_allclose(vectors[0], 0.7 * bank.styles_SD[0] + 0.3 * bank.styles_SD[neighbour], atol=1e-5)
    assert np.array_equal(*vectors)
    now = hold(control, 1.0, now)
    assert control.vectors(now) is vectors
    now = hold(control, STEER_SECONDS, now, mix=side)
    end = control.vectors(now)
    assert control.blend == side and np.array_equal(end[0], bank.styles_SD[neighbour])
    now = hold(control, STEER_SECONDS, now, mix=side)
    assert control.vectors(now) is end
    assert control.style == bank.names[0]
    now = hold(control, 1.5 * STEER_SECONDS, now, mix=-side)
    expected = (bank.styles_SD[0] + bank.styles_SD[-neighbour]) / 2
    np.testing.assert_allclose(control.vectors(now)[0], expected, atol=1e-5)


def test_choosing_fades_from_the_blend_to_the_style_alone(bank):
    control = StyleControl(bank)
    now = hold(control, 0.4 * STEER_SECONDS, mix=1.0)
    blended = control.vectors(now)[0]
    control.handle(Action.PREVIOUS_STYLE, now)
    assert control.blend == 0 and control.style == bank.names[-1]
    np.testing.assert_array_equal(control.vectors(now)[0], blended)
    half = control.vectors(now + FADE_SECONDS / 2)[0]
    np.testing.assert_allclose(half, (blended + bank.styles_SD[-1]) / 2, atol=1e-5)
    np.testing.assert_array_equal(control.vectors(now + FADE_SECONDS)[0], bank.styles_SD[-1])


def test_a_blend_moves_on_during_a_fade(bank):
    control = StyleControl(bank)
    control.choose(bank.names[4], 0.0)
    seen = [control.vectors(0.0)[0]]
    for frame in range(1, 60):
        control.steer(Controls(mix=1.0), frame * FRAME)
        seen.append(control.vectors(frame * FRAME)[0])
    control.steer(Controls(mix=1.0), FADE_SECONDS / 2)  # back in time: nothing moves, and half of the fade is left
    aim = (1 - control.blend) * bank.styles_SD[4] + control.blend * bank.styles_SD[5]
    np.testing.assert_allclose(seen[-1], aim, atol=1e-5)
    np.testing.assert_allclose(control.vectors(FADE_SECONDS / 2)[0], (bank.styles_SD[0] + aim) / 2, atol=1e-5)
    # Of the way from one end to the other no frame takes more than the fade and the steering together ask for.
    farthest = np.ptp(bank.styles_SD[[0, 4, 5]], axis=0)
    assert np.all(
        np.abs(np.diff(seen, axis=0)) <= farthest * (1.5 * FRAME / FADE_SECONDS + FRAME / STEER_SECONDS) + 1e-5
    )


def test_the_clear_view_is_there_at_once_and_leaves_everything_as_it_was(bank):
    control = StyleControl(bank, strength=0.6)
    control.steer(Controls(clear=True), 0.0)
    assert control.strength == 0.0 and control.plain and control.caption == ["Original"]
    control.handle(Action.TOGGLE_PLAIN, 0.0)
    control.steer(Controls(), 0.1)
    assert control.strength == 0.0  # the original was asked for while the clear view was held
    control.handle(Action.TOGGLE_PLAIN, 0.1)
    assert control.strength == 0.6 and not control.plain
    control.steer(Controls(clear=True), 0.2)
    control.steer(Controls(), 0.3)
    assert control.strength == 0.6


def test_what_a_panel_shows_of_a_blend(bank):
    control = StyleControl(bank, "great-wave", strength=0.5)
    assert (control.title, control.artist) == ("The Great Wave off Kanagawa", "Katsushika Hokusai")
    assert (control.blend, control.blend_title, control.plain) == (0.0, "", False)
    hold(control, 0.3 * STEER_SECONDS, mix=1.0)
    assert (control.blend, control.blend_title) == (pytest.approx(0.3), "The Scream")
    assert control.caption == ["The Great Wave off Kanagawa 70 %, The Scream 30 %", "strength 50 %"]
    mixed = StyleControl(bank, "scream:0.7,great-wave:0.3")
    assert (mixed.title, mixed.artist) == ("scream:0.7,great-wave:0.3", "")


def test_from_a_mix_the_first_and_the_last_painter_are_blended_in(bank):
    control = StyleControl(bank, "scream,great-wave")
    now = hold(control, 0.5 * STEER_SECONDS, mix=-1.0)
    expected = (parse_style(bank, "scream,great-wave") + bank.styles_SD[-1]) / 2
    np.testing.assert_allclose(control.vectors(now)[0], expected, atol=1e-5)
    assert control.blend_title == bank.card.styles[-1].title
    hold(control, STEER_SECONDS, now, mix=1.0)
    assert control.blend_title == bank.card.styles[0].title


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_the_original_is_painted_over_more_and_more(tmp_path, kind):
    """Half of the way is the paint at half of its strength, also of a network that has no identity style."""
    bank = random_bank(tmp_path, tiny_recipe(kind=kind))
    control = StyleControl(bank, IDENTITY, strength=0.8)
    assert control.plain
    now = hold(control, 0.25 * STEER_SECONDS, mix=-1.0)
    vectors = control.vectors(now)
    np.testing.assert_array_equal(vectors[1], bank.styles_SD[-1])
    assert control.strength == pytest.approx(0.2) and not control.plain
    assert control.caption == ["Original 75 %, Blue 25 %", "strength 80 %"]
    control.handle(Action.PREVIOUS_STYLE, now)
    assert control.caption == ["Blue, A Test", "strength 80 %"]
    shares = []
    for part in (0.0, 0.5, 1.0):
        assert control.vectors(now + part * FADE_SECONDS) is vectors  # the same style, and only more of it
        shares.append(control.strength)
    assert shares == pytest.approx([0.2, 0.5, 0.8])
    control.choose(IDENTITY, now + 1.0)
    assert control.caption == ["Original"]
    control.vectors(now + 1.0 + FADE_SECONDS / 2)
    assert control.strength == pytest.approx(0.4)
    control.vectors(now + 1.0 + FADE_SECONDS)
    assert control.strength == 0.0
    control.choose(IDENTITY, now + 2.0)
    control.vectors(now + 2.0 + FADE_SECONDS / 2)
    assert control.strength == 0.0


def test_a_bank_of_one_style_has_nothing_to_blend_in(bank):
    one = replace(
        bank, card=bank.card.model_copy(update={"styles": bank.card.styles[:1]}), styles_SD=bank.styles_SD[:1]
    )
    control = StyleControl(one)
    before = control.vectors(0.0)
    for side in (1.0, -1.0):
        now = hold(control, STEER_SECONDS, mix=side)
        assert control.blend == 0 and control.blend_title == "" and control.vectors(now) is before
    control.handle(Action.NEXT_STYLE, now)
    np.testing.assert_array_equal(control.vectors(now + FADE_SECONDS)[0], one.styles_SD[0])
