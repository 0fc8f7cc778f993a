"""Cuts against all that is none: turning, noise, light, and what comes into view."""

import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.scene_cut import is_cut, sparse, thumbnail

HEIGHT, WIDTH = 160, 144
MARGIN = 32
TURN = round(5 / 90 * WIDTH)
"""Pixels in a twentieth of a second of a turn by 100 degrees a second, with a field of view of 90 degrees."""


def scene(seed: int) -> NDArray[np.float64]:
    """A random scene, larger than the view: large and small shapes, as bright and as colourful as photographs."""
    random = np.random.default_rng(seed)
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    picture = np.empty((height, width, 3))
    picture[:] = random.uniform(40, 215, 3)
    for size in (90, 60, 40, 40, 25, 25, 25, 15, 15, 15, 15, 15):
        top, left = random.integers(-size // 2, height), random.integers(-size // 2, width)
        picture[max(top, 0) : top + size, max(left, 0) : left + size] = random.uniform(0, 255, 3)
    return picture


def view(scene_HWC: NDArray[np.float64], right: int = 0, down: int = 0, noise: float = 6.0, seed: int = 0) -> NDArray:
    top, left = MARGIN + down, MARGIN + right
    seen = scene_HWC[top : top + HEIGHT, left : left + WIDTH]
    return (seen + np.random.default_rng(seed).normal(0, noise, seen.shape)).clip(0, 255).astype(np.uint8)


def cut_between(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    return is_cut(thumbnail(sparse(before)), thumbnail(sparse(after)))


SCENES = range(20)


@pytest.mark.parametrize("seed", SCENES)
def test_another_scene_is_a_cut(seed: int) -> None:
    assert cut_between(view(scene(seed)), view(scene(seed + 100), seed=1))


@pytest.mark.parametrize("seed", SCENES)
def test_the_same_scene_is_none(seed: int) -> None:
    same, first = scene(seed), view(scene(seed))
    for right, down in ((TURN, 0), (-TURN, 0), (0, TURN), (TURN, -TURN), (2 * TURN, 3)):
        assert not cut_between(first, view(same, right, down, seed=1)), (right, down)
    assert not cut_between(first, view(1.05 * same + 2, seed=1))  # the camera finds another exposure
    lit = same.copy()
    lit[MARGIN + 20 : MARGIN + 80, MARGIN + 90 : MARGIN + 135] = 255  # an eighth of the view turns white at once
    assert not cut_between(first, view(lit, seed=1))


def test_noise_in_the_dark_is_none() -> None:
    dark = np.full((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3), 4.0)
    for seed in range(20):
        assert not cut_between(view(dark, noise=12, seed=seed), view(dark, noise=12, seed=seed + 1))
    assert cut_between(view(dark), view(scene(3)))


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (63, 129), (64, 48), (352, 320), (480, 640)])
def test_a_thumbnail_is_coarse_whatever_the_size(size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), (10, 100, 200), np.uint8)
    coarse = thumbnail(sparse(pixels))
    assert coarse.dtype == np.float32 and max(coarse.shape[:2]) <= 16 and min(coarse.shape[:2]) >= 8
    assert np.array_equal(coarse, np.broadcast_to(np.float32([10, 100, 200]), coarse.shape))
    assert not is_cut(coarse, coarse)
    assert is_cut(coarse, thumbnail(sparse(255 - pixels)))
