"""Where the finer pictures of foveated painting are, and what each of them shows."""

import numpy as np
import pytest
from carried_world import eyes_like_a_headsets

from artem_vr.camera import Pose, stereo_views
from artem_vr.foveation import (
    RAMP,
    Gaze,
    metres_of_windows,
    picture_size,
    pictures,
    ramp,
    scale_count,
    straight_ahead,
    window_at,
)
from artem_vr.frame import BOTH, WHOLE, TensorFrame

EYES = stereo_views(Pose((0.3, 1.6, 0.2), yaw=0.4, pitch=0.1), (160, 176))
MIDDLE = ((0.5, 0.5), (0.5, 0.5))


def seen_at(view, world_3):
    """Where in its picture a view sees a point: from 0 to 1, from the lower left corner."""
    clip = view.projection_44.astype(float) @ view.view_44.astype(float) @ [*world_3, 1.0]
    return (clip[:2] / clip[3] + 1) / 2


@pytest.mark.parametrize("look", [stereo_views, eyes_like_a_headsets])
@pytest.mark.parametrize("window", [WHOLE, (0.25, 0.25, 0.5, 0.5), (0.1, 0.4, 0.25, 0.5)])
def test_a_point_is_seen_through_a_window_where_the_window_shows_it(look, window):
    view = look(Pose((0.3, 1.6, 0.2), yaw=0.4, pitch=0.1), (160, 176))[1]
    for world in ([0.0, 1.0, -4.0], [-3.0, 2.5, -2.0], [-1.0, 0.3, -9.0]):
        whole, part = seen_at(view, world), seen_at(view.through(window), world)
        np.testing.assert_allclose(window[:2] + part * window[2:], whole, atol=1e-5)
    through = view.through(window).projection_44
    np.testing.assert_array_equal(through[2:], view.projection_44[2:], "distances stay what they were")


def test_windows_halve_with_each_scale_and_stay_inside():
    assert [scale_count(periphery) for periphery in (1, 2, 4)] == [1, 2, 3]
    assert window_at((0.5, 0.5), 0) == WHOLE
    assert window_at((0.5, 0.4), 1) == pytest.approx((0.25, 0.15, 0.5, 0.5))
    assert window_at((0.0, 1.0), 1) == (0.0, 0.5, 0.5, 0.5)
    assert window_at((0.9, 0.5), 2) == (0.75, 0.375, 0.25, 0.25)


def test_pictures_are_those_of_the_whole_first_and_each_knows_what_it_shows():
    assert pictures(BOTH, MIDDLE, 1) == (BOTH, ())
    views, windows = pictures(BOTH, ((0.5, 0.5), (0.25, 0.5)), 3)
    tensor = TensorFrame(0, 0.0, np.zeros((6, 4, 4, 3), np.uint8), EYES, views, True, windows)
    assert (tensor.scales, tensor.eye_count) == (3, 2)
    assert [views[place] for place in range(6)] == [0, 1, 0, 1, 0, 1]
    assert [tensor.other(place) for place in range(6)] == [1, 0, 3, 2, 5, 4]
    assert tensor.window(1) == WHOLE and tensor.window(3) == (0.0, 0.25, 0.5, 0.5)
    assert tensor.view(0) is EYES[0]
    np.testing.assert_array_equal(tensor.view(3).projection_44, EYES[1].through((0.0, 0.25, 0.5, 0.5)).projection_44)
    views, windows = pictures((0,), MIDDLE, 2)
    alone = TensorFrame(0, 0.0, np.zeros((2, 4, 4, 3), np.uint8), EYES, views, True, windows)
    assert (alone.scales, alone.eye_count, alone.other(1)) == (2, 1, 1)


def test_pictures_are_as_fine_in_the_middle_and_even():
    assert picture_size((640, 704), 1) == (640, 704)
    assert picture_size((640, 704), 2) == (320, 352)
    assert picture_size((338, 350), 4) == (84, 88)
    assert picture_size((48, 48), 4) == (16, 16)


@pytest.mark.parametrize("look", [stereo_views, eyes_like_a_headsets])
def test_straight_ahead_is_where_what_is_far_ahead_is_seen(look):
    eyes = look(Pose((0.0, 0.0, 0.0)), (160, 176))
    for eye, point in zip(eyes, straight_ahead(eyes), strict=True):
        np.testing.assert_allclose(seen_at(eye, [0.0, 0.0, -1e5]), point, atol=1e-4)


def test_the_windows_follow_a_gaze_in_steps_and_not_every_tremble():
    gaze = Gaze()
    assert gaze.follow(None, EYES) == MIDDLE
    trembling = ((0.52, 0.49), (0.47, 0.53))
    assert gaze.follow(trembling, EYES) == MIDDLE
    moved = gaze.follow(((0.7, 0.51), (0.52, 0.5)), EYES)
    assert moved == ((0.6875, 0.5), (0.53125, 0.5)), "both eyes at once, by 32nds"
    assert gaze.follow(((0.69, 0.52), (0.5, 0.5)), EYES) == moved
    assert gaze.follow(((1.4, -1.0), (0.5, 0.5)), EYES)[0] == (1.0, 0.0)


def test_a_blink_moves_nothing_and_a_lost_gaze_looks_ahead():
    gaze = Gaze()
    moved = gaze.follow(((0.7, 0.3), (0.7, 0.3)), EYES, 10.0)
    assert moved != MIDDLE
    assert gaze.follow(None, EYES, 10.4) == moved
    assert gaze.follow(None, EYES, 10.6) == MIDDLE


def test_finer_pictures_come_in_from_their_edges():
    across = np.linspace(0, 1, 1001)
    share = ramp(np.stack([across, np.full_like(across, 0.5)], -1)[None])[0]
    assert share[0] == share[-1] == 0
    np.testing.assert_allclose(share, share[::-1], atol=1e-12)
    assert (share[(across > RAMP) & (across < 1 - RAMP)] == 1).all()
    assert np.abs(np.diff(share)).max() < 1.6 / RAMP / 1000, (
        "nowhere steeper than half as much again as a straight ramp"
    )
    assert ramp(np.array([[[-0.5, 0.5]]])) == 0


def test_distances_of_a_pair_are_those_of_its_windows():
    metres = np.arange(2 * 8 * 8, dtype=np.float32).reshape(2, 8, 8)
    views, windows = pictures(BOTH, ((0.5, 0.5), (0.75, 0.25)), 2)
    parts = metres_of_windows(metres, views, windows)
    assert parts.shape == (4, 8, 8)
    np.testing.assert_array_equal(parts[:2], metres)
    np.testing.assert_array_equal(parts[2], metres[0, 2:6, 2:6].repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(parts[3], metres[1, 4:, 4:].repeat(2, 0).repeat(2, 1), "the lower right quarter")
    assert metres_of_windows(metres, BOTH, ()) is metres
