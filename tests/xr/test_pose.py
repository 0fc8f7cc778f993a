"""Poses and projections against what they are meant to do."""

import math

import numpy as np
import pytest

pytest.importorskip("OpenGL.GL", reason="PyOpenGL does not load")

from artem_vr.camera import FAR, NEAR, Pose, perspective
from artem_vr.displays.openxr.panel import BELOW, DISTANCE, hanging_pose
from artem_vr.xr.library import xr
from artem_vr.xr.panel_visibility import AWAKE, FADE_IN, FADE_OUT, UNUSED, PanelVisibility
from artem_vr.xr.pose import matrix_44, projection_44, tilted_pose


def test_a_quaternion_turns_as_it_should() -> None:
    half = math.sin(math.pi / 4)
    turned = matrix_44(xr.Posef(xr.Quaternionf(0, half, 0, half), xr.Vector3f(1, 2, 3)))  # a quarter to the left
    assert np.allclose(turned @ [0, 0, -1, 1], [0, 2, 3, 1], atol=1e-6)
    assert np.allclose(turned[:3, :3] @ turned[:3, :3].T, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("yaw", [-2.5, -0.4, 0.0, 1.0, 3.0])
@pytest.mark.parametrize("pitch", [-1.2, 0.0, 0.7])
def test_tilted_poses_agree_with_the_programs_own_heads(yaw: float, pitch: float) -> None:
    place = np.array([0.3, 1.6, -2.0])
    head = Pose((0.3, 1.6, -2.0), yaw, pitch).matrix_44()
    assert np.allclose(matrix_44(tilted_pose(place, yaw, pitch)), head, atol=1e-6)


def test_a_symmetrical_field_of_view_is_the_usual_perspective() -> None:
    fov = xr.Fovf(-0.6, 0.6, 0.5, -0.5)
    aspect = math.tan(0.6) / math.tan(0.5)
    assert np.allclose(projection_44(fov), perspective(1.0, aspect, NEAR, FAR), atol=1e-6)


def test_the_edges_of_a_crooked_field_of_view_are_the_edges_of_the_picture() -> None:
    fov = xr.Fovf(-0.9, 0.7, 0.8, -0.6)
    projection = projection_44(fov)
    for angle, axis, edge in ((-0.9, 0, -1), (0.7, 0, 1), (0.8, 1, 1), (-0.6, 1, -1)):
        point = np.array([0.0, 0.0, -1.0, 1.0])
        point[axis] = math.tan(angle)
        clip = projection @ point
        assert clip[axis] / clip[3] == pytest.approx(edge, abs=1e-5)
    for distance, depth in ((NEAR, -1), (FAR, 1)):
        clip = projection @ np.array([0, 0, -distance, 1.0])
        assert clip[2] / clip[3] == pytest.approx(depth, abs=1e-3)


def test_the_panel_hangs_before_the_eyes_and_faces_them() -> None:
    head = Pose((1.0, 1.6, 2.0), 0.9).matrix_44().astype(float)
    pose = matrix_44(hanging_pose(head))
    towards = head[:3, 3] - pose[:3, 3]
    assert np.linalg.norm(towards) == pytest.approx(DISTANCE, abs=1e-6)
    assert np.allclose(pose[:3, 2], towards / DISTANCE, atol=1e-6), "its front is its +Z"
    assert towards[1] == pytest.approx(DISTANCE * math.sin(BELOW), abs=1e-6)
    assert pose[1, 0] == pytest.approx(0.0, abs=1e-6), "level"


def follow(panel: PanelVisibility, start: float, end: float, step: float = 0.02) -> list[float]:
    return [panel.alpha(float(now)) for now in np.arange(start, end, step)]


def test_the_panel_opens_and_closes_with_a_fade() -> None:
    panel = PanelVisibility()
    assert panel.alpha(0.0) == 0
    panel.toggle(0.0)
    rising = follow(panel, 0.02, FADE_IN + 0.1)
    assert rising == sorted(rising)
    assert 0 < rising[0] < 0.5
    assert rising[-1] == 1
    panel.toggle(1.0)
    falling = follow(panel, 1.0, 1.0 + FADE_OUT + 0.1)
    assert falling[0] > 0
    assert falling[-1] == 0


def test_an_unused_panel_goes_away_and_a_used_one_stays() -> None:
    panel = PanelVisibility()
    panel.toggle(0.0)
    panel.use(UNUSED - 0.5)
    assert follow(panel, 0.0, UNUSED + 1.0)[-1] == 1
    assert follow(panel, UNUSED + 1.0, UNUSED + AWAKE + FADE_OUT + 1.0)[-1] == 0


def test_a_change_shows_a_closed_panel_for_a_moment_and_use_alone_does_not() -> None:
    panel = PanelVisibility()
    panel.use(0.0)
    assert max(follow(panel, 0.0, 1.0)) == 0
    panel.wake(1.0)
    shown = follow(panel, 1.0, 1.0 + AWAKE)
    assert shown[-1] == 1
    assert follow(panel, 1.0 + AWAKE, 2.0 + AWAKE + FADE_OUT)[-1] == 0
