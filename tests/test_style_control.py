"""Which style is shown: names, mixes, fades, strength, cues."""

import numpy as np
import pytest

from artem_vr.errors import UsageError
from artem_vr.ports import Action
from artem_vr.style_control import FADE_SECONDS, Cue, StyleControl, parse_style, split_mix
from artem_vr.styles import IDENTITY, StyleBank


@pytest.fixture(scope="module")
def bank():
    return StyleBank.load()


def test_starts_with_the_first_style_in_both_eyes(bank):
    vectors = StyleControl(bank).vectors(0.0)
    assert vectors.shape == (2, bank.styles_SD.shape[1])
    np.testing.assert_array_equal(vectors[0], bank.styles_SD[0])
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_next_and_previous_go_round(bank):
    control = StyleControl(bank)
    control.handle(Action.PREVIOUS_STYLE, 0.0)
    assert control.style == bank.names[-1]
    control.handle(Action.NEXT_STYLE, 0.0)
    assert control.style == bank.names[0]


def test_a_change_fades_on_the_line_between_two_styles_and_arrives(bank):
    control = StyleControl(bank)
    control.vectors(10.0)
    control.choose(bank.names[1], 10.0)
    half = control.vectors(10.0 + FADE_SECONDS / 2)[0]
    np.testing.assert_allclose(half, (bank.styles_SD[0] + bank.styles_SD[1]) / 2, atol=1e-5)
    done = control.vectors(10.0 + FADE_SECONDS)
    np.testing.assert_array_equal(done[0], bank.styles_SD[1])
    assert control.vectors(11.0) is done  # nothing changes, so nothing is made anew


def test_a_change_shows_from_the_very_next_time_on(bank):
    control = StyleControl(bank)
    before = control.vectors(1.0)
    control.choose(bank.names[1], 1.0)
    assert not np.array_equal(control.vectors(1.02), before)


def test_a_change_in_the_middle_of_a_fade_starts_from_what_is_shown(bank):
    control = StyleControl(bank)
    control.choose(bank.names[1], 0.0)
    shown = control.vectors(FADE_SECONDS / 3)[0]
    control.choose(bank.names[2], FADE_SECONDS / 3)
    np.testing.assert_allclose(control.vectors(FADE_SECONDS / 3)[0], shown, atol=1e-6)


def test_strength_stays_between_original_and_painting(bank):
    control = StyleControl(bank, strength=0.95)
    control.handle(Action.MORE, 0.0)
    assert control.strength == 1.0
    for _ in range(20):
        control.handle(Action.LESS, 0.0)
    assert control.strength == 0.0


def test_space_shows_the_original_and_brings_the_strength_back(bank):
    control = StyleControl(bank, strength=0.6)
    control.handle(Action.TOGGLE_PLAIN, 0.0)
    assert control.strength == 0.0 and control.caption == ["Original"]
    control.handle(Action.TOGGLE_PLAIN, 0.0)
    assert control.strength == 0.6


def test_choosing_a_style_ends_the_original(bank):
    control = StyleControl(bank)
    control.handle(Action.TOGGLE_PLAIN, 0.0)
    control.handle(Action.NEXT_STYLE, 0.0)
    assert control.strength == 1.0


def test_cues_turn_to_their_styles_in_time(bank):
    control = StyleControl(bank, cues=[Cue(2.0, bank.names[2]), Cue(1.0, bank.names[1])])
    control.vectors(100.0)
    control.vectors(100.9)
    assert control.style == bank.names[0]
    control.vectors(101.0)
    assert control.style == bank.names[1]
    control.vectors(102.5)
    assert control.style == bank.names[2]


def test_other_actions_are_left_to_others(bank):
    assert not StyleControl(bank).handle(Action.SNAPSHOT, 0.0)


def test_a_mix_is_the_weighted_mean(bank):
    first, second = bank.names[:2]
    mixed = parse_style(bank, f"{first}:3, {second}:1")
    np.testing.assert_allclose(mixed, 0.75 * bank.styles_SD[0] + 0.25 * bank.styles_SD[1], rtol=1e-5, atol=1e-6)


def test_the_original_can_be_mixed_in(bank):
    mixed = parse_style(bank, f"{bank.names[0]},{IDENTITY}")
    np.testing.assert_allclose(mixed, (bank.styles_SD[0] + bank.identity()) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [("stary-night", "starry-night"), ("scream:much", "NAME:0.7"), ("scream:-1", "positive"), ("scream:0", "sum"),
     ("scream:nan", "positive"), ("", "unknown style")],
)  # fmt: skip
def test_a_bad_style_is_named(bank, text, said):
    with pytest.raises(UsageError, match=said):
        parse_style(bank, text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("scream", [("scream", 1.0)]),
        ("scream:0.7,great-wave:0.3", [("scream", 0.7), ("great-wave", 0.3)]),
        (" scream:2 , great-wave ", [("scream", 2.0), ("great-wave", 1.0)]),
        ("scream:", [("scream", 1.0)]),
        ("scream,scream:0", [("scream", 1.0), ("scream", 0.0)]),
        ("", [("", 1.0)]),
        ("a.jpg:0.5,folder/b.PNG", [("a.jpg", 0.5), ("folder/b.PNG", 1.0)]),
        ("C:/pictures/a.jpg", [("C:/pictures/a.jpg", 1.0)]),
        ("C:\\pictures\\a.jpg:0.25,scream:0.75", [("C:\\pictures\\a.jpg", 0.25), ("scream", 0.75)]),
        ("12:30/a.jpg, C:/b.webp:2", [("12:30/a.jpg", 1.0), ("C:/b.webp", 2.0)]),
    ],
)
def test_a_mix_comes_apart_into_names_and_weights(text, parts):
    assert split_mix(text) == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.jpg:much", "'much' is no weight"),
        ("C:/a.jpg:-1", "weight of C:/a.jpg is -1"),
        ("scream,a.jpg:inf", "positive"),
    ],
)
def test_a_bad_weight_of_a_path_is_named(text, said):
    with pytest.raises(UsageError, match=said):
        split_mix(text)


def test_alpha_goes_all_the_way_unless_told(bank):
    assert np.array_equal(parse_style(bank, "scream", 1.0), bank.vector("scream"))
    held = parse_style(bank, "scream", 0.25)
    np.testing.assert_allclose(held, 0.75 * bank.identity() + 0.25 * bank.vector("scream"), atol=1e-6)
    mixed = parse_style(bank, "scream:3,great-wave:1", 0.5)
    np.testing.assert_allclose(mixed, (bank.identity() + parse_style(bank, "scream:3,great-wave:1")) / 2, atol=1e-6)


def test_alpha_does_not_touch_the_original(bank):
    np.testing.assert_array_equal(parse_style(bank, IDENTITY, 0.5), bank.identity())
    np.testing.assert_array_equal(parse_style(bank, "scream", 0.0), bank.identity())


@pytest.mark.parametrize("option", ["strength", "alpha"])
@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_a_bad_strength_is_named(bank, option, value):
    with pytest.raises(UsageError, match=f"--{option} {value:g}"):
        StyleControl(bank, **{option: value})


@pytest.mark.parametrize(("action", "expected"), [(Action.NEXT_STYLE, 0), (Action.PREVIOUS_STYLE, -1)])
def test_from_the_original_next_is_the_first_and_previous_the_last(bank, action, expected):
    control = StyleControl(bank, IDENTITY)
    assert control.strength == 0.0
    control.handle(action, 0.0)
    assert control.style == bank.names[expected]


def test_an_artist_is_a_clue(bank):
    with pytest.raises(UsageError, match="did you mean starry-night"):
        parse_style(bank, "vangogh")


@pytest.mark.parametrize(
    ("strength", "lower"),
    [(1.0, 0.75), (0.9, 0.75), (0.7501, 0.5), (0.75, 0.5), (0.6, 0.5), (0.5, 0.25), (0.25, 1.0), (0.0, 1.0)],
)  # fmt: skip
def test_the_usual_strengths_in_turn(bank, strength, lower):
    control = StyleControl(bank, strength=strength)
    assert control.handle(Action.STEP_STRENGTH, 0.0)
    assert control.strength == lower
