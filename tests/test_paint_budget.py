"""The budget between a pipeline and its governor: which pictures are handed over, and how large."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from artem_vr.errors import EngineError
from artem_vr.frame import GlFrame, PaintedFrame, Size, TensorFrame
from artem_vr.paint_budget import PaintBudget
from artem_vr.paint_choice import Choice


class ScriptedGovernor:
    """Chooses what it is told to."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.next: Choice | None = None
        self.told: list[tuple[Any, ...]] = []

    def frame_shown(self, *told: Any) -> Choice:
        self.told.append(told)
        self.choice, self.next = self.next or self.choice, None
        return self.choice


class SizedBridge:
    """Only has a size, and eyes that it gives."""

    views: tuple[int, ...] = (0, 1)

    def __init__(self, net_size: Size) -> None:
        self.net_size = net_size
        self.resized: list[Size] = []

    def resize(self, net_size: Size) -> None:
        self.net_size = net_size
        self.resized.append(net_size)


@pytest.fixture
def governor() -> ScriptedGovernor:
    return ScriptedGovernor(Choice((32, 48), 1, "as started"))


@pytest.fixture
def frames(make_gl_frame: Callable[..., GlFrame]) -> list[GlFrame]:
    image = np.zeros((8, 8, 3), np.uint8)
    return [make_gl_frame(image, image, sequence=number) for number in range(8)]


def handed(budget: PaintBudget, bridge: SizedBridge, frames: list[GlFrame]) -> list[tuple[int, bool]]:
    return [(budget.picture(frame, bridge).sequence, budget.is_due) for frame in frames]


def test_every_frame_is_handed_over_unless_there_is_a_cadence(
    governor: ScriptedGovernor, frames: list[GlFrame]
) -> None:
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    assert handed(budget, bridge, frames[:3]) == [(0, True), (1, True), (2, True)]
    assert not bridge.resized


def test_between_two_the_one_before_is_asked_for_again(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    governor.choice = Choice((32, 48), 3, "less often")
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    assert handed(budget, bridge, frames[:7]) == [
        (0, True), (0, False), (0, False), (3, True), (3, False), (3, False), (6, True)
    ]  # fmt: skip


def test_another_size_takes_the_next_frame_at_once(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    governor.choice = Choice((32, 48), 3, "less often")
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    handed(budget, bridge, frames[:2])
    governor.choice = Choice((16, 24), 2, "smaller")
    assert handed(budget, bridge, frames[2:5]) == [(2, True), (2, False), (4, True)]
    assert bridge.resized == [(16, 24)]


def test_another_cadence_counts_from_the_next_frame(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    governor.choice = Choice((32, 48), 3, "less often")
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    handed(budget, bridge, frames[:1])
    governor.next = Choice((32, 48), 2, "more often")
    budget.frame_shown(0.0, 1.0, None)
    assert handed(budget, bridge, frames[1:4]) == [(1, True), (1, False), (3, True)]
    assert budget.report()["changes"] == [{"seconds": 0.0, "net_size": [32, 48], "cadence": 2, "reason": "more often"}]


def test_a_painting_is_told_once_with_its_own_size(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    budget = PaintBudget(governor, 20.0)
    source = TensorFrame(0, 0.0, np.zeros((2, 24, 16, 3), np.uint8), frames[0].eyes)
    painted = PaintedFrame(source, source.pixels_EHWC, 0, milliseconds=7.0)
    budget.frame_shown(1.0, 3.0, None)
    budget.frame_shown(2.0, 4.0, painted)
    budget.frame_shown(3.0, 5.0, painted)
    assert governor.told == [(1.0, 3.0), (2.0, 4.0, 7.0, (16, 24)), (3.0, 5.0)]


def test_foveated_pictures_are_smaller_and_are_told_as_what_was_chosen(
    governor: ScriptedGovernor, frames: list[GlFrame]
) -> None:
    budget, bridge = PaintBudget(governor, 60.0), SizedBridge((64, 96))
    governor.choice = Choice((128, 192), 1, "as started")
    assert budget.periphery(2, eyes=2) == 2
    budget.picture(frames[0], bridge)
    assert bridge.net_size == (64, 96)
    for number, (size, told) in enumerate([((64, 96), (128, 192)), ((128, 192), (256, 384))]):
        pixels = np.zeros((4, size[1], size[0], 3), np.uint8)
        source = TensorFrame(number, 0.0, pixels, frames[0].eyes)
        budget.frame_shown(float(number), 5.0, PaintedFrame(source, pixels, 0, 7.0))
        assert governor.told[-1] == (float(number), 5.0, 7.0, told)
    governor.next = Choice((64, 96), 1, "smaller")
    budget.frame_shown(3.0, 5.0, None)
    assert budget.report()["changes"][-1]["net_size"] == [32, 48], "as it is painted"
    governor.choice = Choice((128, 192), 1, "larger")
    assert budget.periphery(1, eyes=2) == 1
    budget.picture(frames[1], bridge)
    assert bridge.net_size == (128, 192)
    budget.close()


def test_pictures_stay_as_they_are_until_the_engine_is_ready_for_foveated_ones(
    governor: ScriptedGovernor, frames: list[GlFrame]
) -> None:
    gate, prepared = threading.Event(), []

    def prepare(size: Size, count: int) -> None:
        assert gate.wait(10)
        prepared.append((size, count))

    budget, bridge = PaintBudget(governor, 20.0, prepare), SizedBridge((32, 48))
    assert budget.periphery(1, eyes=1) == 1
    for frame in frames[:3]:
        assert budget.periphery(2, eyes=1) == 1
        budget.picture(frame, bridge)
    assert not bridge.resized
    gate.set()
    budget.close()
    assert prepared == [((16, 24), 2)]
    assert budget.periphery(2, eyes=1) == 2
    bridge.views = (0, 0)
    budget.picture(frames[3], bridge)
    assert bridge.resized == [(16, 24)], "in the very frame in which there are more"


def test_what_the_run_began_with_is_ready(governor: ScriptedGovernor) -> None:
    budget = PaintBudget(governor, 20.0, lambda size, count: None)
    assert budget.periphery(4, eyes=2) == 4
    budget.close()


def test_foveated_pictures_that_the_engine_cannot_paint_are_given_up_once(
    governor: ScriptedGovernor, frames: list[GlFrame], caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def prepare(size: Size, count: int) -> None:
        tried.append((size, count))
        raise EngineError("no memory left")

    budget, bridge = PaintBudget(governor, 20.0, prepare), SizedBridge((32, 48))
    budget.periphery(1, eyes=2)
    budget.periphery(2, eyes=2)
    budget._thread.submit(lambda: None).result(10)  # it has failed by now
    for frame in frames[:4]:
        assert budget.periphery(2, eyes=2) == 1
        budget.picture(frame, bridge)
    assert tried == [((16, 24), 4)]
    assert len(caplog.records) == 1
    budget.close()


def test_the_report_and_the_line_for_people(governor: ScriptedGovernor) -> None:
    governor.choice = Choice((32, 48), 2, "less often")
    budget = PaintBudget(governor, 20.0)
    assert budget.text == "painting 32x48 at every 2nd frame"
    assert budget.report() == {
        "target_fps": 20.0, "net_size": [32, 48], "cadence": 2, "reason": "less often", "changes": []
    }  # fmt: skip


def test_pictures_keep_their_size_until_the_engine_is_ready_for_another(
    governor: ScriptedGovernor, frames: list[GlFrame]
) -> None:
    gate, prepared = threading.Event(), []

    def prepare(size: Size, count: int) -> None:
        assert gate.wait(10)
        prepared.append((size, count))

    budget, bridge = PaintBudget(governor, 20.0, prepare), SizedBridge((32, 48))
    assert handed(budget, bridge, frames[:1]) == [(0, True)]
    governor.choice = Choice((16, 24), 1, "smaller")
    assert handed(budget, bridge, frames[1:4]) == [(1, True), (2, True), (3, True)]
    assert not bridge.resized
    gate.set()
    budget.close()
    assert prepared == [((16, 24), 2)], "once, although it was wanted for three frames"
    assert handed(budget, bridge, frames[4:5]) == [(4, True)]
    assert bridge.resized == [(16, 24)]


def test_a_size_that_the_engine_cannot_paint_is_given_up(
    governor: ScriptedGovernor, frames: list[GlFrame], caplog: pytest.LogCaptureFixture
) -> None:
    def prepare(size: Size, count: int) -> None:
        raise EngineError("no memory left")

    before, refused = governor.choice, []

    def refuse(size: Size) -> None:
        refused.append(size)
        governor.choice = before

    governor.refuse = refuse  # type: ignore[attr-defined]
    budget, bridge = PaintBudget(governor, 20.0, prepare), SizedBridge((32, 48))
    governor.choice = Choice((64, 96), 1, "larger")
    budget.picture(frames[0], bridge)
    budget.close()  # it has failed by now
    assert handed(budget, bridge, frames[1:3]) == [(1, True), (2, True)]
    assert refused == [(64, 96)]
    assert not bridge.resized
    assert [record.getMessage() for record in caplog.records] == ["pictures stay as they are: no memory left"]


def test_until_then_the_size_that_is_painted_is_told(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    gate = threading.Event()
    budget, bridge = PaintBudget(governor, 20.0, lambda size, count: gate.wait(10) and None), SizedBridge((32, 48))
    governor.choice = Choice((64, 96), 1, "larger")
    budget.picture(frames[0], bridge)
    assert budget.text == "painting 32x48 at every frame"
    assert budget.report()["net_size"] == [32, 48]
    gate.set()
    budget.close()


def test_a_standing_picture_has_its_turn_as_seldom(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    governor.choice = Choice((32, 48), 3, "less often")
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    assert [due for _, due in handed(budget, bridge, [frames[0]] * 6)] == [True, False, False, True, False, False]


def test_other_eyes_take_the_next_frame_at_once(governor: ScriptedGovernor, frames: list[GlFrame]) -> None:
    """The one handed out before would be fetched anew, and its textures hold a newer picture by now."""
    governor.choice = Choice((32, 48), 3, "less often")
    budget, bridge = PaintBudget(governor, 20.0), SizedBridge((32, 48))
    assert handed(budget, bridge, frames[:2]) == [(0, True), (0, False)]
    bridge.views = (0,)
    assert handed(budget, bridge, frames[2:4]) == [(2, True), (2, False)]
