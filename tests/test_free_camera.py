import math

import pytest

from artem_vr.camera import WALKING_SPEED, FreeCamera, Pose


def path(seconds: float) -> Pose:
    return Pose((seconds, 1.6, 0.0), yaw=0.25)


def test_it_follows_the_path_until_somebody_takes_over() -> None:
    camera = FreeCamera(path)
    assert camera.pose(3.0) == path(3.0)
    assert camera.on_path
    camera.walk(0.0, 0.0, 1.0, seconds=0.5)
    assert not camera.on_path
    assert camera.pose(10.0) == camera.pose(20.0)


def test_taking_over_starts_where_the_head_is() -> None:
    camera = FreeCamera(path)
    camera.pose(3.0)
    camera.look(0.1, -0.2)
    assert camera.pose(9.0) == Pose((3.0, 1.6, 0.0), pytest.approx(0.35), pytest.approx(-0.2))


def test_doing_nothing_takes_nothing_over() -> None:
    camera = FreeCamera(path)
    camera.walk(0.0, 0.0, 0.0, seconds=0.1)
    camera.look(0.0, 0.0)
    assert camera.on_path


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
def test_directions_are_those_of_the_head(yaw: float, direction: tuple[float, float, float]) -> None:
    camera = FreeCamera(lambda seconds: Pose((0.0, 0.0, 0.0), yaw))
    camera.walk(*direction, seconds=1 / WALKING_SPEED)
    right, up, forward = direction
    head = Pose((0.0, 0.0, 0.0), yaw).matrix_44()
    expected = head[:3, 0] * right + head[:3, 1] * up - head[:3, 2] * forward
    assert camera.pose(0.0).position == pytest.approx(expected.tolist(), abs=1e-6)


def test_walking_across_is_no_faster_and_stays_level() -> None:
    camera = FreeCamera(path)
    camera.look(0.0, -1.0)
    camera.walk(1.0, 0.0, 1.0, seconds=2.0)
    x, y, z = camera.pose(0.0).position
    assert math.hypot(x, z) == pytest.approx(2.0 * WALKING_SPEED)
    assert y == 1.6


def test_looking_stops_short_of_the_pole() -> None:
    camera = FreeCamera(path)
    for _ in range(10):
        camera.look(0.0, 0.5)
    assert math.radians(80) < camera.pose(0.0).pitch < math.pi / 2


def test_it_returns_to_where_the_path_is_by_then() -> None:
    camera = FreeCamera(path)
    camera.look(1.0, 0.0)
    camera.return_to_path()
    assert camera.pose(7.0) == path(7.0)
