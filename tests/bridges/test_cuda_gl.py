"""The bridge that shares memory, on its plain twin: who holds which buffer, for how long, and what is told to whom."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import moderngl
import numpy as np
import pytest
import torch

from artem_vr.bridges import cuda_gl
from artem_vr.bridges.cuda_gl import CudaGlBridge, assemble
from artem_vr.bridges.interop import HostInterop, HostSharedBuffer, SharedBuffer
from artem_vr.errors import GraphicsError, UsageError
from artem_vr.frame import GlFrame, PaintedFrame, TensorFrame

SIZE = (16, 18)


class WatchedBuffer(HostSharedBuffer):
    def __init__(self, buffer: moderngl.Buffer, log: list[str]) -> None:
        super().__init__(buffer)
        self.log, self.maps, self.is_gone = log, 0, False

    def map(self) -> torch.Tensor:
        self.log.append("map")
        self.maps += 1
        return super().map()

    def unmap(self) -> None:
        self.log.append("unmap")
        super().unmap()

    def release(self) -> None:
        self.is_gone = True
        super().release()


class WatchedInterop(HostInterop):
    def __init__(self, fails_at: int = 99) -> None:
        self.log: list[str] = []
        self.shared: list[WatchedBuffer] = []
        self.fails_at = fails_at

    def share(self, ctx: moderngl.Context, size: int) -> SharedBuffer:
        if len(self.shared) == self.fails_at:
            raise GraphicsError("no more")
        self.shared.append(WatchedBuffer(ctx.buffer(reserve=size), self.log))
        return self.shared[-1]

    @contextmanager
    def work(self) -> Iterator[None]:
        self.log.append("work")
        yield
        self.log.append("done")

    def announce(self) -> None:
        self.log.append("announce")

    def keep_for(self, tensor: torch.Tensor) -> None:
        self.log.append("keep")

    def finish(self) -> None:
        self.log.append("finish")


@pytest.fixture
def interop() -> WatchedInterop:
    return WatchedInterop()


@pytest.fixture
def bridge(ctx: moderngl.Context, interop: WatchedInterop) -> Iterator[CudaGlBridge]:
    opened = CudaGlBridge(ctx, SIZE, interop)
    yield opened
    opened.close()


def grey_frame(make_gl_frame: Callable, sequence: int) -> GlFrame:
    image = np.full((18, 16, 3), 10 * sequence + 10, np.uint8)
    return make_gl_frame(image, image, sequence=sequence)


def read(bridge: CudaGlBridge, frame: GlFrame) -> TensorFrame:
    tensor = bridge.to_tensor(frame)
    assert tensor is not None
    return tensor


def test_the_tensor_leaves_out_every_fourth_byte_and_copies_nothing(
    bridge: CudaGlBridge, make_gl_frame: Callable
) -> None:
    pixels = read(bridge, grey_frame(make_gl_frame, 0)).pixels_EHWC
    assert pixels.dtype is torch.uint8
    assert pixels.stride() == (18 * 16 * 4, 16 * 4, 4, 1)
    assert pixels.untyped_storage().nbytes() == 2 * 18 * 16 * 4


def test_what_is_looked_at_is_never_drawn_over(bridge: CudaGlBridge, make_gl_frame: Callable) -> None:
    held = [read(bridge, grey_frame(make_gl_frame, sequence)).pixels_EHWC[1, 3] for sequence in range(6)]
    for sequence, row in enumerate(held):
        assert torch.all(row == 10 * sequence + 10), sequence


def test_buffers_are_used_again_in_turn(bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable) -> None:
    for sequence in range(12):
        read(bridge, grey_frame(make_gl_frame, sequence))
    assert [shared.maps for shared in interop.shared] == [3] * cuda_gl._READY


def test_more_frames_are_held_only_up_to_a_limit(
    bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable
) -> None:
    held = [read(bridge, grey_frame(make_gl_frame, sequence)) for sequence in range(12)]
    assert len(interop.shared) == cuda_gl._MOST
    assert held[-1] is held[cuda_gl._MOST - 1]  # the newest that there is
    held.clear()
    assert read(bridge, grey_frame(make_gl_frame, 12)).sequence == 12


def test_a_picture_that_stands_still_is_read_once(bridge: CudaGlBridge, make_gl_frame: Callable) -> None:
    frame = grey_frame(make_gl_frame, 0)
    assert read(bridge, frame) is read(bridge, frame)


def test_opengl_gets_a_buffer_back_before_it_writes_and_the_engine_is_told_after_it_was_mapped(
    bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable
) -> None:
    source = read(bridge, grey_frame(make_gl_frame, 0))
    assert interop.log == ["unmap", "work", "map", "announce", "done"]
    interop.log.clear()
    bridge.to_texture(PaintedFrame(source, source.pixels_EHWC, revision=0))
    assert interop.log == ["work", "keep", "keep", "map", "unmap", "done"]


def test_the_same_paint_is_written_once(bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable) -> None:
    source = read(bridge, grey_frame(make_gl_frame, 0))
    painted = PaintedFrame(source, source.pixels_EHWC, revision=0)
    assert bridge.to_texture(painted) is bridge.to_texture(painted)
    assert interop.shared[-1].maps == 1


def test_after_a_change_of_size_what_is_looked_at_stays_and_goes_with_its_last_reader(
    bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable
) -> None:
    held = read(bridge, grey_frame(make_gl_frame, 3))
    before = list(interop.shared)
    bridge.resize((32, 36))
    read(bridge, grey_frame(make_gl_frame, 0))
    assert [shared.is_gone for shared in before].count(False) == 1
    assert torch.all(held.pixels_EHWC == 40)
    del held
    read(bridge, grey_frame(make_gl_frame, 1))
    assert all(shared.is_gone for shared in before)


def test_closing_frees_all_after_the_device_is_done(
    bridge: CudaGlBridge, interop: WatchedInterop, make_gl_frame: Callable
) -> None:
    source = read(bridge, grey_frame(make_gl_frame, 0))
    bridge.to_texture(PaintedFrame(source, source.pixels_EHWC, revision=0))
    bridge.resize((32, 36))
    bridge.to_tensor(grey_frame(make_gl_frame, 1))
    interop.log.clear()
    bridge.close()
    assert interop.log[0] == "finish"
    assert all(shared.is_gone for shared in interop.shared)
    with pytest.raises(UsageError, match="closed"):
        bridge.to_tensor(grey_frame(make_gl_frame, 2))


@pytest.mark.parametrize("fails_at", [0, 2])
def test_what_cannot_be_shared_leaves_nothing_behind(ctx: moderngl.Context, fails_at: int) -> None:
    assert ctx.error is not None  # reading takes away what an earlier test left
    interop = WatchedInterop(fails_at)
    with pytest.raises(GraphicsError, match="no more"):
        CudaGlBridge(ctx, SIZE, interop)
    assert all(shared.is_gone for shared in interop.shared)
    assert ctx.error == "GL_NO_ERROR"


def test_paint_of_one_eye_is_refused(bridge: CudaGlBridge, make_gl_frame: Callable) -> None:
    source = read(bridge, grey_frame(make_gl_frame, 0))
    with pytest.raises(UsageError, match="for 2 eyes"):
        bridge.to_texture(PaintedFrame(source, source.pixels_EHWC[:1], revision=0))


def test_the_luma_is_opencvs_to_the_bit() -> None:
    source = np.random.default_rng(0).integers(0, 256, (2, 300, 300, 3), dtype=np.uint8)
    out = torch.zeros(2, 300, 300, 4, dtype=torch.uint8)
    assemble(torch.from_numpy(255 - source), torch.from_numpy(source), out)
    assert np.array_equal(out[0, ::1, :, 3].flip(0).numpy(), cv2.cvtColor(source[0], cv2.COLOR_RGB2GRAY))
    assert np.array_equal(out[1, :, :, :3].flip(0).numpy(), 255 - source[1])


def test_a_buffer_is_mapped_once_at_a_time(ctx: moderngl.Context) -> None:
    shared = HostSharedBuffer(ctx.buffer(b"abcd"))
    memory = shared.map()
    assert bytes(memory.numpy()) == b"abcd"
    with pytest.raises(RuntimeError, match="already"):
        shared.map()
    memory[0] = 65
    shared.unmap()
    shared.unmap()
    assert shared.buffer.read() == b"Abcd"
    assert shared.is_held
    del memory
    assert not shared.is_held
    shared.release()
    shared.release()
