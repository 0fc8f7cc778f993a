import math

import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.camera import Pose
from artem_vr.errors import UsageError
from artem_vr.head_history import HeadHistory


def head(x: float = 0.0, yaw: float = 0.0, pitch: float = 0.0) -> NDArray[np.float32]:
    return Pose((x, 1.6, -2.0), yaw, pitch).matrix_44()


def test_a_pose_that_was_noted_is_given_back() -> None:
    history = HeadHistory()
    for number in range(5):
        history.add(10 + number / 90, head(number, 0.1 * number, -0.05 * number))
    for number in range(5):
        assert np.allclose(history.at(10 + number / 90), head(number, 0.1 * number, -0.05 * number), atol=1e-5)
    assert history.at(10.0).dtype == np.float32


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_between_two_the_place_is_on_the_line_and_the_turn_is_even(share: float) -> None:
    history = HeadHistory()
    history.add(1.0, head(0.0, 0.2))
    history.add(2.0, head(3.0, 1.4))
    assert np.allclose(history.at(1 + share), head(3 * share, 0.2 + 1.2 * share), atol=1e-5)


def test_the_turn_takes_the_shortest_way() -> None:
    history = HeadHistory()
    history.add(0.0, head(yaw=math.radians(170)))
    history.add(1.0, head(yaw=math.radians(-170)))
    assert np.allclose(history.at(0.5), head(yaw=math.pi), atol=1e-5)


def test_half_a_turn_and_no_turn_are_rotations_too() -> None:
    history = HeadHistory()
    history.add(0.0, head())
    history.add(1.0, head(yaw=math.pi))
    history.add(2.0, head(yaw=math.pi))
    for time in (0.5, 1.5):
        rotation = history.at(time)[:3, :3]
        assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-5)


def test_slow_turns_are_not_lost() -> None:
    history = HeadHistory()
    history.add(0.0, head())
    history.add(0.01, head(yaw=1e-3))
    assert history.at(0.005)[0, 2] == pytest.approx(math.sin(5e-4), rel=1e-2)


def test_outside_of_what_is_known_it_stays_at_the_ends() -> None:
    history = HeadHistory()
    history.add(5.0, head(1.0))
    assert np.allclose(history.at(0.0), head(1.0))
    assert np.allclose(history.at(9.0), head(1.0))
    history.add(6.0, head(2.0))
    assert np.allclose(history.at(4.9), head(1.0))
    assert np.allclose(history.at(6.1), head(2.0))


def test_the_past_is_kept_for_the_seconds_asked_for_and_no_longer() -> None:
    history = HeadHistory(seconds=1.0)
    for number in range(1000):
        history.add(number / 100, head(number))
    assert history.at(8.99)[0, 3] == pytest.approx(899, abs=1e-2)
    assert history.at(0.0)[0, 3] == pytest.approx(899, abs=1.01)


def test_a_fast_display_fills_no_memory() -> None:
    history = HeadHistory(seconds=100.0)
    for number in range(20_000):
        history.add(number * 1e-5, head(number))
    assert history.at(0.0)[0, 3] > 10_000


def test_what_was_noted_does_not_change_with_the_array() -> None:
    history, pose = HeadHistory(), head(1.0)
    history.add(0.0, pose)
    pose[:] = 0
    history.at(0.0)[:] = 7
    assert np.allclose(history.at(0.0), head(1.0))


def test_a_time_given_twice_has_the_newer_pose_and_a_clock_that_goes_back_forgets() -> None:
    history = HeadHistory()
    for time, x in ((1.0, 1.0), (2.0, 2.0), (2.0, 4.0), (3.0, 9.0)):
        history.add(time, head(x))
    assert history.at(2.0)[0, 3] == pytest.approx(4)
    history.add(1.5, head(7.0))
    assert history.at(3.0)[0, 3] == pytest.approx(7)
    assert history.at(1.0)[0, 3] == pytest.approx(1)


def test_an_empty_history_says_so() -> None:
    history = HeadHistory()
    with pytest.raises(LookupError, match="add one first"):
        history.at(0.0)
    history.add(0.0, head())
    history.clear()
    with pytest.raises(LookupError):
        history.at(0.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_a_history_of_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="more than 0"):
        HeadHistory(seconds)
