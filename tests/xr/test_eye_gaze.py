"""How the gaze is asked of a runtime, of one that is pretended: what it is told, and what it may refuse."""

import ctypes
import logging
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("OpenGL.GL", reason="PyOpenGL does not load")

from artem_vr import doctor
from artem_vr.displays.openxr.connection import Connection
from artem_vr.frame import EyeView
from artem_vr.xr import probe
from artem_vr.xr.action_set import ActionSet
from artem_vr.xr.eye_gaze import POSE, PROFILE
from artem_vr.xr.library import xr
from artem_vr.xr.pose import matrix_44, tilted_pose
from artem_vr.xr.runtime import EYE_GAZE, Runtime
from artem_vr.xr.session import Frame

KNOWN = 0b1111
"""Orientation and position, both valid and tracked."""
FRAME = Frame(123_000, 11_000, True)


class PretendedRuntime:
    """Takes the place of OpenXR's calls for actions and spaces, and remembers them in `calls`, in order.

    `refuses` holds the calls that fail, and how. `pose` and `flags` are where the gaze is located.
    """

    instance, extensions, handle, focused = "instance", frozenset({EYE_GAZE}), "session", True

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tracks_eyes: bool = True) -> None:
        self.tracks_eyes = tracks_eyes
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.refuses: dict[str, Exception] = {}
        self.pose, self.flags = tilted_pose(np.array([0.0, 1.6, 0.0]), 0.0, 0.0), KNOWN
        answers = {
            "create_action_set": lambda instance, info: xr.ActionSet(),
            "create_action": lambda action_set, info: xr.Action(),
            "suggest_interaction_profile_bindings": lambda instance, bindings: None,
            "attach_session_action_sets": lambda session, info: None,
            "create_action_space": lambda session, info: xr.Space(),
            "locate_space": lambda space, base, time: xr.SpaceLocation(self.flags, self.pose),
            "destroy_space": lambda space: None,
            "destroy_action_set": lambda action_set: None,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(xr, name, self._call(name, answer))
        self.paths: list[str] = []
        monkeypatch.setattr(xr, "string_to_path", lambda instance, path: self.paths.append(path) or len(self.paths))

    def _call(self, name: str, answer: Any) -> Any:
        def called(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            if name in self.refuses:
                raise self.refuses[name]
            return answer(*arguments)

        return called

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for called, arguments in self.calls if called == name]

    def actions(self) -> Any:
        return ActionSet(self, self, profiles=())  # type: ignore[arg-type]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> PretendedRuntime:
    return PretendedRuntime(monkeypatch)


def test_the_gaze_is_a_pose_of_the_one_set_that_is_attached_once(runtime: PretendedRuntime) -> None:
    actions = runtime.actions()
    assert actions.eye_gaze is not None
    [pose] = [info for _, info in runtime.of("create_action") if info.action_type == xr.ActionType.POSE_INPUT.value]
    assert pose.count_subaction_paths == 0
    [(_, suggested)] = runtime.of("suggest_interaction_profile_bindings")
    assert runtime.paths[suggested.interaction_profile - 1] == PROFILE
    assert suggested.count_suggested_bindings == 1
    assert runtime.paths[suggested.suggested_bindings[0].binding - 1] == POSE
    [(_, attached)] = runtime.of("attach_session_action_sets")
    assert attached.count_action_sets == 1
    names = runtime.names()
    assert names.index("suggest_interaction_profile_bindings") < names.index("attach_session_action_sets")


def test_where_no_eyes_are_tracked_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = PretendedRuntime(monkeypatch, tracks_eyes=False)
    assert runtime.actions().eye_gaze is None
    assert not runtime.of("suggest_interaction_profile_bindings")
    assert len(runtime.of("attach_session_action_sets")) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("suggest_interaction_profile_bindings", xr.PathUnsupportedError()),
        ("create_action_space", xr.RuntimeFailureError()),
    ],
)
def test_a_refusal_is_one_quiet_line_and_the_session_goes_on(
    runtime: PretendedRuntime, caplog: pytest.LogCaptureFixture, call: str, error: Exception
) -> None:
    runtime.refuses[call] = error
    with caplog.at_level(logging.DEBUG, "artem_vr"):
        actions = runtime.actions()
    assert actions.eye_gaze is None
    assert len(runtime.of("attach_session_action_sets")) == 1
    [record] = caplog.records
    assert (record.levelno, "\n" in record.message) == (logging.DEBUG, False)
    actions.close()


def test_the_gaze_looks_along_minus_z_at_the_time_that_the_frame_is_seen(runtime: PretendedRuntime) -> None:
    gaze = runtime.actions().eye_gaze
    runtime.pose = tilted_pose(np.array([3.0, 1.0, 2.0]), np.pi / 2, 0.0)  # a quarter to the left
    assert np.allclose(gaze.direction_3(FRAME, "floor"), (-1, 0, 0), atol=1e-6)
    runtime.pose = tilted_pose(np.array([3.0, 1.0, 2.0]), 0.0, np.pi / 6)  # up
    assert np.allclose(gaze.direction_3(FRAME, "floor"), (0, 0.5, -np.sqrt(0.75)), atol=1e-6)
    assert all((base, time) == ("floor", FRAME.time) for _, base, time in runtime.of("locate_space"))


@pytest.mark.parametrize("missing", [0b0001, 0b0010, 0b0100, 0b1000, 0b1111])
def test_a_gaze_that_is_guessed_or_unknown_is_none(runtime: PretendedRuntime, missing: int) -> None:
    gaze = runtime.actions().eye_gaze
    runtime.flags = KNOWN & ~missing
    assert gaze.direction_3(FRAME, "floor") is None
    runtime.flags = KNOWN
    assert gaze.direction_3(FRAME, "floor") is not None, "and it may come back"


def test_a_runtime_that_fails_to_locate_it_is_not_asked_again(
    runtime: PretendedRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    gaze = runtime.actions().eye_gaze
    runtime.refuses["locate_space"] = xr.RuntimeFailureError()
    with caplog.at_level(logging.DEBUG, "artem_vr"):
        assert [gaze.direction_3(FRAME, "floor") for _ in range(3)] == [None] * 3
    assert len(runtime.of("locate_space")) == len(runtime.of("destroy_space")) == len(caplog.records) == 1


@pytest.mark.parametrize("loss", [xr.SessionLostError, xr.InstanceLostError, xr.SessionLossPending])
def test_a_session_that_is_lost_says_so_here_too(runtime: PretendedRuntime, loss: type[Exception]) -> None:
    gaze = runtime.actions().eye_gaze
    runtime.refuses["locate_space"] = loss()
    with pytest.raises(loss):
        gaze.direction_3(FRAME, "floor")


def test_the_space_goes_before_its_action_and_only_once(runtime: PretendedRuntime) -> None:
    actions = runtime.actions()
    actions.close()
    actions.close()
    assert [name for name in runtime.names() if name.startswith("destroy")] == ["destroy_space", "destroy_action_set"]


def _connected(runtime: PretendedRuntime, world_44: np.ndarray) -> tuple[Connection, Any]:
    """A session with eyes that look along the world's X; its picture reaches 45 degrees to every side."""
    connection = object.__new__(Connection)
    connection.controllers, connection.session = runtime.actions(), runtime  # type: ignore[assignment]
    connection.space = SimpleNamespace(handle="floor", world_44=world_44)  # type: ignore[assignment]
    turn = tilted_pose(np.zeros(3), -np.pi / 2, 0.0)
    projection = np.zeros((4, 4), np.float32)
    projection[0, 0] = projection[1, 1] = 1.0
    projection[2, 2:], projection[3, 2] = (-1.0, -0.1), -1.0
    eye = EyeView(np.linalg.inv(matrix_44(turn)).astype(np.float32), projection)
    return connection, SimpleNamespace(eyes=(eye, eye))


def test_the_gaze_turns_with_the_place_that_the_person_has_in_the_world(runtime: PretendedRuntime) -> None:
    world_44 = np.array([[0.0, 0, -1, 5], [0, 1, 0, 0], [1, 0, 0, -7], [0, 0, 0, 1]])  # the room's -Z is the world's X
    connection, located = _connected(runtime, world_44)
    assert connection.gaze(FRAME, located) == (pytest.approx((0.5, 0.5)), pytest.approx((0.5, 0.5)))
    runtime.pose = tilted_pose(np.array([0.0, 1.6, 0.0]), -np.arctan(0.5), 0.0)  # to the right
    assert connection.gaze(FRAME, located) == (pytest.approx((0.75, 0.5)), pytest.approx((0.75, 0.5)))


def test_nobody_looks_over_the_shoulder_of_another_application(runtime: PretendedRuntime) -> None:
    connection, located = _connected(runtime, np.array([[0.0, 0, -1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]))
    runtime.focused = False  # type: ignore[misc]
    assert connection.gaze(FRAME, located) is None
    assert not runtime.of("locate_space")


@pytest.mark.parametrize(("supports", "result"), [(1, 0), (0, 0), (1, -2)])
def test_the_headset_is_asked_for_its_eye_tracker_in_the_chain(
    monkeypatch: pytest.MonkeyPatch, supports: int, result: int
) -> None:
    def answer(instance: Any, system: Any, pointer: Any) -> Any:
        properties = ctypes.cast(pointer, ctypes.POINTER(xr.SystemProperties)).contents
        chained = ctypes.cast(properties.next, ctypes.POINTER(xr.SystemEyeGazeInteractionPropertiesEXT)).contents
        assert chained.type == xr.StructureType.SYSTEM_EYE_GAZE_INTERACTION_PROPERTIES_EXT
        chained.supports_eye_gaze_interaction = supports
        return xr.Result(result)

    monkeypatch.setattr(xr.raw_functions, "xrGetSystemProperties", answer)
    runtime = object.__new__(Runtime)
    runtime.instance, runtime.system = xr.Instance(), xr.SystemId(1)
    assert runtime._has_eye_tracker() is (supports == 1 and result == 0)


@pytest.mark.parametrize(("tracks", "said"), [(True, "320x240, tracked"), (False, "320x240, not tracked")])
def test_the_doctor_says_whether_the_headset_tracks_eyes(
    monkeypatch: pytest.MonkeyPatch, tracks: bool, said: str
) -> None:
    found = probe.Headset("Monado", "25", "Remote", (320, 240), (EYE_GAZE,), (EYE_GAZE,), tracks)
    monkeypatch.setattr(probe, "probe", lambda: found)
    [finding] = [finding for finding in doctor._headset() if finding.name == "headset"]
    assert said in finding.detail
    assert (finding.area, finding.status) == ("OpenXR", "ok")
