from collections.abc import Callable

import moderngl
import numpy as np
import pytest

from artem_vr.bridges.host import HostBridge
from artem_vr.errors import UsageError
from artem_vr.frame import GlFrame, PaintedFrame, TensorFrame
from artem_vr.gl.context import is_software


def grey_frame(make_gl_frame: Callable, sequence: int) -> GlFrame:
    image = np.full((18, 16, 3), 10 * sequence + 10, np.uint8)
    return make_gl_frame(image, image, sequence=sequence)


def test_the_direct_way_gives_the_frame_at_once(ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = HostBridge(ctx, (16, 18), asynchronous=False)
    for sequence in range(3):
        tensor = bridge.to_tensor(grey_frame(make_gl_frame, sequence))
        assert tensor is not None
        assert tensor.sequence == sequence
        assert np.all(tensor.pixels_EHWC == 10 * sequence + 10)
    bridge.close()


def test_the_asynchronous_way_gives_the_frame_before(ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = HostBridge(ctx, (16, 18), asynchronous=True)
    assert bridge.to_tensor(grey_frame(make_gl_frame, 0)) is None
    for sequence in range(1, 5):
        tensor = bridge.to_tensor(grey_frame(make_gl_frame, sequence))
        assert tensor is not None
        assert tensor.sequence == sequence - 1
        assert np.all(tensor.pixels_EHWC == 10 * sequence)
    bridge.close()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_picture_that_stands_still_is_read_once(
    ctx: moderngl.Context, make_gl_frame: Callable, asynchronous: bool
) -> None:
    bridge = HostBridge(ctx, (16, 18), asynchronous)
    frame = grey_frame(make_gl_frame, 0)
    bridge.to_tensor(frame)
    tensor = bridge.to_tensor(frame)
    assert tensor is not None
    assert all(bridge.to_tensor(frame) is tensor for _ in range(3))
    bridge.close()


def test_by_default_only_hardware_is_read_asynchronously(ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = HostBridge(ctx, (16, 18))
    waits = bridge.to_tensor(grey_frame(make_gl_frame, 0)) is not None
    assert waits is is_software(ctx)
    bridge.close()


def test_the_same_paint_is_uploaded_once(ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = HostBridge(ctx, (16, 18), asynchronous=False)
    source = bridge.to_tensor(grey_frame(make_gl_frame, 0))
    assert source is not None
    painted = PaintedFrame(source, source.pixels_EHWC, revision=0)
    assert bridge.to_texture(painted) is bridge.to_texture(painted)
    bridge.close()


def test_paint_of_one_eye_is_refused(ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = HostBridge(ctx, (16, 18), asynchronous=False)
    frame = grey_frame(make_gl_frame, 0)
    small = TensorFrame(0, 0.0, np.zeros((1, 8, 8, 3), np.uint8), frame.eyes)
    with pytest.raises(UsageError, match="for 2 eyes"):
        bridge.to_texture(PaintedFrame(small, small.pixels_EHWC, revision=0))
    bridge.close()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_opening_one_after_another_leaves_no_error(
    ctx: moderngl.Context, make_gl_frame: Callable, asynchronous: bool
) -> None:
    first = HostBridge(ctx, (16, 18), asynchronous)
    first.to_tensor(grey_frame(make_gl_frame, 0))
    first.close()
    assert ctx.error is not None  # reading takes away what an earlier test left
    second = HostBridge(ctx, (16, 18), asynchronous)
    assert ctx.error == "GL_NO_ERROR"
    second.close()


def test_a_size_without_pixels_is_refused(ctx: moderngl.Context) -> None:
    with pytest.raises(UsageError, match="0x18"):
        HostBridge(ctx, (0, 18))
