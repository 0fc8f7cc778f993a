from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.brightness import NO_VEIL, Veil, mean_luma
from artem_vr.compositor import Compositor
from artem_vr.compositor_reference import composite
from artem_vr.errors import UsageError
from artem_vr.frame import GlFrame, PaintedFrame, Size, TensorFrame
from artem_vr.gl.context import is_software
from artem_vr.ports import PaintTextures

VARIANTS: tuple[Any, ...] = ("joint", "joint-fast", "bilinear")
Image = NDArray[np.uint8]
RECOLOUR = np.array([[0.1, 0.7, 0.2], [-0.6, 0.2, 0.6], [0.8, -0.7, 0.3]])


def poster(size: Size, seed: int = 3) -> Image:
    """Flat shapes whose edges lie across the pixel grid, at every angle; antialiased."""
    random, fine = np.random.default_rng(seed), 4
    image = np.full((size[1] * fine, size[0] * fine, 3), (60, 90, 140), np.uint8)
    extent = np.array(size) * fine
    for number in range(24):
        color = random.integers(20, 240, 3).tolist()
        corners = (random.uniform(size=(3, 2)) * extent).astype(np.int32)
        if number % 2:
            cv2.fillPoly(image, [corners], color)
        else:
            cv2.circle(image, corners[0].tolist(), int(random.uniform(0.03, 0.2) * extent[0]), color, -1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def recoloured(image: Image) -> Image:
    """A stand-in for paint: every colour turned into quite another."""
    return np.rint((image / 255 @ RECOLOUR.T + [0.0, 0.4, 0.3]).clip(0, 1) * 255).astype(np.uint8)


def shrunk(image: Image, size: Size) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.fixture
def make_paint(ctx: moderngl.Context, make_gl_frame: Callable) -> Iterator[Callable[..., PaintTextures]]:
    textures: list[moderngl.Texture] = []

    def make(frame: GlFrame, paints: tuple[Image, Image], guides: tuple[Image, Image]) -> PaintTextures:
        height, width = guides[0].shape
        halves = [np.dstack([paint, guide])[::-1] for paint, guide in zip(paints, guides, strict=True)]
        textures.append(ctx.texture((width, 2 * height), 4, np.concatenate(halves).tobytes()))
        nothing = np.zeros((2, height, width, 3), np.uint8)
        tensor = TensorFrame(frame.sequence, frame.captured_at, nothing, frame.eyes)
        return PaintTextures(textures[-1], PaintedFrame(tensor, nothing, revision=0))

    yield make
    for texture in textures:
        texture.release()


class Scene:
    """A frame for each eye, its paint, and what the compositor makes of them."""

    def __init__(
        self, ctx: moderngl.Context, make_gl_frame: Callable, make_paint: Callable, size: Size, net_size: Size
    ) -> None:
        self._ctx = ctx
        self.pictures = poster(size, seed=3), poster(size, seed=4)
        small = [shrunk(picture, net_size) for picture in self.pictures]
        self.paints = recoloured(small[0]), recoloured(small[1])
        self.guides = grey(small[0]), grey(small[1])
        self.frame = make_gl_frame(*self.pictures)
        self.paint = make_paint(self.frame, self.paints, self.guides)

    def drawn(
        self,
        upsampling: Any,
        eye: int = 0,
        strength: float = 1.0,
        painted: bool = True,
        size: Size | None = None,
        veil: Veil = NO_VEIL,
    ) -> Image:
        width, height = size or self.frame.color[0].size
        framebuffer = self._ctx.simple_framebuffer((width, height))
        compositor = Compositor(self._ctx, upsampling)
        viewport = 0, 0, width, height
        compositor.draw(self.frame, self.paint if painted else None, strength, eye, framebuffer, viewport, veil)
        pixels = np.frombuffer(framebuffer.read(components=3, alignment=1), np.uint8).reshape(height, width, 3)
        compositor.close()
        framebuffer.release()
        return pixels[::-1]


@pytest.fixture
def make_scene(ctx: moderngl.Context, make_gl_frame: Callable, make_paint: Callable) -> Callable[..., Scene]:
    return lambda size, net_size: Scene(ctx, make_gl_frame, make_paint, size, net_size)


@pytest.mark.parametrize("upsampling", VARIANTS)
@pytest.mark.parametrize(("size", "net_size"), [((128, 144), (64, 72)), ((150, 101), (48, 36)), ((40, 40), (40, 40))])
def test_shader_and_reference_agree(make_scene: Callable, upsampling: Any, size: Size, net_size: Size) -> None:
    scene = make_scene(size, net_size)
    for eye, strength in ((0, 1.0), (1, 0.6)):
        expected = composite(scene.pictures[eye], scene.paints[eye], scene.guides[eye], strength, upsampling)
        difference = np.abs(scene.drawn(upsampling, eye, strength).astype(int) - expected)
        assert difference.max() <= 2


@pytest.mark.parametrize(("upsampling", "at_most"), [("joint", 0.62), ("joint-fast", 0.62)])
def test_edges_are_sharper_than_with_bilinear_upscaling(make_scene: Callable, upsampling: Any, at_most: float) -> None:
    """The error near edges, against the picture recoloured at full resolution, falls to about 0.55 of bilinear's."""
    scene = make_scene((320, 360), (160, 176))
    ideal = recoloured(scene.pictures[0]).astype(float)
    steps = cv2.morphologyEx(scene.pictures[0], cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2) > 8
    near_edges = cv2.dilate(steps.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert 0.05 < near_edges.mean() < 0.6

    def error(image: Image) -> float:
        return float(np.sqrt(np.mean((image - ideal)[near_edges] ** 2)))

    assert error(scene.drawn(upsampling)) < at_most * error(scene.drawn("bilinear"))


@pytest.mark.parametrize("upsampling", VARIANTS)
@pytest.mark.parametrize("veil", [Veil(0.0, 0.3), Veil(1.0, 0.6)])
def test_shader_and_reference_agree_on_the_veil(make_scene: Callable, upsampling: Any, veil: Veil) -> None:
    scene = make_scene((128, 144), (64, 72))
    for eye, strength in ((0, 1.0), (1, 0.6)):
        expected = composite(scene.pictures[eye], scene.paints[eye], scene.guides[eye], strength, upsampling, veil)
        difference = np.abs(scene.drawn(upsampling, eye, strength, veil=veil).astype(int) - expected)
        assert difference.max() <= 2
        # Every pixel goes the same share of its way, and the mean with them.
        luma = mean_luma(scene.drawn(upsampling, eye, strength)[None])
        veiled = mean_luma(scene.drawn(upsampling, eye, strength, veil=veil)[None])
        assert abs(veiled - (luma + veil.amount * (veil.level - luma))) < 0.5 / 255


@pytest.mark.parametrize("veil", [Veil(0.0, 0.3), Veil(1.0, 0.6), Veil(0.0, 1.0), Veil(1.0, 1.0)])
def test_the_veil_lies_over_the_plain_picture_and_the_ground_too(make_scene: Callable, veil: Veil) -> None:
    scene = make_scene((64, 72), (32, 36))

    def behind_it(image: Image) -> NDArray[np.float64]:
        return image + veil.amount * (veil.level * 255 - image)

    plain = scene.drawn("joint-fast", painted=False, veil=veil)
    assert np.abs(plain - behind_it(scene.pictures[0])).max() <= 0.51
    scene.frame = replace(scene.frame, content=(3, 20, 58, 30))
    expected = behind_it(scene.drawn("joint-fast"))
    # Once more half a step, for what is compared with was rounded already.
    assert np.abs(scene.drawn("joint-fast", veil=veil) - expected).max() <= 1.01


@pytest.mark.parametrize("painted", [True, False])
def test_no_veil_leaves_nothing_of_one_that_was_there(
    ctx: moderngl.Context, make_scene: Callable, painted: bool
) -> None:
    scene = make_scene((64, 72), (32, 36))
    framebuffer, compositor = ctx.simple_framebuffer((64, 72)), Compositor(ctx, "joint-fast")
    seen = []
    for veil in (NO_VEIL, Veil(0.0, 0.5), NO_VEIL):
        paint = scene.paint if painted else None
        compositor.draw(scene.frame, paint, 1.0, 0, framebuffer, (0, 0, 64, 72), veil)
        seen.append(framebuffer.read(components=3))
    assert seen[0] == seen[2] != seen[1]
    compositor.close()
    framebuffer.release()


@pytest.mark.parametrize("upsampling", VARIANTS)
def test_flat_paint_stays_as_it_is(
    ctx: moderngl.Context, make_gl_frame: Callable, make_paint: Callable, upsampling: Any
) -> None:
    scene = Scene(ctx, make_gl_frame, make_paint, (64, 72), (32, 36))
    flat = np.full((36, 32, 3), (200, 120, 40), np.uint8)
    scene.paint = make_paint(scene.frame, (flat, flat), scene.guides)
    assert np.abs(scene.drawn(upsampling).astype(int) - (200, 120, 40)).max() <= 1


@pytest.mark.parametrize("upsampling", VARIANTS)
def test_no_eye_sees_the_others_paint(
    ctx: moderngl.Context, make_gl_frame: Callable, make_paint: Callable, upsampling: Any
) -> None:
    scene = Scene(ctx, make_gl_frame, make_paint, (64, 72), (32, 36))
    black, white = np.zeros((36, 32, 3), np.uint8), np.full((36, 32, 3), 255, np.uint8)
    scene.paint = make_paint(scene.frame, (black, white), scene.guides)
    assert scene.drawn(upsampling, eye=0).max() == 0
    assert scene.drawn(upsampling, eye=1).min() == 255


@pytest.mark.parametrize("upsampling", VARIANTS)
@pytest.mark.parametrize("views", [(0,), (1,)])
def test_both_eyes_see_the_only_picture_that_there_is(
    ctx: moderngl.Context, make_scene: Callable, upsampling: Any, views: tuple[int, ...]
) -> None:
    scene = make_scene((64, 72), (32, 36))
    expected = [composite(picture, scene.paints[0], scene.guides[0], 1.0, upsampling) for picture in scene.pictures]
    lower = scene.paint.texture.read()[: 32 * 36 * 4]
    texture = ctx.texture((32, 36), 4, lower)
    painted = replace(scene.paint.frame, source=replace(scene.paint.frame.source, views=views))
    scene.paint = PaintTextures(texture, painted)
    for eye in (0, 1):
        assert np.abs(scene.drawn(upsampling, eye).astype(int) - expected[eye]).max() <= 2
    texture.release()


@pytest.mark.parametrize("upsampling", VARIANTS)
def test_only_a_part_is_drawn_where_that_is_asked_for(
    ctx: moderngl.Context, make_scene: Callable, upsampling: Any
) -> None:
    scene = make_scene((64, 72), (32, 36))
    scene.frame = replace(scene.frame, content=(3, 20, 58, 30))
    framebuffer, compositor = ctx.simple_framebuffer((64, 72)), Compositor(ctx, upsampling)
    for within in ((0, 0, 32, 40), (40, 60, 24, 12)):  # the latter is on the ground alone
        framebuffer.clear(1.0, 0.0, 1.0, 1.0)
        compositor.draw(scene.frame, scene.paint, 1.0, 0, framebuffer, (0, 0, 64, 72), within=within)
        pixels = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(72, 64, 3)[::-1]
        expected = np.full_like(pixels, (255, 0, 255))
        part = slice(72 - within[1] - within[3], 72 - within[1]), slice(within[0], within[0] + within[2])
        expected[part] = scene.drawn(upsampling)[part]
        assert np.array_equal(pixels, expected)
    compositor.close()
    framebuffer.release()


@pytest.mark.parametrize("upsampling", VARIANTS)
def test_the_ground_around_a_picture_stays_plain(make_scene: Callable, upsampling: Any) -> None:
    scene = make_scene((64, 72), (32, 36))
    whole = [scene.drawn(upsampling, eye) for eye in (0, 1)]
    scene.frame = replace(scene.frame, content=(3, 20, 58, 30))  # from below: rows 22 to 52 from the top
    for eye in (0, 1):
        expected = scene.pictures[eye].copy()
        expected[22:52, 3:61] = whole[eye][22:52, 3:61]
        assert np.array_equal(scene.drawn(upsampling, eye), expected)
    doubled = scene.drawn(upsampling, size=(128, 144))
    scene.frame = replace(scene.frame, content=None)
    assert np.array_equal(doubled[44:104, 6:122], scene.drawn(upsampling, size=(128, 144))[44:104, 6:122])
    assert np.array_equal(doubled[:44], scene.drawn(upsampling, size=(128, 144), painted=False)[:44])


@pytest.mark.parametrize(("painted", "strength"), [(False, 1.0), (True, 0.0)])
@pytest.mark.parametrize("eye", [0, 1])
def test_without_paint_or_strength_the_frame_is_untouched(
    make_scene: Callable, painted: bool, strength: float, eye: int
) -> None:
    scene = make_scene((64, 72), (32, 36))
    assert np.array_equal(scene.drawn("joint-fast", eye, strength, painted), scene.pictures[eye])


def test_strength_mixes_evenly(make_scene: Callable) -> None:
    scene = make_scene((64, 72), (32, 36))
    half = scene.drawn("joint-fast", strength=0.5).astype(int)
    between = (scene.pictures[0].astype(int) + scene.drawn("joint-fast")) / 2
    assert np.abs(half - between).max() <= 1


def test_a_target_of_another_size_is_filled(make_scene: Callable) -> None:
    scene = make_scene((64, 72), (32, 36))
    larger = scene.drawn("joint-fast", size=(128, 144))
    assert np.abs(shrunk(larger, (64, 72)).astype(int) - scene.drawn("joint-fast")).mean() < 6


def test_only_the_viewport_is_drawn(ctx: moderngl.Context, make_scene: Callable) -> None:
    scene = make_scene((64, 72), (32, 36))
    framebuffer = ctx.simple_framebuffer((128, 72))
    framebuffer.clear(1.0, 0.0, 1.0, 1.0)
    compositor = Compositor(ctx, "joint")
    compositor.draw(scene.frame, scene.paint, 1.0, 1, framebuffer, (64, 0, 64, 72))
    framebuffer.viewport = (0, 0, 128, 72)
    pixels = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(72, 128, 3)
    assert np.all(pixels[:, :64] == (255, 0, 255))
    assert np.array_equal(pixels[::-1, 64:], scene.drawn("joint", eye=1))
    compositor.close()
    framebuffer.release()


def test_the_cheap_variant_is_for_software(ctx: moderngl.Context) -> None:
    compositor = Compositor(ctx)
    assert compositor.upsampling == ("joint-fast" if is_software(ctx) else "joint")
    compositor.close()
    compositor.close()


def test_an_unknown_upsampling_is_refused(ctx: moderngl.Context) -> None:
    with pytest.raises(UsageError, match="did you mean joint"):
        Compositor(ctx, "jiont")  # type: ignore[arg-type]
