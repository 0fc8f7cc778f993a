"""The brightness limiter by its numbers alone, without a picture."""

import weakref

import numpy as np
import pytest
import torch

from artem_vr.brightness import (
    GROUND_LUMA,
    LUMA,
    MAX_STEP,
    NO_VEIL,
    PAUSE,
    PER_SECOND,
    BrightnessLimiter,
    LumaMeter,
    Veil,
    mean_colours,
    mean_luma,
)
from artem_vr.frame import HostFrame
from artem_vr.gl.upload import FrameUploader

FRAME = 1 / 72
BLACK_VEIL = Veil(0.0, 1.0)


def shown(luma: float, veil: Veil) -> float:
    """The mean luma of a picture behind a veil."""
    assert veil.level in (0.0, 1.0) and 0.0 <= veil.amount <= 1.0
    return luma + veil.amount * (veil.level - luma)


def test_mean_luma_is_that_of_the_weights() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    assert mean_luma(pixels) == pytest.approx((pixels @ [0.299, 0.587, 0.114]).mean() / 255)
    assert mean_luma(pixels[:, ::2, ::3]) == pytest.approx((pixels[:, ::2, ::3] @ [0.299, 0.587, 0.114]).mean() / 255)
    assert mean_luma(np.full((1, 4, 4, 3), 255, np.uint8)) == pytest.approx(1.0)


def test_a_meter_reads_an_array_once() -> None:
    meter, grey = LumaMeter(), np.full((2, 4, 4, 3), 51, np.uint8)
    assert meter.read(grey) == pytest.approx(0.2)
    grey[:] = 102
    assert meter.read(grey) == pytest.approx(0.2)
    assert meter.read(grey.copy()) == pytest.approx(0.4)


class OnDevice:
    """Pixels that are read some time later, as those on a GPU are."""

    def __init__(self, luma: float) -> None:
        self.luma, self.is_read = luma, False

    def reading(self) -> float | None:
        return self.luma if self.is_read else None


def test_a_meter_does_not_wait_for_a_device_and_gives_the_newest_value_there_is() -> None:
    meter = LumaMeter(unread=0.5, start=lambda pixels: pixels.reading)
    first, second, third = OnDevice(0.1), OnDevice(0.2), OnDevice(0.3)
    assert meter.read(first) == 0.5
    first.is_read = True
    assert meter.read(second) == 0.1  # and the reading of the second begins
    assert meter.read(third) == 0.1  # which goes on, whatever is newer
    second.is_read = True
    assert meter.read(third) == 0.2
    third.is_read = True
    assert meter.read(third) == 0.3


def test_a_meter_holds_pixels_until_they_are_read_and_no_longer() -> None:
    meter, pixels = LumaMeter(start=lambda pixels: pixels.reading), OnDevice(0.1)
    seen = weakref.ref(pixels)
    meter.read(pixels)
    reading = pixels
    del pixels
    assert seen() is not None
    reading.is_read = True
    del reading
    newer = OnDevice(0.2)
    newer.is_read = True
    assert meter.read(newer) == 0.2
    assert seen() is None


def test_tensors_are_read_as_arrays_are() -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (2, 20, 30, 4), dtype=np.uint8)
    pixels = torch.from_numpy(rgba)[..., :3]
    assert LumaMeter().read(pixels) == pytest.approx(mean_luma(rgba[..., :3]))
    assert (mean_colours(pixels) @ torch.tensor(LUMA)).item() == pytest.approx(mean_luma(rgba[..., :3]))


@pytest.mark.gpu
def test_a_tensor_on_a_gpu_is_read_in_time() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    meter, grey = LumaMeter(), torch.full((2, 8, 8, 3), 51, dtype=torch.uint8, device="cuda")
    meter.read(grey)
    torch.cuda.synchronize()
    assert meter.read(grey) == pytest.approx(0.2)


def test_the_first_picture_fades_in_and_arrives() -> None:
    limiter = BrightnessLimiter()
    assert limiter.veil(0.4, 10.0) == BLACK_VEIL
    seen = [shown(0.4, limiter.veil(0.4, 10.0 + frame * FRAME)) for frame in range(1, 72)]
    np.testing.assert_allclose(seen[:40], PER_SECOND * FRAME * np.arange(1, 41))
    assert limiter.veil(0.4, 11.0) is NO_VEIL
    assert limiter.veil(0.4 + 0.5 * PER_SECOND * FRAME, 11.0 + FRAME) is NO_VEIL  # slow changes are left alone


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.9), (0.9, 0.1), (0.0, 1.0), (1.0, 0.0)])
def test_a_leap_becomes_a_ramp_of_exactly_that_mean(before: float, after: float) -> None:
    limiter = BrightnessLimiter(per_second=2.0, start=before)
    assert limiter.veil(before, 0.0) is NO_VEIL
    way = np.sign(after - before)
    seen = [shown(after, limiter.veil(after, (frame + 1) / 100)) for frame in range(50)]
    expected = before + way * np.minimum(0.02 * np.arange(1, 51), abs(after - before))
    np.testing.assert_allclose(seen, expected, atol=1e-9)
    assert limiter.veil(after, 1.0) is NO_VEIL


def test_after_a_pause_the_picture_comes_out_of_the_dark_again() -> None:
    limiter = BrightnessLimiter(start=0.8)
    limiter.veil(0.8, 0.0)
    assert shown(0.8, limiter.veil(0.8, PAUSE + 0.1)) == pytest.approx(MAX_STEP)


def test_what_a_turn_of_the_head_changes_is_free_and_no_more() -> None:
    limiter = BrightnessLimiter(start=0.2)
    limiter.veil(0.2, 0.0)
    assert limiter.veil(0.6, 0.01, turned=0.4) == NO_VEIL
    assert shown(0.1, limiter.veil(0.1, 0.02, turned=0.2)) == pytest.approx(0.4 - PER_SECOND * 0.01)


def test_a_late_frame_is_no_leap() -> None:
    limiter = BrightnessLimiter(start=0.2)
    limiter.veil(0.2, 0.0)
    assert shown(0.9, limiter.veil(0.9, 2.0)) == pytest.approx(0.2 + MAX_STEP)
    assert shown(0.0, limiter.veil(0.0, 4.0)) == pytest.approx(0.2)
    assert shown(0.9, limiter.veil(0.9, 3.0)) == pytest.approx(0.2)  # nor is a clock that goes back


def test_the_clear_view_is_clear_at_once_and_goes_on_from_there() -> None:
    limiter = BrightnessLimiter()
    limiter.veil(0.3, 0.0)
    assert limiter.veil(0.8, FRAME, clear=True) is NO_VEIL
    assert limiter.veil(0.7, 2 * FRAME, clear=True) is NO_VEIL
    assert shown(0.3, limiter.veil(0.3, 3 * FRAME)) == pytest.approx(0.7 - PER_SECOND * FRAME)


def test_the_dark_is_kept_and_gone_to_slowly() -> None:
    limiter = BrightnessLimiter()
    assert all(limiter.veil(luma, frame * FRAME, dark=True) == BLACK_VEIL for frame, luma in enumerate((0.5, 0.9, 0.1)))
    limiter = BrightnessLimiter(start=0.5)
    limiter.veil(0.5, 0.0)
    assert shown(0.5, limiter.veil(0.5, FRAME, dark=True)) == pytest.approx(0.5 - PER_SECOND * FRAME)


def relative_luminance(luma: np.ndarray) -> np.ndarray:
    """Of a grey of that sRGB value."""
    return np.where(luma > 0.04045, ((luma + 0.055) / 1.055) ** 2.4, luma / 12.92)


def flashes(luminances: np.ndarray) -> int:
    """Pairs of opposing changes of 10 % or more with the darker one below 80 %, as WCAG counts them."""
    changes, way = 0, 0
    low = high = luminances[0]
    for value in luminances:
        low, high = min(low, value), max(high, value)
        if way <= 0 and value - low >= 0.1 and low < 0.8:
            changes, way, low, high = changes + 1, 1, value, value
        elif way >= 0 and high - value >= 0.1 and value < 0.8:
            changes, way, low, high = changes + 1, -1, value, value
    return changes // 2


@pytest.mark.parametrize(("rate", "safe"), [(PER_SECOND, True), (1.5, False), (1e9, False)])
def test_no_strobe_gets_through_at_the_chosen_rate(rate: float, safe: bool) -> None:
    most = 0
    for hertz in (2, 3, 3.5, 4, 5, 6, 8, 12, 18, 36):
        limiter, seen = BrightnessLimiter(rate, start=0.45), []
        for frame in range(4 * 72):
            luma = float(int(2 * hertz * frame * FRAME) % 2)
            seen.append(shown(luma, limiter.veil(luma, frame * FRAME)))
        luminances = relative_luminance(np.array(seen))
        most = max(most, *(flashes(luminances[start : start + 72]) for start in range(3 * 72)))
    assert (most <= 3) is safe


def test_the_ground_is_as_bright_as_it_is_taken_for(ctx, eyes) -> None:
    uploader = FrameUploader(ctx)
    frame = uploader.upload(HostFrame(0, 0.0, np.zeros((1, 8, 64, 3), np.uint8), eyes), (64, 64))
    row = np.frombuffer(frame.color[0].read(), np.uint8).reshape(64, 64, 4)[:1, :, :3]
    assert abs(mean_luma(row[None]) - GROUND_LUMA) < 1 / 255
    uploader.close()
