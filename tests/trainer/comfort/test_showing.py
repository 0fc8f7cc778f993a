"""Recordings go through the pipeline of live runs, and each mode's settings are in force there."""

import numpy as np
import pytest
from pink import pink_picture, shifted

from artem_vr.camera import EYE_DISTANCE, FAR, NEAR, Pose, stereo_views
from artem_vr.styles import StyleBank
from trainer.comfort.measurement import measure_motion
from trainer.comfort.modes import MODES
from trainer.comfort.pairs import pairs_by_depth
from trainer.comfort.recording import Recording, View
from trainer.comfort.showing import Shown, show

SIDE, FRAMES, WALL = 96, 8, 2.0


class UnevenEngine:
    """Paints the left eye brighter and the right one darker."""

    name, device, precision = "uneven", "cpu", "u8"

    def __init__(self):
        self.batches = []

    def paint(self, pixels_EHWC, styles_ED):
        assert len(styles_ED) == len(pixels_EHWC)
        self.batches.append(len(pixels_EHWC))
        change = np.array([40, -40][: len(pixels_EHWC)])[:, None, None, None]
        return (pixels_EHWC + change).clip(0, 255).astype(np.uint8)

    def close(self):
        pass


@pytest.fixture(scope="module")
def wall() -> Recording:
    """A wall two metres ahead that nothing happens to, as both eyes see it."""
    eyes = stereo_views(Pose((0.0, 0.0, 0.0)), (SIDE, SIDE))
    disparity = float(eyes[0].projection_44[0, 0]) * SIDE / 2 * EYE_DISTANCE / WALL
    picture = pink_picture(side=SIDE)
    both = np.stack([picture, shifted(picture, -disparity, 0)])
    depth = FAR / (FAR - NEAR) * (1 - NEAR / WALL)  # of the usual projection
    view = View(np.rint(255 * both).clip(0, 255).astype(np.uint8), eyes, np.full((2, SIDE, SIDE), depth, np.float32))
    return Recording([view] * FRAMES, 60.0)


@pytest.fixture(autouse=True)
def _needs_opengl(shared_ctx) -> None:
    """Skips where there is none."""


def shown(recording: Recording, mode: str, engine: UnevenEngine) -> list[Shown]:
    return [*show(recording, engine, StyleBank.load(), "", MODES[mode])]


def test_the_depth_of_the_wall_is_its_distance(wall):
    assert wall.views[0].distance(0) == pytest.approx(WALL, rel=1e-4)


def test_frames_come_as_they_were_recorded_with_the_paint_that_is_in_them(wall):
    frames = shown(wall, "alone", UnevenEngine())
    assert [each.paint.source.sequence for each in frames] == [*range(FRAMES)]
    source = wall.views[0].rgb_EHWC.astype(float)
    for each in frames:
        assert each.rgb_EHWC.shape == (2, SIDE, SIDE, 3) and each.rgb_EHWC.dtype == np.uint8
        assert np.array_equal(each.paint.source.pixels_EHWC, wall.views[0].rgb_EHWC)
        change = (each.rgb_EHWC - source).mean((1, 2, 3))
        assert change == pytest.approx([40, -40], abs=4)  # less where bytes end


def test_eyes_that_are_painted_unlike_agree_where_they_share_and_where_one_is_painted_for_both(wall):
    pairs = pairs_by_depth(wall, 1, 3, 3)
    errors, batches = {}, {}
    for mode in ("plain", "carried", "shared", "one"):
        engine = UnevenEngine()
        errors[mode] = measure_motion([each.rgb_EHWC for each in shown(wall, mode, engine)], pairs).stereo.error
        batches[mode] = {*engine.batches}
    assert min(errors["plain"], errors["carried"]) > 0.25
    assert max(errors["shared"], errors["one"]) < 0.05
    assert batches == {"plain": {2}, "carried": {2}, "shared": {2}, "one": {1}}
