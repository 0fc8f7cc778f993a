import cv2
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.frame import Size
from artem_vr.gl.area import AreaFilter, shrunk_size, taps
from artem_vr.gl.framebuffer import release_framebuffer


def draw(
    ctx: moderngl.Context,
    rgb_HWC: NDArray[np.uint8],
    size: Size,
    flip: bool = False,
    content: tuple[int, int, int, int] | None = None,
) -> NDArray[np.uint8]:
    texture = ctx.texture((rgb_HWC.shape[1], rgb_HWC.shape[0]), 3, rgb_HWC.tobytes(), alignment=1)
    framebuffer = ctx.simple_framebuffer(size)
    area = AreaFilter(ctx)
    area.draw(texture, framebuffer, (0, 0, *size), flip, content)
    result = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(size[1], size[0], 3)
    for item in (area, texture):
        item.release()
    release_framebuffer(framebuffer)
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


@pytest.mark.parametrize("content", [(0, 18, 64, 36), (10, 0, 20, 72), (0, 30, 64, 8), (31, 35, 1, 1)])
@pytest.mark.parametrize("flip", [False, True])
def test_around_the_content_stands_its_mirror_image(
    ctx: moderngl.Context, noise: NDArray[np.uint8], content: tuple[int, int, int, int], flip: bool
) -> None:
    x, y, width, height = content
    inside = noise[y : y + height, x : x + width]
    sides = ((y, 72 - y - height), (x, 64 - x - width), (0, 0))
    expected = np.pad(inside, sides, mode="symmetric")
    assert np.array_equal(draw(ctx, noise, (64, 72), flip, content), expected[::-1] if flip else expected)
    halved = cv2.resize(expected, (32, 36), interpolation=cv2.INTER_AREA)
    if x % 2 == y % 2 == 0:  # then no fetch lies across the content's edge
        difference = draw(ctx, noise, (32, 36), flip, content).astype(int) - (halved[::-1] if flip else halved)
        assert np.abs(difference).max() <= 1


def test_nothing_from_outside_the_content_is_fetched(ctx: moderngl.Context) -> None:
    barred = np.zeros((72, 64, 3), np.uint8)
    barred[17:54] = 200
    for size in ((64, 72), (32, 36), (31, 35), (21, 23), (100, 90)):
        assert np.all(draw(ctx, barred, size, content=(0, 17, 64, 37)) == 200)


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
