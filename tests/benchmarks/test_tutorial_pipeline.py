"""The tutorials' pipeline: every remedy leaves the picture as it was, and the camera keeps its time."""

import itertools
import time

import numpy as np
import pytest
import torch
import tutorial
from simulated_camera import NewestFrame, SimulatedCamera
from tutorial import STAGES, Step, TutorialPipeline, ladder

LADDER = ladder()


class StillCamera:
    """Every frame is the same, so that rungs can be compared."""

    def __init__(self, seed: int) -> None:
        self.picture_HWC = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), np.uint8)

    def wait(self) -> int:
        return 0

    def decode(self):
        return self.picture_HWC


def shown(step: Step) -> dict[int, np.ndarray]:
    torch.manual_seed(3)
    pipeline = TutorialPipeline(step, [StillCamera(0), StillCamera(1)], "cpu", width=4)  # type: ignore[list-item]
    try:
        milliseconds = pipeline.frame()
    finally:
        pipeline.close()
    assert set(milliseconds) == set(STAGES)
    assert milliseconds["network"] > 0
    return pipeline.shown


@pytest.mark.parametrize("step", LADDER[1:], ids=[step.key for step in LADDER[1:]])
def test_a_remedy_changes_the_time_and_not_the_picture(step: Step) -> None:
    plain, remedied = shown(LADDER[0]), shown(step)
    assert set(plain) == set(remedied) == {0, 1}
    for eye in plain:
        assert plain[eye].std() > 1
        difference = np.abs(plain[eye].astype(int) - remedied[eye])
        assert difference.mean() < (4 if step.half else 0.1)  # bf16 has eight bits
    assert not np.array_equal(remedied[0], remedied[1]), "each eye sees its own camera"


def test_each_rung_adds_one_remedy() -> None:
    for before, after in itertools.pairwise(LADDER):
        changed = [key for key in Step.__slots__ if getattr(before, key) != getattr(after, key)]
        assert sorted(changed) == sorted(["key", "title", after.key])


def test_a_camera_waits_for_frames_and_loses_those_that_nobody_read() -> None:
    camera = SimulatedCamera((32, 24), fps=50)
    first = camera.wait()
    started = time.perf_counter()
    assert camera.wait() > first
    time.sleep(0.1)
    late = camera.wait()
    assert late >= int(50 * (time.perf_counter() - started)) >= 5
    assert camera.decode().shape == (24, 32, 3)


def test_a_camera_on_a_thread_gives_no_frame_twice() -> None:
    cameras = [SimulatedCamera((32, 24), fps=200, seed=seed) for seed in (0, 1)]
    newest = NewestFrame(cameras)
    try:
        taken = [newest.read() for _ in range(3)]
    finally:
        newest.close()
    assert all(len(pictures) == 2 for pictures in taken)
    assert len({id(pictures) for pictures in taken}) == 3
    assert not np.array_equal(taken[0][0], taken[0][1])


def test_the_published_network_is_what_is_measured() -> None:
    pipeline = tutorial.TutorialPipeline(LADDER[0], [], "cpu")
    assert sum(parameter.numel() for parameter in pipeline._network.parameters()) == 1_676_035
    assert pipeline.precision == "f32"
