"""The measures of comfort on pictures for which the answer is known."""

import numpy as np
import pytest
from pink import SIDE, blurred, pink_picture, shifted

from trainer.comfort.correspondence import Correspondence, as_floats
from trainer.comfort.flicker import NOISE, flicker_gain, temporal_deviation, with_noise
from trainer.comfort.lag import displacements, lag
from trainer.comfort.measurement import Pairs, measure_motion
from trainer.comfort.misalignment import SHIFTS, misalignment, structure
from trainer.comfort.warping import warping_error

ALL = np.ones((SIDE, SIDE), bool)


def places(right: float = 0.0, down: float = 0.0) -> np.ndarray:
    """Where each pixel lies in a picture that is shifted by so many pixels."""
    x, y = np.meshgrid((np.arange(SIDE) + 0.5 + right) / SIDE, (np.arange(SIDE) + 0.5 + down) / SIDE)
    return np.stack([x, y], -1).astype(np.float32)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def test_a_picture_that_was_moved_and_is_brought_back_has_no_error_and_one_that_changes_has_its_change():
    picture = pink_picture()
    moved = np.roll(picture, (5, 9), (0, 1))
    seen = ALL.copy()
    seen[-5:], seen[:, -9:] = False, False
    assert warping_error(picture, moved, Correspondence(places(9, 5), seen)) == pytest.approx(0, abs=1e-5)
    brighter = warping_error(picture * 0.5, moved * 0.5 + 0.25, Correspondence(places(9, 5), seen))
    assert brighter == pytest.approx(0.25, abs=1e-5)
    assert warping_error(picture, moved, Correspondence(places(), seen)) > 0.05
    assert np.isnan(warping_error(picture, moved, Correspondence(places(), ~ALL)))


def test_only_what_both_see_counts():
    picture, other, seen = pink_picture(), pink_picture(1), ALL.copy()
    seen[:, SIDE // 2 :] = False
    other[:, : SIDE // 2] = picture[:, : SIDE // 2]
    assert warping_error(picture, other, Correspondence(places(), seen)) == pytest.approx(0, abs=1e-5)
    assert warping_error(picture, other, Correspondence(places(), ALL)) > 0.01


@pytest.mark.parametrize("sigma", [0.0, 1.5, 4.0])
@pytest.mark.parametrize("distance", [0.25, 1.0, 2.7, 9.0])
def test_a_shift_measures_as_what_it_is_however_blurred_the_picture(distance, sigma):
    picture = blurred(pink_picture(), sigma)
    curve = structure(picture)
    directions = np.deg2rad([0, 30, 45, 90, 135])
    errors = [
        difference(picture, shifted(picture, distance * np.cos(angle), distance * np.sin(angle)))
        for angle in directions
    ]
    assert misalignment(float(np.mean(errors)), curve) == pytest.approx(distance, rel=0.08 if distance >= 1 else 0.15)


def test_blur_makes_the_error_of_a_shift_smaller_but_not_its_misalignment():
    sharp, soft = pink_picture(), blurred(pink_picture(), 5)
    errors = [difference(picture, shifted(picture, 2, 0)) for picture in (sharp, soft)]
    assert errors[1] < 0.5 * errors[0]
    distances = [misalignment(error, structure(picture)) for error, picture in zip(errors, (sharp, soft), strict=True)]
    assert distances == pytest.approx([2, 2], rel=0.1)


def test_flicker_is_not_hidden_by_blur_but_worse_there():
    sharp, soft = pink_picture(), blurred(pink_picture(), 5)
    flicker = 0.02
    by_sharp, by_soft = (misalignment(flicker, structure(picture)) for picture in (sharp, soft))
    assert 0.1 < by_sharp < by_soft / 2


def test_the_curve_rises_from_nothing_and_ends_somewhere():
    curve = structure(pink_picture())
    assert curve[0] == 0 and np.all(np.diff(curve) >= 0) and len(curve) == len(SHIFTS)
    assert misalignment(0.0, curve) == 0
    assert misalignment(1.0, curve) == SHIFTS[-1]
    assert np.isnan(misalignment(float("nan"), curve))
    flat = structure(np.full((40, 40, 3), 0.5, np.float32))
    assert not flat.any() and misalignment(0.01, flat) == SHIFTS[-1]


def test_the_structure_is_the_mean_over_both_directions():
    """Of stripes that rise by a hundredth a pixel sideways and by nothing downwards, half of that."""
    ramp = np.repeat(np.arange(64, dtype=np.float32)[None, :, None] / 100, 64, 0).repeat(3, 2)
    for picture in (ramp, ramp.swapaxes(0, 1)):
        assert structure(picture)[1:8] == pytest.approx(SHIFTS[1:8] / 200, rel=1e-3)


def test_the_structure_is_that_of_what_is_seen():
    picture, seen = pink_picture(), ALL.copy()
    picture[:, SIDE // 2 :] = 0.5
    seen[:, SIDE // 2 :] = False
    whole, left = structure(picture), structure(picture, seen)
    assert np.all(left[1:6] > 1.7 * whole[1:6])
    assert not structure(picture, ~ALL).any()


def test_the_noise_is_as_strong_as_it_says_and_the_deviation_is_that_of_statistics():
    still = np.full((40, 50, 3), 128, np.uint8)
    random = np.random.default_rng(0)
    frames = [with_noise(still, random) for _ in range(24)]
    expected = np.std(frames, 0, ddof=1).mean() / 255
    assert temporal_deviation(frames) == pytest.approx(expected, rel=1e-9)
    assert temporal_deviation(frames) == pytest.approx(NOISE, rel=0.03)
    assert temporal_deviation([still] * 3) == 0
    with pytest.raises(ValueError):
        temporal_deviation([still])


def test_what_halves_contrast_halves_flicker_and_what_triples_it_triples_it():
    random = np.random.default_rng(0)
    frames = [with_noise(np.full((30, 30, 3), 120, np.uint8), random) for _ in range(16)]
    for factor in (0.5, 3.0):
        shown = [(120 + factor * (frame.astype(float) - 120)).clip(0, 255).astype(np.uint8) for frame in frames]
        assert flicker_gain(shown, frames) == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("off", [(0.0, 0.0), (3.25, -1.5), (-37.0, 6.0)])
def test_tiles_are_found_where_they_have_gone_whatever_their_contrast_and_noise(off):
    reference = pink_picture()
    shown = 0.2 + 0.6 * shifted(reference, *off)
    shown += np.random.default_rng(0).normal(0, 0.01, shown.shape).astype(np.float32)
    found = displacements(shown, reference, ALL, reach=48)
    assert len(found) > 20
    assert np.median(found, 0) == pytest.approx(off, abs=0.1)
    assert lag(found) == pytest.approx(np.hypot(*off), abs=0.15)


def test_tiles_that_are_plain_unseen_or_nowhere_are_left_out():
    picture, plain = pink_picture(), np.full((SIDE, SIDE, 3), 0.5, np.float32)
    assert len(displacements(plain, plain, ALL, 8)) == 0
    assert len(displacements(picture, picture, ~ALL, 8)) == 0
    assert len(displacements(pink_picture(1), picture, ALL, 8)) == 0
    assert np.isnan(lag(np.empty((0, 2))))


def test_motion_compares_the_frames_that_it_is_told_to():
    """A picture that moves by 3 pixels a frame, with pairs that say 2: each step is off by 1, five steps by 5."""
    picture = pink_picture()
    frames = [np.rint(255 * shifted(picture, 3 * number, 0)).clip(0, 255).astype(np.uint8) for number in range(12)]
    eyes = [np.stack([frame, np.roll(frame, 4, 1)]) for frame in frames]
    steps = {number: Correspondence(places(-2), ALL) for number in range(1, 12)}
    leaps = {number: Correspondence(places(-10), ALL) for number in range(5, 12, 3)}
    across = {11: Correspondence(places(), ALL)}
    inner = np.zeros_like(ALL)
    inner[:, 40:-40] = True
    cut = [{key: Correspondence(each.place_HW2, inner) for key, each in group.items()} for group in (steps, leaps)]
    motion = measure_motion(eyes, Pairs(5, *cut, across))
    assert motion.step.pixels == pytest.approx(1, rel=0.2)
    assert motion.leap.pixels == pytest.approx(5, rel=0.2)
    assert motion.stereo.pixels == pytest.approx(4, rel=0.25)
    assert [*motion.errors] == [*range(1, 12)]
    assert np.mean([*motion.errors.values()]) == pytest.approx(motion.step.error)
    expected = difference(as_floats(frames[3])[:, 40:-40], shifted(picture, 8, 0)[:, 40:-40])
    assert motion.errors[3] == pytest.approx(expected, rel=0.02)
