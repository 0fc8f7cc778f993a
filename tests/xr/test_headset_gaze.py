"""Where the eyes look, in real sessions.

The runtime offers eye gaze, but none of its simulated headsets has eyes that are tracked. So in some tests the gaze is
bound to what the right hand points at, which is a pose like any other: everything but the binding's path is as it is.
"""

import math

import numpy as np
import pytest
from headset import Open, about_y, show, show_until
from remote import Remote

from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.frame import Point
from artem_vr.ports import Action
from artem_vr.xr import eye_gaze, probe
from artem_vr.xr.runtime import EYE_GAZE, Runtime

pytestmark = [pytest.mark.xr, pytest.mark.usefixtures("no_welcome")]


@pytest.fixture
def hand_is_eye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runtime, "_has_eye_tracker", lambda runtime: True)
    monkeypatch.setattr(eye_gaze, "PROFILE", "/interaction_profiles/khr/simple_controller")
    monkeypatch.setattr(eye_gaze, "POSE", "/user/hand/right/input/aim/pose")


def test_a_session_runs_whether_or_not_the_headset_tracks_eyes(open_display: Open) -> None:
    headset = probe.probe()
    assert headset.tracks_eyes <= (EYE_GAZE in headset.extensions)
    display = open_display()
    gazes = [show(display).gaze for _ in range(3)]
    assert display._connection is not None
    assert (display._connection.controllers.eye_gaze is not None) is headset.tracks_eyes
    if headset.tracks_eyes:
        assert all(0 <= part <= 1 for gaze in gazes if gaze for point in gaze for part in point)
    else:
        assert gazes == [None] * 3


def test_the_binding_itself_is_taken_and_eyes_that_are_not_tracked_tell_nothing(
    open_display: Open, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    if probe.probe().tracks_eyes or EYE_GAZE not in probe.probe().extensions:
        pytest.skip("this runtime does not offer eye gaze for a headset without an eye tracker")
    monkeypatch.setattr(Runtime, "_has_eye_tracker", lambda runtime: True)
    display = open_display()
    assert [show(display).gaze for _ in range(3)] == [None] * 3
    assert display._connection is not None
    assert display._connection.controllers.eye_gaze is not None
    assert display._connection.controllers.eye_gaze._space is not None, "it was asked, and did not fail"
    # The controllers work beside it.
    remote.press("right", "a_click")
    show(display)
    show(display)
    assert display.actions() == [Action.NEXT_STYLE]


@pytest.mark.usefixtures("hand_is_eye")
def test_the_gaze_is_where_it_points_in_both_pictures_and_does_not_turn_with_the_head(
    open_display: Open, remote: Remote
) -> None:
    display = open_display(profiles=())
    show_until(display, lambda seen: seen.gaze is not None)
    for head, gaze in ((0.0, 0.0), (0.0, -0.3), (0.0, 0.2), (0.4, 0.2)):
        remote.move_head((0.1, 1.5, 0.2), about_y(head))
        remote.move("right", (0.1, 1.5, 0.2), about_y(gaze))
        expected = _points_at(display, gaze - head)
        show_until(
            display,
            lambda seen, expected=expected: seen.gaze is not None and np.allclose(seen.gaze, expected, atol=1e-3),
        )


@pytest.mark.usefixtures("hand_is_eye")
def test_a_gaze_is_lost_and_found_and_dies_with_its_session(open_display: Open, remote: Remote) -> None:
    display = open_display(profiles=())
    show_until(display, lambda seen: seen.gaze is not None)
    remote.switch_off("right")
    show_until(display, lambda seen: seen.gaze is None)
    remote.switch_on("right")
    show_until(display, lambda seen: seen.gaze is not None)
    assert display._connection is not None
    tracker = display._connection.controllers.eye_gaze
    display.close()
    assert tracker is not None
    assert tracker._space is None


def _points_at(display: OpenXrDisplay, angle: float) -> list[Point]:
    """By the angles that the runtime gives: what is to the left of straight ahead by `angle`, at the eyes' height."""
    assert display._connection is not None
    assert display._connection.space.eyes is not None
    points = []
    for view in display._connection.space.eyes.views:
        edges = [math.tan(side) for side in (view.fov.angle_left, view.fov.angle_right)]
        low, high = math.tan(view.fov.angle_down), math.tan(view.fov.angle_up)
        points.append(((-math.tan(angle) - edges[0]) / (edges[1] - edges[0]), -low / (high - low)))
    return points
