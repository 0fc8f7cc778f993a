"""Foveated paint on the display: the finer picture over the coarser one, as it was made and carried."""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
from carried_moment import NET_SIZE, NOW, SIZE, THEN, Eyes, Moment
from carried_world import Image, eyes_like_a_headsets
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.foveation import Points, pictures, window_at
from artem_vr.frame import BOTH, Views
from artem_vr.reprojection import Floats

AHEAD: Points = ((0.5, 0.5), (0.5, 0.5))
ASIDE: Points = ((0.4, 0.5), (0.6, 0.5))
ELSEWHERE: Points = ((0.3, 0.75), (0.35, 0.75))
MakeMoment = Callable[..., Moment]


@pytest.fixture
def moment(ctx: moderngl.Context) -> Iterator[MakeMoment]:
    made: list[Moment] = []

    def make(then: Eyes, now: Eyes, eyes: Views = BOTH, scales: int = 2, points: Points = ASIDE, **more: Any) -> Moment:
        views, windows = pictures(eyes, points, scales)
        made.append(Moment(ctx, then, now, views, windows=windows, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def differing(one: Image, other: Image, by: int) -> float:
    """The share of pixels that differ by more."""
    return float((np.abs(one.astype(int) - other).max(-1) > by).mean())


def pixels_of(window: tuple[float, ...]) -> tuple[slice, slice]:
    """The rows and columns of a full picture that lie in a window."""
    left, low, across, up = window
    rows = slice(round((1 - low - up) * SIZE[1]), round((1 - low) * SIZE[1]))
    return rows, slice(round(left * SIZE[0]), round((left + across) * SIZE[0]))


@pytest.mark.parametrize("upsampling", ["joint", "joint-fast", "bilinear"])
@pytest.mark.parametrize("eyes", [(0, 1), (0,)])
def test_shader_and_reference_agree_on_paint_as_it_was_made(moment: MakeMoment, upsampling: str, eyes: Views) -> None:
    views = stereo_views(THEN, SIZE)
    one = moment(views, views, eyes)
    for eye in eyes:
        assert differing(one.drawn(eye, upsampling, carry=False), one.made(eye, upsampling), by=2) < 0.002


@pytest.mark.parametrize("look", [stereo_views, eyes_like_a_headsets])
@pytest.mark.parametrize("eyes", [(0, 1), (0,)])
@pytest.mark.parametrize("by_depth", [True, False])
@pytest.mark.parametrize("gaze", [ASIDE, ELSEWHERE])
def test_shader_and_reference_agree_on_carried_paint(
    moment: MakeMoment, look: Callable, eyes: Views, by_depth: bool, gaze: Points
) -> None:
    one = moment(look(THEN, SIZE), look(NOW, SIZE), eyes, by_depth=by_depth)
    for eye in BOTH:
        drawn, expected = one.drawn(eye, gaze=gaze), one.expected(eye, gaze=gaze)
        assert differing(drawn, expected, by=3) < 0.01
        assert differing(drawn, expected, by=8) < 0.005
        assert differing(drawn, one.drawn(eye, carry=False), by=8) > 0.2


def test_three_scales_agree_too(moment: MakeMoment) -> None:
    look = stereo_views
    one = moment(look(THEN, SIZE), look(NOW, SIZE), scales=3, points=AHEAD)
    assert len(one.views) == 6
    for eye in BOTH:
        assert differing(one.drawn(eye, gaze=AHEAD), one.expected(eye, gaze=AHEAD), by=3) < 0.01


def stripes(place: Floats, box: NDArray[np.bool_]) -> Floats:
    """Of 30 cm, upright: three pixels of the coarser pictures, six of the finer ones."""
    return (0.5 + 0.45 * np.sin(place[..., :1] * (2 * np.pi / 0.3))) * np.ones(3)


@pytest.mark.parametrize("now", [THEN, Pose(THEN.position, yaw=0.06), Pose((0.15, 1.6, 0.0))])
def test_the_middle_is_finer_wherever_the_head_has_gone_since(moment: MakeMoment, now: Pose) -> None:
    then, views = stereo_views(THEN, SIZE), stereo_views(now, SIZE)
    fine, coarse = moment(then, views, colour=stripes), moment(then, views, scales=1, colour=stripes)
    rows, columns = pixels_of(window_at(ASIDE[0], 1))
    # A tenth of the eye from the border: what the ramp leaves, and what had not been in the window then.
    inner = slice(rows.start + 22, rows.stop - 22), slice(columns.start + 22, columns.stop - 22)
    wrong = [np.abs(one.drawn(0, gaze=ASIDE)[inner].astype(int) - one.ideal[0][inner]).mean() for one in (fine, coarse)]
    assert wrong[0] < 0.7 * wrong[1]


def test_no_border_shows(moment: MakeMoment) -> None:
    """Paint of one colour in the coarser pictures and of another in the finer ones: they change gently into another."""
    then, now = stereo_views(THEN, SIZE), stereo_views(Pose(THEN.position, yaw=0.08), SIZE)
    one = moment(then, now)
    one.repaint([(40, 40, 40), (40, 40, 40), (200, 200, 200), (200, 200, 200)])
    for carry in (False, True):
        drawn = one.drawn(0, carry=carry, gaze=ASIDE)[..., 0].astype(int)
        assert abs(drawn.min() - 40) <= 1 and abs(drawn.max() - 200) <= 1  # a GPU may round the sum of two shares
        steps = [np.abs(np.diff(drawn, axis=axis)).max() for axis in (0, 1)]
        # 160 levels over 18 % of 80 pixels, half as steep again in the middle of the ramp, and two ramps where the
        # window has moved; a border would be one step of 160.
        assert max(steps) <= 2 * 1.5 * 160 / (0.18 * 80) + 2
        outside = np.ones_like(drawn, bool)
        outside[pixels_of(window_at(ASIDE[0], 1))] = False
        assert (np.abs(drawn[outside] - 40) <= 1).all()


def test_what_the_finer_picture_did_not_show_is_the_coarser_ones(moment: MakeMoment) -> None:
    then = stereo_views(THEN, SIZE)
    one, coarse = moment(then, stereo_views(NOW, SIZE)), moment(then, stereo_views(NOW, SIZE), scales=1)
    far_off: Points = ((0.9, 0.25), (0.9, 0.25))
    rows, columns = pixels_of(window_at(far_off[0], 1))
    beyond = rows, slice(columns.stop - 16, columns.stop)
    drawn, alone = one.drawn(0, gaze=far_off)[beyond], coarse.drawn(0)[beyond]
    assert np.abs(drawn.astype(int) - alone).mean() < 6
    assert cv2.absdiff(drawn, one.ideal[0][beyond]).mean() < 12


def test_another_gaze_and_another_part_are_drawn_anew(moment: MakeMoment) -> None:
    one = moment(stereo_views(THEN, SIZE), stereo_views(NOW, SIZE))
    one.repaint([(40, 40, 40), (40, 40, 40), (200, 200, 200), (200, 200, 200)])
    first, second = one.drawn(0, gaze=ASIDE), one.drawn(0, gaze=ELSEWHERE)
    assert differing(first, second, by=2) > 0.05
    together = one.drawn_in_turn(0, [ASIDE, ELSEWHERE, ASIDE])
    for picture, expected in zip(together, [first, second, first], strict=True):
        assert np.array_equal(picture, expected)
    half = one.drawn(0, gaze=ASIDE, within=(0, 0, SIZE[0] // 2, SIZE[1]))
    assert np.array_equal(half[:, : SIZE[0] // 2], first[:, : SIZE[0] // 2])
    assert not half[:, SIZE[0] // 2 :].any()
    assert one.paint.size == NET_SIZE
