"""Paint of another moment: where the shaders lay it, where it belongs, and what is laid where none is known."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
from carried_moment import NET_SIZE, NOW, SIZE, THEN, Eyes, Moment
from carried_world import Image, checks, eyes_like_a_headsets

from artem_vr import reprojection
from artem_vr.camera import Pose, stereo_views
from artem_vr.compositor import Compositor
from artem_vr.frame import BOTH, Views


@pytest.fixture
def moment(ctx: moderngl.Context) -> Iterator[Callable[..., Moment]]:
    made: list[Moment] = []

    def make(then: Eyes, now: Eyes, *args: Any, **options: Any) -> Moment:
        made.append(Moment(ctx, then, now, *args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def differing(one: Image, other: Image, by: int = 2) -> np.ndarray:
    """Which pixels differ by more."""
    return np.asarray(np.abs(one.astype(int) - other).max(-1) > by)


@pytest.mark.parametrize("eyes", [stereo_views, eyes_like_a_headsets])
@pytest.mark.parametrize("views", [(0, 1), (0,), (1,)])
@pytest.mark.parametrize("by_depth", [True, False])
@pytest.mark.parametrize("upsampling", ["joint-fast", "joint"])
def test_shader_and_reference_agree(
    moment: Callable, eyes: Callable, views: Views, by_depth: bool, upsampling: str
) -> None:
    one = moment(eyes(THEN, SIZE), eyes(NOW, SIZE), views, by_depth)
    for eye in BOTH:
        drawn, expected = one.drawn(eye, upsampling), one.expected(eye, upsampling)
        own = one.painted[views.index(eye) if eye in views else 0]
        places = reprojection.carry(one.seen[eye].metres_HW, one.now[eye], own.view)
        is_seen = reprojection.seen(places, np.asarray(own.metres_hw))
        well_within = cv2.erode(is_seen.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert well_within.mean() > 0.6
        assert differing(drawn, expected)[well_within].mean() < 0.002
        # Elsewhere the search for like paint ends a texel sooner or later where the frame's luma is rounded otherwise.
        assert differing(drawn, expected, by=8).mean() < 0.005


def wrong_far_from_edges(one: Image, ideal: Image) -> float:
    """The share of pixels of the wrong colour of the checkerboard, but for a network pixel around its edges."""
    level = ideal[..., 0].astype(int)
    is_check = cv2.erode((abs(level - 128) > 100).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pixel = SIZE[0] // NET_SIZE[0]
    around = np.ones((2 * pixel + 1, 2 * pixel + 1), np.uint8)
    flat = cv2.dilate(ideal[..., 0], around) == cv2.erode(ideal[..., 0], around)
    judged = is_check & flat
    judged[[*range(24), *range(-24, 0)]] = judged[:, [*range(24), *range(-24, 0)]] = (
        False  # may not have been seen then
    )
    assert judged.mean() > 0.15
    return float(((one[..., 0] > 127) != (level > 127))[judged].mean())


@pytest.mark.parametrize("now", [Pose(THEN.position, yaw=0.06), Pose((0.15, 1.6, 0.0)), Pose((0.0, 1.6, -0.4)), NOW])
@pytest.mark.parametrize("views", [(0, 1), (0,)])
def test_paint_sticks_to_the_world(moment: Callable, now: Pose, views: Views) -> None:
    one = moment(stereo_views(THEN, SIZE), stereo_views(now, SIZE), views, colour=checks)
    for eye in BOTH:
        assert wrong_far_from_edges(one.drawn(eye), one.ideal[eye]) < 0.005
        assert wrong_far_from_edges(one.drawn(eye, carry=False), one.ideal[eye]) > 0.05


@pytest.mark.parametrize("by_depth", [True, False])
def test_a_turn_of_the_head_shifts_only_paint_that_is_not_carried(moment: Callable, by_depth: bool) -> None:
    angle = 0.05
    then, now = stereo_views(THEN, SIZE), stereo_views(Pose(THEN.position, yaw=angle), SIZE)
    one = moment(then, now, by_depth=by_depth, colour=checks, has_box=False)
    lag = np.tan(angle) * now[0].projection_44[0, 0] * SIZE[0] / 2
    assert lag > 5

    def shift(image: Image) -> float:
        middle = (slice(40, 136), slice(32, 128))
        (x, _), _ = cv2.phaseCorrelate(one.ideal[0][middle][..., 0] / 255.0, image[middle][..., 0] / 255.0)
        return float(x)

    assert abs(shift(one.drawn(0))) < SIZE[0] / NET_SIZE[0] / 2
    assert abs(abs(shift(one.drawn(0, carry=False))) - lag) < 1


def in_both_eyes(one: Moment) -> tuple[np.ndarray, np.ndarray]:
    """Points of the world that both eyes see: their pixels in the left picture, and in the right one (N, 2)."""
    place = one.seen[0].place_HW3[8:-8:3, 8:-8:3].reshape(-1, 3)
    pixels, sure = [], np.ones(len(place), bool)
    for view, seen in zip(one.now, one.seen, strict=True):
        clip = np.c_[place, np.ones(len(place))] @ (view.projection_44.astype(float) @ view.view_44).T
        u, v = (clip[:, 0] / clip[:, 3] + 1) / 2, (1 - clip[:, 1] / clip[:, 3]) / 2
        sure &= (u > 0.05) & (u < 0.95) & (v > 0.05) & (v < 0.95)
        pixel = np.c_[v * SIZE[1], u * SIZE[0]].clip(0, np.array(SIZE[::-1]) - 1).astype(int)
        sure &= np.abs(seen.metres_HW[tuple(pixel.T)] - clip[:, 3]) < 0.02 * clip[:, 3]
        pixels.append(pixel)
    assert sure.sum() > 500
    return pixels[0][sure], pixels[1][sure]


def test_both_eyes_see_the_same_paint_at_a_point_of_the_world(moment: Callable) -> None:
    """Also that of one eye alone: the right one borrows it, and would otherwise see it at another depth."""
    then, now = (stereo_views(pose, SIZE, eye_distance=0.4) for pose in (THEN, NOW))
    one = moment(then, now, (0,))
    left, right = in_both_eyes(one)

    def disagreement(**options: Any) -> float:
        colours = [one.drawn(eye, **options)[tuple(at.T)].astype(int) for eye, at in enumerate((left, right))]
        return float(np.median(np.abs(colours[0] - colours[1])))

    assert disagreement() < 4
    assert disagreement(carry=False) > 15


def red_box(place: np.ndarray, box: np.ndarray) -> np.ndarray:
    return np.where(box[..., None], [0.9, 0.1, 0.1], [0.1, 0.2, 0.9])


def flat(place: np.ndarray, box: np.ndarray) -> np.ndarray:
    """All of the same luma: nothing but distance tells the box from the wall."""
    return np.full((*box.shape, 3), 0.5)


@pytest.mark.parametrize("look_alike", [False, True])
@pytest.mark.parametrize("views", [(0, 1), (0,)])
def test_what_was_hidden_behind_the_box_is_painted_like_the_wall(
    moment: Callable, monkeypatch: pytest.MonkeyPatch, views: Views, look_alike: bool
) -> None:
    if look_alike:
        monkeypatch.setattr("carried_moment.plain", flat)
        monkeypatch.setattr("carried_world.plain", flat)
    one = moment(stereo_views(THEN, SIZE), stereo_views(Pose((0.5, 1.6, 0.0)), SIZE), views, colour=red_box)
    for eye in BOTH:
        drawn, box = one.drawn(eye).astype(int), one.seen[eye].box_HW
        uncarried = one.drawn(eye, carry=False).astype(int)
        wall = cv2.erode((~box).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        inside = cv2.erode(box.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        is_red = drawn[..., 0] > drawn[..., 2]
        assert is_red[wall].mean() < 0.002 and is_red[inside].mean() > 0.99
        assert (uncarried[..., 0] > uncarried[..., 2])[wall].mean() > 0.02


def test_nothing_changes_for_paint_of_the_very_picture_or_without_poses(moment: Callable) -> None:
    one = moment(stereo_views(THEN, SIZE), stereo_views(NOW, SIZE))
    frame = one.frame
    in_place = one.drawn(0, carry=False)
    assert differing(one.drawn(0), in_place).mean() > 0.5
    one.frame = replace(frame, sequence=one.paint.frame.source.sequence)
    assert np.array_equal(one.drawn(0), in_place)
    one.frame = replace(frame, depth=None)
    assert np.array_equal(one.drawn(0), in_place)


def test_one_part_can_be_carried_and_another_not(ctx: moderngl.Context, moment: Callable) -> None:
    one = moment(stereo_views(THEN, SIZE), stereo_views(NOW, SIZE))
    framebuffer, compositor = ctx.simple_framebuffer(SIZE), Compositor(ctx, "joint-fast")
    half = SIZE[0] // 2
    for carry, left in ((True, 0), (False, half)):
        within = left, 0, half, SIZE[1]
        compositor.draw(one.frame, one.paint, 1.0, 1, framebuffer, (0, 0, *SIZE), carry=carry, within=within)
    pixels = np.frombuffer(framebuffer.read(components=3), np.uint8).reshape(*SIZE[::-1], 3)[::-1]
    assert np.array_equal(pixels[:, :half], one.drawn(1)[:, :half])
    assert np.array_equal(pixels[:, half:], one.drawn(1, carry=False)[:, half:])
    compositor.close()
    framebuffer.release()
