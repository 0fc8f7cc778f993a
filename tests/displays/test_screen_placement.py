import math

import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.camera import Pose, head_pose, stereo_views, upright
from artem_vr.displays.screen_placement import eye_offset, screen_size, sight_rays
from artem_vr.errors import UsageError
from artem_vr.frame import EyeView, Size

EYE_SIZE = (320, 240)


def turned(axis: int, angle: float) -> NDArray[np.float32]:
    """A rotation about X, Y or Z (4, 4)."""
    matrix = np.eye(4, dtype=np.float32)
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second], matrix[second, first] = -math.sin(angle), math.sin(angle)
    return matrix


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.9])
@pytest.mark.parametrize("pitch", [0.0, 0.5, -1.2])
def test_the_head_is_found_between_its_eyes(yaw: float, pitch: float) -> None:
    pose = Pose((1.0, 1.6, -2.0), yaw, pitch)
    assert np.allclose(head_pose(stereo_views(pose, EYE_SIZE)), pose.matrix_44(), atol=1e-5)


def test_eyes_that_are_turned_apart_have_a_head_that_looks_between_them() -> None:
    pose = Pose((0.2, 1.5, 0.0), 0.4, -0.3)
    canted = []
    for eye, angle in zip(stereo_views(pose, EYE_SIZE), (0.17, -0.17), strict=True):
        world_44 = np.linalg.inv(eye.view_44) @ turned(1, angle)
        canted.append(EyeView(np.linalg.inv(world_44).astype(np.float32), eye.projection_44))
    assert np.allclose(head_pose((canted[0], canted[1])), pose.matrix_44(), atol=1e-5)


def test_a_leaning_head_keeps_its_lean_until_it_is_set_upright() -> None:
    leaning = Pose((0.0, 1.6, 0.0), 0.5, 0.2).matrix_44() @ turned(2, 0.4)
    level = upright(leaning.astype(np.float64))
    assert np.allclose(level, Pose((0.0, 1.6, 0.0), 0.5).matrix_44(), atol=1e-5)


@pytest.mark.parametrize("pitch", [math.radians(89.9), math.radians(-89.9), math.radians(80), 0.0])
@pytest.mark.parametrize("yaw", [0.0, 2.0, -1.0])
def test_a_head_that_looks_up_or_down_faces_the_side_it_stands_towards(yaw: float, pitch: float) -> None:
    level = upright(Pose((3.0, 1.6, 1.0), yaw, pitch).matrix_44().astype(np.float64))
    assert np.allclose(level, Pose((3.0, 1.6, 1.0), yaw).matrix_44(), atol=1e-4)


def test_eyes_stand_to_both_sides_of_the_head_however_it_is_turned() -> None:
    eyes = stereo_views(Pose((1.0, 2.0, 3.0), 1.1, 0.4), EYE_SIZE, eye_distance=0.07)
    for eye, side in zip(eyes, (-0.035, 0.035), strict=True):
        shift = np.eye(4)
        shift[0, 3] = side
        assert np.allclose(eye_offset(head_pose(eyes), eye), shift, atol=1e-5)


def test_rays_go_through_the_pixels_that_points_are_seen_in() -> None:
    eye = stereo_views(Pose((1.0, 1.6, 0.0), 0.8, -0.3), EYE_SIZE)[1]
    lopsided = eye.projection_44.copy()
    lopsided[0, 2], lopsided[1, 2] = -0.2, 0.1
    eye = EyeView(eye.view_44, lopsided)
    corner, across, up = sight_rays(eye)
    place = np.linalg.inv(eye.view_44)[:3, 3]
    for u, v in ((0.5, 0.5), (0.1, 0.8), (1.0, 0.0)):
        point = place + 4.2 * (corner + u * across + v * up)
        clip = eye.projection_44 @ eye.view_44 @ np.array([*point, 1.0])
        assert np.allclose(clip[:2] / clip[3], (2 * u - 1, 2 * v - 1), atol=1e-4)


@pytest.mark.parametrize(
    ("picture", "fov", "expected"),
    [
        ((1920, 1080), 90, (1000, 562)),  # as many as the eye has there
        ((1920, 1080), 53.13, (500, 280)),  # tan 26.565 degrees is a half
        ((400, 300), 90, (400, 300)),  # as many as the picture has
        ((401, 301), 90, (400, 300)),
        ((20, 10), 90, (64, 32)),
        ((4000, 40), 90, (1000, 32)),
    ],
)
def test_a_screen_has_as_many_pixels_as_can_be_seen(picture: Size, fov: float, expected: Size) -> None:
    assert screen_size(picture, (1000, 1100), math.radians(90), math.radians(fov)) == expected


@pytest.mark.parametrize(
    ("picture", "eye_fov", "fov"), [((0, 10), 1.0, 1.0), ((10, 10), 0.0, 1.0), ((10, 10), 1.0, math.pi)]
)
def test_screens_without_sense_are_refused(picture: Size, eye_fov: float, fov: float) -> None:
    with pytest.raises(UsageError):
        screen_size(picture, (100, 100), eye_fov, fov)
