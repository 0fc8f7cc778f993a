import time

import moderngl
import numpy as np
import pytest

from artem_vr.camera import EYE_DISTANCE, Pose
from artem_vr.displays import headless
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import UsageError
from artem_vr.ports import Action

SIZE = (64, 36)


def straight(seconds: float) -> Pose:
    """One metre a second along the X axis."""
    return Pose((seconds, 1.6, 0.0))


def test_simulated_time_is_even_whatever_the_machine_does() -> None:
    display = HeadlessDisplay(SIZE, straight, frames=5, fps=24)
    times = []
    while request := display.begin_frame():
        times.append(request.time)
        time.sleep(0.003 * len(times))
    display.close()
    assert np.allclose(np.diff(times), 1 / 24)
    assert len(times) == 5


def test_the_eyes_follow_the_path() -> None:
    display = HeadlessDisplay(SIZE, straight, frames=3, fps=2)
    for seconds in (0.0, 0.5, 1.0):
        request = display.begin_frame()
        assert request is not None
        positions = [np.linalg.inv(eye.view_44)[:3, 3] for eye in request.eyes]
        assert np.allclose(np.mean(positions, axis=0), (seconds, 1.6, 0.0), atol=1e-5)
        assert np.allclose(positions[1] - positions[0], (EYE_DISTANCE, 0, 0), atol=1e-5)
    display.close()


def test_without_a_rate_time_is_real() -> None:
    display = HeadlessDisplay(SIZE, straight, frames=2)
    before = time.monotonic()
    first = display.begin_frame()
    time.sleep(0.02)
    second = display.begin_frame()
    after = time.monotonic()
    display.close()
    assert first is not None
    assert second is not None
    assert before <= first.time < second.time <= after
    assert second.time - first.time >= 0.02


def test_the_script_plays_its_actions_at_their_frames() -> None:
    script = {1: [Action.NEXT_STYLE, Action.MORE], 3: [Action.QUIT], 4: [Action.HELP]}
    display = HeadlessDisplay(SIZE, straight, script=script)
    seen = []
    while display.begin_frame():
        seen.append(display.actions())
    display.close()
    assert seen == [[], [Action.NEXT_STYLE, Action.MORE], [], [Action.QUIT]]


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 0"):
        HeadlessDisplay(SIZE, straight, fps=0)


def test_a_failed_opening_gives_the_context_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[moderngl.Context] = []
    create = headless.create_headless_context

    def remembered() -> moderngl.Context:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(headless, "create_headless_context", remembered)
    with pytest.raises(UsageError):
        HeadlessDisplay((1, 1), straight)
    assert type(made[0].mglo).__name__ == "InvalidObject"
