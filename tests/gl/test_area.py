import cv2
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.frame import Size
from artem_vr.gl.area import AreaFilter, shrunk_size, taps


def draw(ctx: moderngl.Context, rgb_HWC: NDArray[np.uint8], size: Size, flip: bool = False) -> NDArray[np.uint8]:
    texture = ctx.texture((rgb_HWC.shape[1], rgb_HWC.shape[0]), 3, rgb_HWC.tobytes(), alignment=1)
    framebuffer = ctx.simple_framebuffer(size)
    area = AreaFilter(ctx)
    area.draw(texture, framebuffer, (0, 0, *size), flip)
    result = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(size[1], size[0], 3)
    for item in (area, texture, framebuffer):
        item.release()
    return result


@pytest.fixture
def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (72, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(32, 36), (16, 18), (64, 72)])
def test_even_ratios_are_the_exact_area_average(ctx: moderngl.Context, noise: NDArray[np.uint8], size: Size) -> None:
    expected = cv2.resize(noise, size, interpolation=cv2.INTER_AREA)
    difference = np.abs(draw(ctx, noise, size).astype(int) - expected)
    assert difference.max() <= 1


@pytest.mark.parametrize("size", [(31, 35), (21, 24), (20, 23), (13, 15), (11, 12)])
def test_other_ratios_alias_little_even_on_noise(ctx: moderngl.Context, noise: NDArray[np.uint8], size: Size) -> None:
    def rms(image: NDArray[np.uint8]) -> float:
        return float(np.sqrt(np.mean((image.astype(float) - exact) ** 2)))

    exact = cv2.resize(noise, size, interpolation=cv2.INTER_AREA).astype(float)
    one_fetch = cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
    assert rms(draw(ctx, noise, size)) < 0.5 * rms(one_fetch)


def test_flipping_turns_the_picture_upside_down(ctx: moderngl.Context, noise: NDArray[np.uint8]) -> None:
    upright = draw(ctx, noise, (32, 36))
    assert np.array_equal(draw(ctx, noise, (32, 36), flip=True), upright[::-1])


def test_state_that_a_source_left_behind_does_not_matter(ctx: moderngl.Context, noise: NDArray[np.uint8]) -> None:
    clean = draw(ctx, noise, (32, 36))
    ctx.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
    ctx.front_face = "cw"
    try:
        assert np.array_equal(draw(ctx, noise, (32, 36)), clean)
    finally:
        ctx.front_face = "ccw"


def test_taps_cover_the_footprint_with_few_fetches() -> None:
    assert [taps(640, n) for n in (1280, 640, 320, 160)] == [1, 1, 1, 2]
    assert [taps(720, n) for n in (352, 240, 120)] == [2, 3, 3]
    assert taps(100_000, 1) == 16


@pytest.mark.parametrize(
    ("size", "inside", "expected"),
    [((1920, 1080), (640, 720), (640, 360)), ((10, 1000), (640, 720), (7, 720)), ((5000, 1), (10, 10), (10, 1))],
)
def test_pictures_are_fitted_whole(size: Size, inside: Size, expected: Size) -> None:
    assert shrunk_size(size, inside) == expected
