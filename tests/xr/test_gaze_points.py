"""Where a gaze meets two pictures, against far points that are projected in the usual way."""

import math

import numpy as np
import pytest

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import EyeView
from artem_vr.xr.gaze_points import gaze_points

FAR_AWAY = 1e7
"""Metres: from there two eyes look in one direction, to a millionth of a picture."""
AHEAD = np.array([0.0, 0.0, -1.0])


def eye_of(head: Pose, left: float, right: float, down: float, up: float, x: float = 0.0, cant: float = 0.0) -> EyeView:
    """An eye at `x` metres beside the middle of a head, turned by `cant`, with a frustum of these tangents."""
    projection = np.zeros((4, 4), np.float32)
    projection[0, 0], projection[0, 2] = 2 / (right - left), (right + left) / (right - left)
    projection[1, 1], projection[1, 2] = 2 / (up - down), (up + down) / (up - down)
    projection[2, 2:], projection[3, 2] = (-1.0, -0.1), -1.0
    eye_44 = head.matrix_44().astype(np.float64) @ Pose((x, 0.0, 0.0), cant).matrix_44()
    return EyeView(np.linalg.inv(eye_44).astype(np.float32), projection)


def headset(head: Pose, cant: float = 0.0) -> tuple[EyeView, EyeView]:
    """Two eyes that see further outwards and downwards, as a headset's do."""
    return (
        eye_of(head, -1.3, 0.9, -1.2, 1.0, x=-0.03, cant=cant),
        eye_of(head, -0.9, 1.3, -1.2, 1.0, x=0.03, cant=-cant),
    )


def projected(eye: EyeView, place_3: np.ndarray) -> np.ndarray:
    """The plain way: a place in the world through both matrices, in parts of the picture."""
    clip = eye.projection_44.astype(np.float64) @ eye.view_44.astype(np.float64) @ [*place_3, 1.0]
    return (clip[:2] / clip[3] + 1) / 2


def test_straight_ahead_is_the_middle_of_a_symmetrical_picture() -> None:
    head = Pose((1.0, 1.6, -2.0), 0.7, -0.3)
    ahead = head.matrix_44()[:3, :3] @ AHEAD
    assert gaze_points(ahead, stereo_views(head, (320, 240))) == (pytest.approx((0.5, 0.5)), pytest.approx((0.5, 0.5)))


def test_right_is_right_and_up_is_up_by_the_tangents() -> None:
    left, right = gaze_points(np.array([0.5, 0.25, -1.0]), headset(Pose((0, 0, 0)))) or ((), ())
    assert left == pytest.approx(((0.5 + 1.3) / 2.2, (0.25 + 1.2) / 2.2))
    assert right == pytest.approx(((0.5 + 0.9) / 2.2, (0.25 + 1.2) / 2.2))


@pytest.mark.parametrize("cant", [0.0, 0.1])
@pytest.mark.parametrize("yaw", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("pitch", [-0.6, 0.0, 0.5])
def test_it_is_where_a_far_point_is_seen(yaw: float, pitch: float, cant: float) -> None:
    head = Pose((0.4, 1.5, 3.0), 2.2, 0.4)
    eyes = headset(head, cant)
    gaze = head.matrix_44()[:3, :3].astype(float) @ Pose((0, 0, 0), yaw, pitch).matrix_44()[:3, :3] @ AHEAD
    points = gaze_points(gaze, eyes)
    assert points is not None
    for point, eye in zip(points, eyes, strict=True):
        assert min(point) > 0
        assert max(point) < 1
        assert np.allclose(point, projected(eye, FAR_AWAY * gaze), atol=1e-5)


def test_near_things_are_off_by_half_the_distance_of_the_eyes() -> None:
    head = Pose((0, 0, 0))
    for distance, degrees in ((0.5, 3.6), (2.0, 0.9)):
        eyes = stereo_views(head, (320, 240))
        points = gaze_points(AHEAD, eyes)
        assert points is not None
        off = abs(projected(eyes[0], distance * AHEAD)[0] - points[0][0]) * 2 / eyes[0].projection_44[0, 0]
        assert math.degrees(math.atan(off)) == pytest.approx(degrees, abs=0.05)


def test_the_length_of_the_direction_does_not_matter() -> None:
    eyes, gaze = headset(Pose((0, 0, 0))), np.array([0.2, -0.1, -1.0])
    assert np.allclose(gaze_points(gaze, eyes), gaze_points(7 * gaze, eyes))


@pytest.mark.parametrize(
    ("gaze", "point"),
    [((9, 0, -1), (1, 0.5)), ((-9, 0, -1), (0, 0.5)), ((0, 9, -1), (0.5, 1)), ((-9, -9, -1e-9), (0, 0))],
)
def test_what_lies_beyond_the_picture_is_put_onto_its_edge(gaze: tuple[float, ...], point: tuple[float, ...]) -> None:
    points = gaze_points(np.array(gaze, float), stereo_views(Pose((0, 0, 0)), (320, 320)))
    assert points == (point, point)


@pytest.mark.parametrize("gaze", [(0, 0, 1), (1, 0, 0), (0, 0, 0), (math.nan, 0, -1), (0, 0, -math.inf)])
def test_nobody_looks_backwards_or_nowhere(gaze: tuple[float, ...]) -> None:
    assert gaze_points(np.array(gaze, float), headset(Pose((0, 0, 0)))) is None


def test_one_eye_that_cannot_see_it_is_enough() -> None:
    """Eyes that are turned far apart: what is at one's side is behind the other."""
    left, right = headset(Pose((0, 0, 0)), cant=0.3)
    aside = np.array([-1.0, 0.0, -0.1])
    assert gaze_points(aside, (left, left)) is not None
    assert gaze_points(aside, (left, right)) is None
