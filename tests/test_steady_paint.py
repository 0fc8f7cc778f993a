"""What goes with a bridge: which eyes are painted, and the depth and the past of their paint."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import moderngl
import numpy as np
import pytest
from carried_world import look

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import Pose, stereo_views
from artem_vr.comfort import Comfort, Stereo
from artem_vr.frame import BOTH, GlFrame, PaintedFrame, Views
from artem_vr.steady_paint import SteadyPaint

SIZE, NET_SIZE = (64, 72), (32, 36)


@pytest.fixture
def deep(ctx: moderngl.Context, make_gl_frame: Callable) -> Iterator[GlFrame]:
    """A frame with depth."""
    eyes = stereo_views(Pose((0.0, 1.6, 0.0)), SIZE)
    depths = [ctx.depth_texture(SIZE, look(view, SIZE).depth(view)[::-1].tobytes()) for view in eyes]
    for depth in depths:
        depth.compare_func = ""
    pictures = [np.full((SIZE[1], SIZE[0], 3), grey, np.uint8) for grey in (60, 160)]
    yield replace(make_gl_frame(*pictures), eyes=eyes, depth=(depths[0], depths[1]))
    for depth in depths:
        depth.release()


@pytest.fixture
def steady(ctx: moderngl.Context) -> Iterator[SteadyPaint]:
    made = SteadyPaint(ctx)
    yield made
    made.close()
    made.close()


@pytest.fixture
def bridge(ctx: moderngl.Context) -> Iterator[HostBridge]:
    opened = HostBridge(ctx, NET_SIZE, asynchronous=False)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("stereo", "carry", "expected"),
    [("both", True, BOTH), ("shared", True, BOTH), ("one", True, (0,)), ("one", False, BOTH)],
)
def test_one_eye_is_painted_where_the_other_can_borrow_its_paint(
    deep: GlFrame, steady: SteadyPaint, bridge: HostBridge, stereo: Stereo, carry: bool, expected: Views
) -> None:
    comfort = Comfort(carry=carry, stereo=stereo)
    assert comfort.views(deep) == expected
    assert comfort.views(replace(deep, depth=None, posed=True)) == BOTH
    tensor = steady.to_tensor(deep, bridge, comfort)
    assert tensor is not None and tensor.views == expected and len(tensor.pixels_EHWC) == len(expected)


@pytest.mark.parametrize("carry", [True, False])
def test_one_picture_for_both_eyes_is_painted_once(deep: GlFrame, carry: bool) -> None:
    same = replace(deep, color=(deep.color[0], deep.color[0]), depth=None)
    assert Comfort(carry=carry, stereo="one").views(same) == (0,)
    assert Comfort(carry=carry, stereo="both").views(same) == BOTH


def test_paint_knows_its_depth_where_that_is_of_use(deep: GlFrame, steady: SteadyPaint, bridge: HostBridge) -> None:
    tensor = steady.to_tensor(deep, bridge, Comfort())
    assert tensor is not None
    painted = PaintedFrame(tensor, tensor.pixels_EHWC, 0)
    still = Comfort(carry=False, settle=0.0, stereo="both")
    plain = steady.to_texture(painted, bridge, still)
    assert plain.depth is None
    paint = steady.to_texture(painted, bridge, replace(still, carry=True))
    assert paint.depth is not None and paint.texture is plain.texture
    assert steady.to_texture(painted, bridge, replace(still, carry=True)) is paint
    assert steady.to_texture(painted, bridge, replace(still, settle=0.2)).depth is paint.depth
    assert steady.to_texture(painted, bridge, still).depth is None


def test_paint_of_a_frame_without_depth_has_none(
    make_gl_frame: Callable, steady: SteadyPaint, bridge: HostBridge
) -> None:
    image = np.zeros((36, 32, 3), np.uint8)
    tensor = steady.to_tensor(make_gl_frame(image, image), bridge, Comfort())
    assert tensor is not None
    assert steady.to_texture(PaintedFrame(tensor, tensor.pixels_EHWC, 0), bridge, Comfort()).depth is None


def test_eyes_that_are_painted_both_have_a_vote_unless_each_is_for_itself() -> None:
    assert [Comfort(stereo=stereo).vote for stereo in ("both", "shared", "one")] == [0.0, 0.5, 0.5]
