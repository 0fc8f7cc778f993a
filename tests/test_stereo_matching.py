"""What is found between the pictures of a pair is what they were made with, and what cannot be known is not claimed."""

import cv2
import numpy as np
import pytest
from stereo_world import Pair, planes, texture

from artem_vr.reprojection import carry
from artem_vr.stereo_matching import LEAST, MOST, UNKNOWN, WIDTH, _agreed, laid_out, match, nominal_eyes

SIZE = (200, 120)
SQUARE = (80, 40, 50, 40)


def found(pair: Pair) -> np.ndarray:
    """In pixels."""
    return match(pair.rgb_EHWC) * SIZE[0]


def errors(pair: Pair) -> np.ndarray:
    """Of what is known and seen by both, away from edges in depth."""
    found_EHW = found(pair)
    inner = np.stack([cv2.erode(seen.astype(np.uint8), np.ones((9, 9))) > 0 for seen in pair.seen_EHW])
    known = inner & np.isfinite(found_EHW)
    assert known.sum() > 0.9 * inner.sum()
    return np.abs(found_EHW - pair.disparity_EHW)[known]


@pytest.mark.parametrize(("far", "near"), [(3.0, 12.5), (20.25, 45.0), (-6.0, 9.0), (-24.0, -15.5), (0.0, 60.0)])
def test_two_planes_are_found_whatever_their_sign(far: float, near: float) -> None:
    """Parallel cameras see all at positive disparities; turned towards each other, what is far at negative ones."""
    error = errors(planes(SIZE, far, near, square=SQUARE))
    assert np.median(error) < 0.15
    assert (error > 1).mean() < 0.01


def test_what_one_eye_alone_sees_is_not_known() -> None:
    pair = planes(SIZE, 4.0, 20.0, square=SQUARE)
    known = np.isfinite(found(pair))
    x, y, width, height = SQUARE
    # The square hides 16 columns of the wall from either eye: to its left from the right eye, and the other way round.
    for eye, columns in ((0, slice(x - 13, x - 3)), (1, slice(x + width - 20 + 3, x + width - 20 + 13))):
        hidden = np.s_[eye, y + 4 : y + height - 4, columns]
        assert not pair.seen_EHW[hidden].any()
        assert known[hidden].mean() < 0.1
    assert not known[0, :, :3].any() and not known[1, :, -3:].any(), "beyond the other picture's edge"


def test_a_slanted_wall_is_found_to_parts_of_a_pixel() -> None:
    error = errors(planes(SIZE, 2.0, slope=0.08))
    assert np.median(error) < 0.2
    assert (error > 1).mean() < 0.01


@pytest.mark.parametrize(("gain", "gamma"), [(0.6, 1.0), (1.4, 1.0), (0.8, 1.5)])
def test_cameras_may_differ_in_exposure(gain: float, gamma: float) -> None:
    pair = planes(SIZE, 3.0, 12.5, square=SQUARE)
    right = (255 * gain * (pair.rgb_EHWC[1] / 255) ** gamma).clip(0, 255).astype(np.uint8)
    error = errors(Pair(np.stack([pair.rgb_EHWC[0], right]), pair.disparity_EHW, pair.seen_EHW))
    assert np.median(error) < 0.25
    assert (error > 1).mean() < 0.02


def test_large_pictures_are_compared_small_and_disparities_are_shares_of_the_width() -> None:
    pair = planes((640, 360), 30.0, 64.0, square=(250, 100, 160, 140))
    disparity = match(pair.rgb_EHWC)
    assert disparity.shape == (2, 144, WIDTH)
    assert np.nanmedian(disparity[0, :, 100:]) * 640 == pytest.approx(30, abs=0.8)
    assert np.nanmedian(disparity[0, 60:80, 110:150]) * 640 == pytest.approx(64, abs=0.8)


def test_what_the_eyes_do_not_agree_on_or_see_in_another_colour_is_not_known() -> None:
    one, other = np.full((20, 40), 3, np.float32), np.full((20, 40), 3, np.float32)
    grey, other_grey = np.full((20, 40), 100, np.uint8), np.full((20, 40), 110, np.uint8)
    other[:, 12:15], other[:, 30:33] = 5, np.nan
    other_grey[:, 20:23] = 160
    known = _agreed(one, other, grey, other_grey, 1)
    # At column 15 of this picture is what lies at 12 in the other.
    expected = np.isin(np.arange(40), [0, 1, 2, 15, 16, 17, 23, 24, 25, 33, 34, 35], invert=True)
    np.testing.assert_array_equal(known, np.broadcast_to(expected, (20, 40)))
    known = _agreed(one, other, grey, other_grey, -1)
    assert not known[0, [9, 10, 11, 17, 18, 19, 27, 28, 29, 37, 38, 39]].any() and known[0].sum() == 28


@pytest.mark.parametrize(
    ("size", "softness"),
    [((200, 120), 1.2), ((200, 120), 8), ((320, 180), 12), ((64, 8), 1.2), ((9, 40), 1.2), ((1, 1), 1)],
)
def test_pictures_of_different_things_have_no_disparity(size: tuple[int, int], softness: float) -> None:
    disparity = match([texture(seed, size[1], size[0], softness) for seed in (3, 4)])
    assert disparity.shape[0] == 2 and disparity.shape[2] == min(size[0], WIDTH)
    assert not np.isfinite(disparity).any()


def test_nominal_eyes_see_distances_at_the_disparities_which_these_stand_for() -> None:
    disparity = np.linspace(LEAST, MOST, 4 * 64, dtype=np.float32).reshape(4, 64)
    metres = laid_out(np.stack([disparity, disparity]), (64, 4), (640, 40), None)
    left, right = nominal_eyes()
    column = (np.arange(64) + 0.5) / 64
    assert (metres > 0).all()
    for eye, (here, there, sign) in enumerate(((left, right, -1), (right, left, 1))):
        place = carry(metres[eye], here, there).place_HW2
        np.testing.assert_allclose(place[..., 0], column + sign * disparity, atol=1e-5)
        np.testing.assert_allclose(
            place[..., 1], np.broadcast_to((np.arange(4)[:, None] + 0.5) / 4, (4, 64)), atol=1e-6
        )


def test_disparities_are_laid_where_the_pictures_stand_in_the_frame() -> None:
    """A wide picture in the middle of an eye that is square: 40 of its 80 rows, and all of its columns."""
    disparity = np.full((2, 4, 8), 0.1, np.float32)
    disparity[0, 0, 0] = np.nan
    metres = laid_out(disparity, (16, 16), (80, 80), (0, 20, 80, 40))
    assert (metres[:, :4] == UNKNOWN).all() and (metres[:, 12:] == UNKNOWN).all()
    assert (metres[0, 4:6, :2] == UNKNOWN).all()
    assert (metres[0, 6:12] > 0).all() and (metres[0, 4:6, 2:] > 0).all() and (metres[1, 4:12] > 0).all()
    # In a tall picture the same share of a narrower one is less of the frame, and higher up in the frame is higher up.
    narrow = laid_out(disparity, (16, 16), (80, 80), (20, 40, 40, 40))
    assert (narrow[1, :8, 4:12] > 0).all() and (narrow[1, 8:] == UNKNOWN).all() and (narrow[1, :, :4] == UNKNOWN).all()
    assert (narrow[1] > 0).sum() == 64
    place = carry(narrow[0], *nominal_eyes()).place_HW2
    assert place[7, 8, 0] == pytest.approx(8.5 / 16 - 0.05, abs=1e-5)
