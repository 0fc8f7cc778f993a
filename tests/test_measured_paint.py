"""Paint that is shown when its brightness is known."""

import numpy as np
import pytest

from artem_vr.brightness import mean_luma
from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import PaintedFrame, TensorFrame
from artem_vr.measured_paint import MeasuredPaint
from artem_vr.ports import PaintTextures


@pytest.fixture
def measured(ctx):
    made = MeasuredPaint(ctx)
    yield made
    made.close()


def paint(ctx, pixels_EHWC: np.ndarray) -> PaintTextures:
    count, height, width, _ = pixels_EHWC.shape
    alpha = np.full((count * height, width, 1), 7, np.uint8)  # the guide, which is no part of what is seen
    rgba = np.concatenate([pixels_EHWC.reshape(count * height, width, 3), alpha], 2)
    texture = ctx.texture((width, count * height), 4, rgba.tobytes())
    eyes = stereo_views(Pose((0.0, 0.0, 0.0)), (width, height))
    return PaintTextures(texture, PaintedFrame(TensorFrame(0, 0.0, pixels_EHWC, eyes), pixels_EHWC, 0))


def test_new_paint_comes_a_call_later_with_its_own_brightness(ctx, measured) -> None:
    random = np.random.default_rng(0)
    dark, light = (paint(ctx, random.integers(low, low + 100, (2, 64, 48, 3), np.uint8)) for low in (0, 150))
    assert measured.newest(dark) is None
    assert measured.luma is None
    assert measured.newest(dark) is dark
    assert measured.luma == pytest.approx(mean_luma(dark.frame.painted_EHWC), abs=1 / 255)
    assert measured.newest(light) is dark, "nobody knows yet how bright it is"
    assert measured.luma == pytest.approx(mean_luma(dark.frame.painted_EHWC), abs=1 / 255)
    assert measured.newest(light) is light
    assert measured.luma == pytest.approx(mean_luma(light.frame.painted_EHWC), abs=1 / 255)


def test_what_is_known_comes_at_once_and_another_size_is_measured_too(ctx, measured) -> None:
    known, other = (paint(ctx, np.full((count, 32, 40, 3), 90, np.uint8)) for count in (2, 1))
    assert measured.newest(other) is None
    assert measured.newest(known, is_known=True) is known
    assert measured.luma is None
    assert measured.newest(other) is None, "what was under way is forgotten"
    assert measured.newest(other) is other
    assert measured.luma == pytest.approx(90 / 255, abs=1 / 255)
