"""What settles of a stereo pair: the other eye counts by the depth that was found, and the past by place alone."""

import gc
import math
from collections.abc import Iterator
from dataclasses import replace

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.frame import BOTH, PaintedFrame, TensorFrame
from artem_vr.paint_depth import PaintDepth
from artem_vr.paint_history import PaintHistory, share_kept
from artem_vr.ports import PaintTextures
from artem_vr.reprojection import MOST_SLACK, block_slack
from artem_vr.settle_reference import Picture, settled
from artem_vr.stereo_matching import UNKNOWN, laid_out, nominal_eyes

WIDTH, HEIGHT = SIZE = (48, 40)
Floats = NDArray[np.float64]


def distances(seed: int = 0) -> NDArray[np.float32]:
    """A slanted wall and a square in front of it, as both eyes see them, with holes of all shapes in between."""
    column = np.tile(np.arange(WIDTH), (HEIGHT, 1))
    disparity = np.stack([0.05 + 0.002 * column, 0.05 + 0.002 * (column + 3)]).astype(np.float32)
    disparity[0, 10:30, 16:30] = disparity[1, 10:30, 10:24] = 0.125
    random = np.random.default_rng(seed)
    disparity[random.random(disparity.shape) < 0.04] = np.nan
    disparity[0, :, :3] = disparity[1, :, -3:] = disparity[0, 12:28, 11:16] = disparity[1, 33:, 20:30] = np.nan
    return laid_out(disparity, SIZE, SIZE, None)


class Studio:
    """Paints noise, with the luma of a ramp, for pairs with these distances."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx, self._textures = ctx, []  # type: tuple[moderngl.Context, list[moderngl.Texture]]
        self.depth, self.history = PaintDepth(ctx), PaintHistory(ctx)

    def painting(self, seed: int, at: float, by_depth: bool = True, light: int = 0) -> PaintTextures:
        texels = np.random.default_rng(seed).integers(0, 256, (2, HEIGHT, WIDTH, 4), np.uint8)
        # Cameras that differ in exposure; and in one corner the light changes.
        texels[..., 3] = 60 + np.arange(WIDTH) + np.array([0, 40])[:, None, None]
        texels[:, :10, :10, 3] += light
        texture = self._ctx.texture((WIDTH, 2 * HEIGHT), 4, np.ascontiguousarray(texels[:, ::-1]).tobytes())
        self._textures.append(texture)
        tensor = TensorFrame(seed, at, np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), (), posed=False)  # type: ignore[arg-type]
        if by_depth:
            self.depth.know(tensor, distances(seed))
        return PaintTextures(texture, PaintedFrame(tensor, tensor.pixels_EHWC, 0), self.depth.of(tensor))

    def settle(self, paint: PaintTextures, time_constant: float, vote: float) -> list[Floats]:
        return [each.paint_hwC for each in pictures(self.history.settle(paint, time_constant, vote))]

    def close(self) -> None:
        self.history.close()
        self.depth.close()
        for texture in self._textures:
            texture.release()


@pytest.fixture
def studio(ctx: moderngl.Context) -> Iterator[Studio]:
    made = Studio(ctx)
    yield made
    made.close()


def pictures(paint: PaintTextures) -> list[Picture]:
    texels = np.frombuffer(paint.texture.read(), np.uint8).reshape(2, HEIGHT, WIDTH, 4)[:, ::-1] / 255
    metres = distances(paint.frame.source.sequence).astype(np.float64) if paint.depth is not None else [None, None]
    return [Picture(texels[eye, ..., :3], texels[eye, ..., 3], nominal_eyes()[eye], metres[eye]) for eye in BOTH]


def assert_alike(one: Floats, other: Floats) -> None:
    """As good as the same: noise is painted, and what is in the same row of both pictures may round to the one below.

    Beside holes that makes a difference, for there two blocks are of different slack.
    """
    difference = np.abs(one - other).max(-1)
    assert difference.mean() < 0.8 / 255
    assert (difference > 2.01 / 255).mean() < 0.05


def test_shader_and_reference_agree(studio: Studio) -> None:
    first, second = studio.painting(1, 1.0), studio.painting(2, 1.1, light=40)
    keep = math.exp(-0.1 / 0.2)
    old, new = pictures(first), pictures(second)
    before = [
        replace(one, paint_hwC=settled(one, None, 0.0, other, 0.5, posed=False))
        for one, other in zip(old, old[::-1], strict=True)
    ]
    for found, expected, plain in zip(studio.settle(first, 0.2, 0.5), before, old, strict=True):
        assert_alike(found, expected.paint_hwC)
        assert np.abs(found - plain.paint_hwC).mean() > 0.08
    after = [settled(new[eye], before[eye], keep, new[1 - eye], 0.5, posed=False) for eye in BOTH]
    for found, expected_hwC in zip(studio.settle(second, 0.2, 0.5), after, strict=True):
        assert_alike(found, expected_hwC)


def test_what_is_not_known_keeps_its_own_paint_and_nobody_else_takes_it(studio: Studio) -> None:
    painting = studio.painting(1, 1.0)
    plain = [each.paint_hwC for each in pictures(painting)]
    unknown = distances(1) == UNKNOWN
    assert 0.05 < unknown.mean() < 0.3
    for found, own, none in zip(studio.settle(painting, 0.0, 0.5), plain, unknown, strict=True):
        assert np.abs(found - own)[none].max() < 0.6 / 255
        assert np.median(np.abs(found - own).max(-1)[~none]) > 0.08
    # Were all of it unknown in one eye, the other one would find nothing there.
    alone = studio.painting(3, 2.0, by_depth=False)
    half = distances(3)
    half[1] = UNKNOWN
    studio.depth.know(alone.frame.source, half)
    alone = replace(alone, depth=studio.depth.of(alone.frame.source))
    for found, own in zip(studio.settle(alone, 0.0, 0.5), [each.paint_hwC for each in pictures(alone)], strict=True):
        assert np.abs(found - own).max() < 1.01 / 255


def test_the_past_is_what_was_at_the_place_whatever_is_known_of_depth(studio: Studio) -> None:
    first, second = studio.painting(1, 1.0), studio.painting(2, 1.1, light=40)
    plain = [studio.painting(seed, at, by_depth=False, light=light) for seed, at, light in ((1, 1.0, 0), (2, 1.1, 40))]
    studio.settle(plain[0], 0.2, 0.0)
    expected = studio.settle(plain[1], 0.2, 0.0)
    studio.history.forget()
    studio.settle(first, 0.2, 0.0)
    for found, without in zip(studio.settle(second, 0.2, 0.0), expected, strict=True):
        np.testing.assert_array_equal(found, without)
        assert np.abs(found - pictures(second)[0].paint_hwC).mean() > 0.05
    for before, paint in ((first, plain[1]), (plain[0], second)):
        assert share_kept(before, paint, 0.2) == pytest.approx(math.exp(-0.5))


def test_distances_that_are_told_live_as_long_as_their_picture(studio: Studio) -> None:
    tensors = [TensorFrame(n, 0.0, np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), ()) for n in range(2)]  # type: ignore[arg-type]
    for tensor in tensors:
        studio.depth.know(tensor, distances(tensor.sequence))
    studio.depth.know(tensors[1], distances(5))  # it is known already
    for tensor in tensors:
        texture = studio.depth.of(tensor)
        assert texture is not None
        found = np.frombuffer(texture.read(), np.float32).reshape(2, HEIGHT, WIDTH, 4)[:, ::-1]
        metres = distances(tensor.sequence)
        np.testing.assert_allclose(found[..., 0], metres, rtol=1e-4)
        slack = np.ascontiguousarray(found[..., 0]).view(np.int32) & 255
        expected = [block_slack(each[::-1].astype(np.float64))[::-1] for each in metres]
        assert (np.abs(slack * MOST_SLACK / 255 - expected) > 1.01 * MOST_SLACK / 255).mean() < 0.001
    glo = texture.glo
    del tensor, tensors[1]
    gc.collect()
    newer = TensorFrame(9, 0.0, np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), ())  # type: ignore[arg-type]
    studio.depth.know(newer, distances(9))
    again = studio.depth.of(newer)
    assert again is not None and again.glo == glo
