"""The depth of a picture for the network lives as long as that picture, and never is another one's."""

import gc
from collections.abc import Callable, Iterator

import moderngl
import numpy as np
import pytest
from carried_world import look
from numpy.typing import NDArray

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import BOTH, GlFrame, Size, TensorFrame, Views
from artem_vr.paint_depth import PaintDepth
from artem_vr.reprojection import MOST_SLACK, block_slack, distances, under_texels

SIZE, NET_SIZE = (64, 72), (32, 36)
MakeFrame = Callable[..., GlFrame]


@pytest.fixture
def make_frame(ctx: moderngl.Context) -> Iterator[MakeFrame]:
    """Frames of the wall and the box, further to the right the larger their number is."""
    made: list[moderngl.Texture] = []

    def make(sequence: int, size: Size = SIZE) -> GlFrame:
        eyes = stereo_views(Pose((0.1 * sequence, 1.6, 0.0)), size)
        depths = [look(view, size).depth(view)[::-1].tobytes() for view in eyes]
        colours = [ctx.texture(size, 3) for _ in eyes]
        textures = [ctx.depth_texture(size, depth) for depth in depths]
        for texture in textures:
            texture.compare_func = ""
        made.extend([*colours, *textures])
        return GlFrame(sequence, sequence / 60, (colours[0], colours[1]), eyes, (textures[0], textures[1]))

    yield make
    for texture in made:
        texture.release()


@pytest.fixture
def depth(ctx: moderngl.Context) -> Iterator[PaintDepth]:
    made = PaintDepth(ctx)
    yield made
    made.close()
    made.close()


def tensor_of(frame: GlFrame, views: Views = BOTH, net_size: Size = NET_SIZE) -> TensorFrame:
    pixels = np.zeros((len(views), net_size[1], net_size[0], 3), np.uint8)
    return TensorFrame(frame.sequence, frame.captured_at, pixels, frame.eyes, views, posed=True)


def kept(depth: PaintDepth, frame: GlFrame, views: Views = BOTH, net_size: Size = NET_SIZE) -> TensorFrame:
    depth.keep(frame, net_size, views)
    tensor = tensor_of(frame, views, net_size)
    depth.belongs(tensor)
    return tensor


def blocks(texture: moderngl.Texture) -> NDArray[np.float32]:
    return np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width, 4)


def metres(frame: GlFrame, eye: int, net_size: Size = NET_SIZE) -> NDArray[np.float64]:
    """The distances that belong there, bottom row first."""
    view = frame.eyes[eye]
    seen = look(view, frame.color[0].size).depth(view)
    return np.asarray(distances(under_texels(seen, net_size), view.projection_44))[::-1]


def is_of(depth: PaintDepth, tensor: TensorFrame, frame: GlFrame) -> bool:
    texture = depth.of(tensor)
    if texture is None:
        return False
    expected = np.concatenate([metres(frame, eye) for eye in tensor.views])
    return bool(np.allclose(blocks(texture)[..., 0], expected, rtol=1e-3))


@pytest.mark.parametrize(("size", "net_size"), [((64, 72), (32, 36)), ((64, 72), (48, 40)), ((30, 45), (20, 18))])
@pytest.mark.parametrize("views", [(0, 1), (1,)])
def test_blocks_hold_four_distances_and_how_far_they_may_be_wrong(
    depth: PaintDepth, make_frame: MakeFrame, size: Size, net_size: Size, views: Views
) -> None:
    frame = make_frame(2, size)
    texture = depth.of(kept(depth, frame, views, net_size))
    assert texture is not None and texture.size == (net_size[0], len(views) * net_size[1])
    width, height = net_size
    for place, eye in enumerate(views):
        found = blocks(texture)[place * height : (place + 1) * height]
        expected = metres(frame, eye, net_size)
        up, right = np.arange(1, height + 1).clip(max=height - 1), np.arange(1, width + 1).clip(max=width - 1)
        for part, there in enumerate((expected, expected[:, right], expected[up], expected[up][:, right])):
            assert np.allclose(found[..., part], there, rtol=1e-3)
        slack = (found[..., 0].copy().view(np.int32) & 255) * MOST_SLACK / 255
        assert (abs(slack - block_slack(expected)) < 1.01 * MOST_SLACK / 255).mean() > 0.999
        assert slack.min() >= 0.019 and slack.max() > 0.03


def test_a_picture_that_comes_a_call_later_gets_its_own_depth(
    ctx: moderngl.Context, depth: PaintDepth, make_frame: MakeFrame
) -> None:
    bridge = HostBridge(ctx, NET_SIZE, asynchronous=True)
    frames, tensors = [make_frame(number) for number in range(5)], []
    for frame in frames:
        depth.keep(frame, NET_SIZE, BOTH)
        tensor = bridge.to_tensor(frame)
        depth.belongs(tensor)
        tensors.append(tensor)
    for tensor, frame in zip(tensors[1:], frames, strict=False):
        assert tensor is not None and tensor.sequence == frame.sequence
        assert is_of(depth, tensor, frame)
    bridge.close()


def test_depth_stays_while_its_picture_waits_and_newer_ones_come_and_go(
    depth: PaintDepth, make_frame: MakeFrame
) -> None:
    first = make_frame(0)
    waiting = kept(depth, first)
    textures = set()
    for number in range(1, 12):
        frame = make_frame(number)
        passing = kept(depth, frame)
        assert is_of(depth, passing, frame)
        texture = depth.of(passing)
        assert texture is not None
        textures.add(texture.glo)
        del passing
    assert is_of(depth, waiting, first)
    assert len(textures) <= 3


def test_no_more_than_a_few_are_kept_however_many_are_looked_at(depth: PaintDepth, make_frame: MakeFrame) -> None:
    frames = [make_frame(number) for number in range(12)]
    tensors = [kept(depth, frame) for frame in frames]
    assert [is_of(depth, tensor, frame) for tensor, frame in zip(tensors, frames, strict=True)] == [True] * 8 + [
        False
    ] * 4
    del tensors[2]
    gc.collect()
    frame = make_frame(20)
    assert is_of(depth, kept(depth, frame), frame)


def test_pictures_that_a_bridge_leaves_out_take_no_room(depth: PaintDepth, make_frame: MakeFrame) -> None:
    shown = kept(depth, make_frame(0))
    for number in range(1, 30):
        depth.keep(make_frame(number), NET_SIZE, BOTH)
        depth.belongs(shown)
    frame = make_frame(40)
    assert is_of(depth, kept(depth, frame), frame)


def test_the_same_frame_again_is_not_drawn_again(depth: PaintDepth, make_frame: MakeFrame) -> None:
    """A budget hands out an old frame again, whose textures are those of a newer one by then."""
    frame, newer = make_frame(0), make_frame(5)
    tensor = kept(depth, frame)
    assert frame.depth is not None and newer.depth is not None
    for texture, other in zip(frame.depth, newer.depth, strict=True):
        texture.write(other.read())
    depth.keep(frame, NET_SIZE, BOTH)
    depth.belongs(tensor)
    assert is_of(depth, tensor, frame)


def test_another_size_or_other_eyes_are_drawn_anew(depth: PaintDepth, make_frame: MakeFrame) -> None:
    frame = make_frame(0)
    before = kept(depth, frame)
    alone = kept(depth, frame, (1,))
    assert is_of(depth, before, frame) and is_of(depth, alone, frame)
    larger = kept(depth, frame, BOTH, (48, 40))
    texture = depth.of(larger)
    assert texture is not None and texture.size == (48, 80)


def test_depth_is_not_taken_for_a_picture_of_other_eyes(depth: PaintDepth, make_frame: MakeFrame) -> None:
    frame = make_frame(0)
    depth.keep(frame, NET_SIZE, BOTH)
    other = tensor_of(frame, (0,))
    depth.belongs(other)
    assert depth.of(other) is None


def test_a_frame_without_depth_has_none(depth: PaintDepth, make_gl_frame: Callable) -> None:
    image = np.zeros((36, 32, 3), np.uint8)
    assert depth.of(kept(depth, make_gl_frame(image, image))) is None
