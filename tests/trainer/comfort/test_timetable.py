"""When paint is painted and when it is shown: the same on every machine."""

import numpy as np
import pytest

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import TensorFrame
from artem_vr.steadiness import Steadiness
from trainer.comfort.modes import CHEATS, LIVE, SLOW, Timing
from trainer.comfort.punctual_stylizer import PunctualStylizer

EYES = stereo_views(Pose((0.0, 0.0, 0.0)), (32, 32))
STYLES = np.zeros((2, 3), np.float32)


class CountingEngine:
    """Paints in the number of its painting."""

    name, device, precision = "counting", "cpu", "u8"
    painted = 0

    def paint(self, pixels_EHWC, styles_ED):
        self.painted += 1
        return np.full_like(pixels_EHWC, self.painted)

    def close(self):
        pass


def frame(number: int) -> TensorFrame:
    return TensorFrame(number, number / 60, np.full((2, 8, 8, 3), number, np.uint8), EYES)


def shown(timing: Timing, frames: int) -> list[int]:
    """The number of the frame whose paint each frame shows, as the pipeline asks for it."""
    stylizer, found = PunctualStylizer(CountingEngine(), STYLES, timing), []
    for number in range(frames):
        revision = stylizer.submit(frame(number), STYLES)
        paint = stylizer.wait_for(frame(number), revision) if number == 0 else stylizer.latest()
        assert paint is not None and np.all(paint.painted_EHWC == 1 + paint.source.sequence // timing.every)
        found.append(paint.source.sequence)
    assert stylizer.painted_frames == stylizer.engine.painted == 1 + (frames - 1) // timing.every
    assert stylizer.painted_frames + stylizer.skipped_frames == frames
    stylizer.close()
    return found


def test_paint_is_shown_when_it_is_due_and_no_earlier():
    assert shown(Timing(1, 0), 4) == [0, 1, 2, 3]
    assert shown(LIVE, 10) == [0, 0, 0, 0, 0, 3, 3, 3, 6, 6]
    assert shown(SLOW, 31) == [0] * 20 + [10] * 10 + [20]
    assert shown(Timing(1, 3), 7) == [0, 0, 0, 0, 1, 2, 3]


def test_steadiness_paints_in_the_place_of_the_engine():
    class Watched(Steadiness):
        frames: list[int] = []  # noqa: RUF012

        def paint(self, engine, frame, styles_ED):
            self.frames.append(frame.sequence)
            return super().paint(engine, frame, styles_ED)

    steadiness = Watched(0.0)
    stylizer = PunctualStylizer(CountingEngine(), STYLES, LIVE, steadiness)
    for number in range(7):
        stylizer.submit(frame(number))
    assert steadiness.frames == [0, 3, 6]


@pytest.mark.parametrize("painter", CHEATS, ids=lambda painter: painter.name)
def test_cheats_paint_what_they_say(painter):
    pixels = np.random.default_rng(0).integers(0, 255, (2, 40, 120, 3), dtype=np.uint8)
    painted = painter.open().paint(pixels, STYLES)
    assert painted.shape == pixels.shape and painted.dtype == np.uint8 and painted is not pixels
    if painter.name == "identity":
        assert np.array_equal(painted, pixels)
    else:
        assert painted.std() < pixels.std() / 5 and abs(painted.mean() - pixels.mean()) < 3
        assert not np.array_equal(painted[0], painted[1])
