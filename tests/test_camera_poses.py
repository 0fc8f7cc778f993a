import math

import numpy as np
import pytest

from artem_vr.camera import EYE_DISTANCE, FAR, NEAR, Pose, perspective, stereo_views


def test_a_head_that_looks_nowhere_in_particular_looks_along_minus_z() -> None:
    matrix = Pose((1.0, 2.0, 3.0)).matrix_44()
    assert np.allclose(matrix[:3, :3], np.eye(3))
    assert np.allclose(matrix[:3, 3], (1, 2, 3))


@pytest.mark.parametrize(
    ("yaw", "pitch", "forward"),
    [
        (math.pi / 2, 0, (-1, 0, 0)),  # to the left
        (-math.pi / 2, 0, (1, 0, 0)),
        (0, math.pi / 2, (0, 1, 0)),  # up
        (math.pi / 2, math.pi / 4, (-math.sqrt(0.5), math.sqrt(0.5), 0)),
    ],
)
def test_where_a_head_looks(yaw: float, pitch: float, forward: tuple[float, float, float]) -> None:
    matrix = Pose((0, 0, 0), yaw, pitch).matrix_44()
    assert np.allclose(matrix[:3, :3] @ (0, 0, -1), forward, atol=1e-6)
    assert matrix[1, 0] == 0  # the head does not lean: its right stays level


def test_a_pose_is_a_rotation_whatever_the_angles() -> None:
    for yaw, pitch in ((0.3, 0.2), (2.5, -1.1), (-4.0, 1.5)):
        rotation = Pose((0, 0, 0), yaw, pitch).matrix_44()[:3, :3]
        assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-6)


def test_the_left_eye_is_on_the_left() -> None:
    left, right = stereo_views(Pose((0, 1.6, 0)), (640, 640))
    ahead = np.array([0, 1.6, -2.0, 1], np.float32)
    assert (left.view_44 @ ahead)[0] == pytest.approx(EYE_DISTANCE / 2, abs=1e-6)  # a point ahead is right of it
    assert (right.view_44 @ ahead)[0] == pytest.approx(-EYE_DISTANCE / 2, abs=1e-6)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (1.2, 0.4), (-2.8, -0.9)])
def test_the_eyes_turn_with_the_head_and_stay_apart(yaw: float, pitch: float) -> None:
    pose = Pose((3, 1, -2), yaw, pitch)
    left, right = (np.linalg.inv(eye.view_44) for eye in stereo_views(pose, (640, 480)))
    assert np.allclose((left[:3, 3] + right[:3, 3]) / 2, pose.position, atol=1e-5)
    assert np.allclose(right[:3, 3] - left[:3, 3], EYE_DISTANCE * pose.matrix_44()[:3, 0], atol=1e-5)
    assert np.allclose(left[:3, :3], right[:3, :3], atol=1e-6)


def test_the_projection_fills_clip_space() -> None:
    projection = perspective(math.radians(90), 2.0)

    def clip(x: float, y: float, z: float) -> np.ndarray:
        point = projection.astype(np.float64) @ (x, y, z, 1)
        return point[:3] / point[3]

    assert np.allclose(clip(0, 0, -NEAR), (0, 0, -1), atol=1e-4)
    assert np.allclose(clip(0, 0, -FAR), (0, 0, 1), atol=1e-4)
    assert np.allclose(clip(6, 3, -3)[:2], (1, 1), atol=1e-6)  # the upper right corner at 90 degrees and 2:1
    assert projection.dtype == np.float32


def test_pixels_are_square() -> None:
    eye = stereo_views(Pose((0, 0, 0)), (1000, 500))[0]
    assert eye.projection_44[1, 1] == pytest.approx(2 * eye.projection_44[0, 0])
