"""Paint that settles: it wavers less, stays sharp, gives way to what is new, and says the same to both eyes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
from carried_world import Colour, eyes_like_a_headsets, look, paint, plain, shrunk
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import BOTH, EyeView, GlFrame, PaintedFrame, Size, TensorFrame, Views
from artem_vr.paint_depth import PaintDepth
from artem_vr.paint_history import PaintHistory, share_kept
from artem_vr.ports import PaintTextures
from artem_vr.reprojection import under_texels
from artem_vr.settle_reference import Picture, settled

SIZE, NET_SIZE = (160, 176), (80, 88)
THEN, NOW = Pose((0.0, 1.6, 0.0)), Pose((0.08, 1.57, 0.05), yaw=0.03, pitch=-0.01)
Eyes = tuple[EyeView, EyeView]
Floats = NDArray[np.float64]


class Studio:
    """Paints views of the world of the wall and the box, and settles the paintings."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx, self._opened = ctx, []  # type: tuple[moderngl.Context, list[Any]]
        self.depth, self.history = PaintDepth(ctx), PaintHistory(ctx)
        self._count = 0

    def painting(
        self,
        eyes: Eyes,
        at: float = 0.0,
        views: Views = BOTH,
        colour: Colour = paint,
        revision: int = 0,
        by_depth: bool = True,
        posed: bool = True,
        has_box: bool = True,
        light: float = 1.0,
        net_size: Size = NET_SIZE,
    ) -> PaintTextures:
        seen = [look(eyes[eye], SIZE, has_box) for eye in views]
        paints = [shrunk(each.picture(colour), net_size) for each in seen]
        guides = [shrunk(each.picture(lambda *world: light * plain(*world)), net_size) for each in seen]
        texels = [
            np.dstack([each, cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY)])[::-1]
            for each, guide in zip(paints, guides, strict=True)
        ]
        texture = self._own(self._ctx.texture((net_size[0], len(views) * net_size[1]), 4, np.stack(texels).tobytes()))
        pixels = np.zeros((len(views), net_size[1], net_size[0], 3), np.uint8)
        self._count += 1
        tensor = TensorFrame(self._count, at, pixels, eyes, views, posed=posed)
        if by_depth:
            self.depth.keep(self._frame(eyes, has_box), net_size, views)
            self.depth.belongs(tensor)
        return PaintTextures(texture, PaintedFrame(tensor, pixels, revision), self.depth.of(tensor))

    def _frame(self, eyes: Eyes, has_box: bool) -> GlFrame:
        colour = self._own(self._ctx.texture(SIZE, 3))
        depths = []
        for view in eyes:
            window_depth = look(view, SIZE, has_box).depth(view)[::-1]
            depths.append(self._own(self._ctx.depth_texture(SIZE, window_depth.tobytes())))
            depths[-1].compare_func = ""
        return GlFrame(self._count, 0.0, (colour, colour), eyes, (depths[0], depths[1]))

    def settle(self, paint: PaintTextures, time_constant: float = 0.2, vote: float = 0.0) -> list[Picture]:
        return pictures(self.history.settle(paint, time_constant, vote))

    def _own(self, thing: Any) -> Any:
        self._opened.append(thing)
        return thing

    def close(self) -> None:
        self.history.close()
        self.history.close()
        self.depth.close()
        for thing in self._opened:
            thing.release()


@pytest.fixture
def studio(ctx: moderngl.Context) -> Iterator[Studio]:
    made = Studio(ctx)
    yield made
    made.close()


def pictures(paint: PaintTextures) -> list[Picture]:
    """What stands in the texture, with what is known of the world that it shows."""
    width, height = paint.size
    texels = np.frombuffer(paint.texture.read(), np.uint8).reshape(-1, height, width, 4)[:, ::-1] / 255
    found = []
    for place, view in enumerate(paint.views):
        eye = paint.frame.source.eyes[view]
        metres = np.asarray(under_texels(look(eye, SIZE).metres_HW, paint.size)) if paint.depth is not None else None
        found.append(Picture(texels[place, ..., :3], texels[place, ..., 3], eye, metres))
    return found


def off(one: Floats, other: Floats) -> float:
    """The share of pixels that differ by more than two of 255."""
    return float((np.abs(one - other).max(-1) > 2.01 / 255).mean())


def wavering(seed: int) -> Colour:
    """The paint of the world, and what a network does to it when nothing but its input's noise has changed."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 3)

    def colour(place: Floats, box: NDArray[np.bool_]) -> Floats:
        return np.asarray(paint(place, box) * 0.8 + 0.1 * np.sin(9 * place + phase))

    return colour


@pytest.mark.parametrize("eyes", [stereo_views, eyes_like_a_headsets])
@pytest.mark.parametrize("views", [(0, 1), (1,)])
@pytest.mark.parametrize(("by_depth", "posed"), [(True, True), (False, True), (False, False)])
def test_shader_and_reference_agree(studio: Studio, eyes: Callable, views: Views, by_depth: bool, posed: bool) -> None:
    options = {"views": views, "by_depth": by_depth, "posed": posed}
    first = studio.painting(eyes(THEN, SIZE), 1.0, colour=wavering(1), **options)
    second = studio.painting(eyes(NOW, SIZE), 1.1, colour=wavering(2), **options)
    keep, vote = math.exp(-0.1 / 0.2), 0.5 if views == BOTH else 0.0
    old, new = pictures(first), pictures(second)

    def others(painted: list[Picture]) -> list[Picture | None]:
        return list(reversed(painted)) if vote and by_depth else [None] * len(painted)

    after_first = [
        replace(one, paint_hwC=settled(one, None, 0.0, other, vote))
        for one, other in zip(old, others(old), strict=True)
    ]
    for found, expected in zip(studio.settle(first, vote=vote), after_first, strict=True):
        assert off(found.paint_hwC, expected.paint_hwC) < 0.005
    found = studio.settle(second, vote=vote)
    for place, other in enumerate(others(new)):
        expected_hwC = settled(new[place], after_first[place], keep, other, vote, posed)
        assert off(found[place].paint_hwC, expected_hwC) < 0.005
        assert np.array_equal(found[place].guide_hw, new[place].guide_hw)
        assert off(found[place].paint_hwC, new[place].paint_hwC) > 0.3


@pytest.mark.parametrize("by_depth", [True, False])
def test_nothing_is_done_and_nothing_remembered_where_nothing_is_asked_for(studio: Studio, by_depth: bool) -> None:
    eyes = stereo_views(THEN, SIZE)
    one, two, three = (studio.painting(eyes, 0.1 * n, colour=wavering(n), by_depth=by_depth) for n in range(3))
    studio.settle(one)
    assert studio.history.settle(two, 0.0, 0.0) is two
    assert np.array_equal(studio.settle(three)[0].paint_hwC, pictures(three)[0].paint_hwC)


def test_the_same_painting_again_is_free(studio: Studio) -> None:
    eyes = stereo_views(THEN, SIZE)
    studio.settle(studio.painting(eyes, 0.0, colour=wavering(0)))
    painting = studio.painting(eyes, 0.1, colour=wavering(1))
    once = studio.history.settle(painting, 0.2, 0.0)
    assert studio.history.settle(replace(painting), 0.2, 0.0) is once
    assert once.frame is painting.frame and once.depth is painting.depth


def in_the_middle(picture: Picture) -> Floats:
    return picture.paint_hwC[16:-16, 16:-16]


def test_what_wavers_calms_down_while_the_head_moves(studio: Studio) -> None:
    """A time constant of three pictures leaves about 0.4 of the wavering: the square root of tanh(1 / 6)."""
    errors = []
    for number in range(16):
        eyes = stereo_views(Pose((0.02 * number, 1.6, 0.0), yaw=0.004 * number), SIZE)
        seen = studio.settle(studio.painting(eyes, 0.1 * number, colour=wavering(number)), time_constant=0.3)[0]
        still = shrunk(look(eyes[0], SIZE).picture(lambda *world: 0.8 * paint(*world)), NET_SIZE) / 255
        errors.append(float(np.sqrt(np.mean(in_the_middle(replace(seen, paint_hwC=seen.paint_hwC - still)) ** 2))))
    assert errors[0] > 0.06
    assert np.mean(errors[8:]) < 0.55 * errors[0]


def test_a_lasting_change_comes_within_the_time_constant(studio: Studio) -> None:
    eyes = stereo_views(THEN, SIZE)

    def grey(level: float) -> Colour:
        return lambda place, box: np.full((*box.shape, 3), level)

    levels = []
    for number in range(40):
        level = 50 / 255 if number == 0 else 54 / 255
        painting = studio.painting(eyes, 0.05 * number, colour=grey(level))
        levels.append(255 * float(in_the_middle(studio.settle(painting, time_constant=0.5)[0]).mean()))
    for number in (1, 5, 10):
        assert levels[number] == pytest.approx(54 - 4 * math.exp(-0.1 * number), abs=0.6)
    # In bytes it would stand still five steps away.
    assert levels[-1] == pytest.approx(54)


def test_paint_stays_as_sharp_as_it_was_however_often_it_is_carried(studio: Studio) -> None:
    """Waves of five texels, ten pictures a second: bilinear filtering would leave 0.81 of them."""

    def fine(place: Floats, box: NDArray[np.bool_]) -> Floats:
        return np.asarray(0.5 + 0.4 * np.sin(14 * place[..., :1]) * np.ones(3))

    def detail(picture: Picture) -> float:
        return float(in_the_middle(picture).std())

    for number in range(15):
        eyes = stereo_views(Pose((0.013 * number, 1.6, 0.0)), SIZE)
        painting = studio.painting(eyes, 0.1 * number, colour=fine, has_box=False)
        seen = studio.settle(painting, time_constant=0.3)
    assert detail(seen[0]) > 0.88 * detail(pictures(painting)[0])


@pytest.mark.parametrize(
    "change",
    [{"revision": 1}, {"at": 1.6}, {"views": (0,)}, {"net_size": (64, 72)}, {"by_depth": False}, {"at": -0.1}],
)
def test_another_style_or_shape_or_time_has_no_past(studio: Studio, change: dict[str, Any]) -> None:
    eyes = stereo_views(THEN, SIZE)
    before = studio.painting(eyes, 0.0, colour=wavering(0))
    after = studio.painting(eyes, **{"at": 0.1, "colour": wavering(1), **change})
    assert share_kept(before, after, 0.2) == 0
    assert share_kept(before, studio.painting(eyes, 0.1), 0.2) == pytest.approx(math.exp(-0.5))
    studio.settle(before)
    for found, new in zip(studio.settle(after), pictures(after), strict=True):
        assert np.array_equal(found.paint_hwC, new.paint_hwC)


def test_nothing_of_a_thing_remains_where_it_was(studio: Studio) -> None:
    eyes = stereo_views(THEN, SIZE)

    def of_the_box(place: Floats, box: NDArray[np.bool_]) -> Floats:
        return np.where(box[..., None], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])

    studio.settle(studio.painting(eyes, 0.0, colour=of_the_box))
    found = studio.settle(studio.painting(eyes, 0.02, colour=of_the_box, has_box=False))
    for picture in found:
        assert picture.paint_hwC[..., 0].max() < 0.12  # on its outline
        assert (picture.paint_hwC[..., 0] > 0.02).mean() < 0.01


def test_another_light_has_no_past_without_depth_either(studio: Studio) -> None:
    eyes = stereo_views(THEN, SIZE)
    for by_depth in (True, False):
        for light, share in ((1.0, 0.6), (0.6, 0.05)):
            studio.history.forget()
            studio.settle(studio.painting(eyes, 0.0, colour=wavering(0), by_depth=by_depth, posed=by_depth))
            after = studio.painting(eyes, 0.02, colour=wavering(1), by_depth=by_depth, posed=by_depth, light=light)
            change = np.abs(studio.settle(after)[0].paint_hwC - pictures(after)[0].paint_hwC).mean()
            whole = np.abs(
                pictures(after)[0].paint_hwC - shrunk(look(eyes[0], SIZE).picture(wavering(0)), NET_SIZE) / 255
            )
            assert (change > share * whole.mean()) == (light == 1.0)


def test_a_vote_makes_both_eyes_agree(studio: Studio) -> None:
    eyes = stereo_views(THEN, SIZE, eye_distance=0.2)

    def another_for_each_eye(place: Floats, box: NDArray[np.bool_]) -> Floats:
        another_for_each_eye.calls += 1  # type: ignore[attr-defined]
        return wavering(another_for_each_eye.calls % 2)(place, box)  # type: ignore[attr-defined]

    another_for_each_eye.calls = 0  # type: ignore[attr-defined]
    painting = studio.painting(eyes, 0.0, colour=another_for_each_eye)

    def disagreement(seen: list[Picture]) -> float:
        left, right = seen
        borrowed = settled(left, None, 0.0, right, 1.0)
        surely = settled(
            replace(left, paint_hwC=np.zeros_like(borrowed)),
            None,
            0.0,
            replace(right, paint_hwC=np.ones_like(borrowed)),
            1.0,
        )
        both = surely[..., 0] > 0.95
        assert both.mean() > 0.5
        return float(np.abs(borrowed - left.paint_hwC)[both].mean())

    assert disagreement(studio.settle(painting, 0.0, vote=0.0)) > 0.04
    assert disagreement(studio.settle(painting, 0.0, vote=0.5)) < 0.01
