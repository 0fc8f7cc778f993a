"""The calls that register, map and unmap, on a pretended CUDA: their order, their streams, and what failures become."""

from collections.abc import Callable

import moderngl
import numpy as np
import pytest
import torch
from fake_cuda import FakeCuda, FakeRuntime, host_tensor

from artem_vr import cuda_runtime
from artem_vr.bridges import cuda_interop
from artem_vr.bridges.cuda_gl import CudaGlBridge
from artem_vr.bridges.cuda_interop import CudaInterop
from artem_vr.bridges.host import HostBridge
from artem_vr.errors import GraphicsError
from artem_vr.frame import PaintedFrame

SIZE = (16, 18)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda(monkeypatch)


@pytest.fixture
def runtime(ctx: moderngl.Context, cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    made = FakeRuntime(ctx, cuda.log)
    monkeypatch.setattr(cuda_interop, "load_runtime", lambda: made)
    monkeypatch.setattr(torch, "as_tensor", host_tensor)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: cuda.log.append("kept"))
    share = CudaInterop.share

    def watched(interop, ctx, size):
        registered = share(interop, ctx, size)
        made.buffers[registered.buffer.glo] = registered.buffer
        return registered

    monkeypatch.setattr(CudaInterop, "share", watched)
    return made


def test_the_bridge_gives_what_the_one_on_the_host_gives_and_frees_all(
    ctx: moderngl.Context, runtime: FakeRuntime, cuda: FakeCuda, make_gl_frame: Callable
) -> None:
    told = []
    interop = CudaInterop(0, told.append)
    bridge, plain = CudaGlBridge(ctx, SIZE, interop), HostBridge(ctx, SIZE, asynchronous=False)
    for sequence in range(10):
        left, right = np.random.default_rng(sequence).integers(0, 256, (2, 18, 16, 3), dtype=np.uint8)
        frame = make_gl_frame(left, right, sequence=sequence)
        source, expected = bridge.to_tensor(frame), plain.to_tensor(frame)
        assert np.array_equal(source.pixels_EHWC.numpy(), expected.pixels_EHWC)
        shown = bridge.to_texture(PaintedFrame(source, 255 - source.pixels_EHWC, revision=0)).texture.read()
        assert shown == plain.to_texture(PaintedFrame(expected, 255 - expected.pixels_EHWC, revision=0)).texture.read()
    assert len(told) == 10
    bridge.close()
    bridge.close()
    plain.close()
    counts = {name: cuda.log.count(name) for name in ("register", "unregister", "map", "unmap")}
    assert counts["register"] == counts["unregister"] == 5
    assert counts["map"] == counts["unmap"] == 20


def test_what_is_looked_at_is_never_drawn_over(
    ctx: moderngl.Context, runtime: FakeRuntime, make_gl_frame: Callable
) -> None:
    bridge, held = CudaGlBridge(ctx, SIZE, CudaInterop(0, lambda event: None)), []
    for sequence in range(6):
        grey = np.full((18, 16, 3), 10 * sequence + 10, np.uint8)
        held.append(bridge.to_tensor(make_gl_frame(grey, grey, sequence)).pixels_EHWC)
    assert [int(pixels[1, 5, 5, 2]) for pixels in held] == [10, 20, 30, 40, 50, 60]
    assert len(set(runtime.mapped)) == 6
    bridge.close()


def test_the_engine_is_told_of_an_event_after_the_buffer_was_mapped(
    ctx: moderngl.Context, runtime: FakeRuntime, cuda: FakeCuda, make_gl_frame: Callable
) -> None:
    bridge = CudaGlBridge(ctx, SIZE, CudaInterop(0, lambda event: cuda.log.append(f"told of {event.name}")))
    grey = np.full((18, 16, 3), 90, np.uint8)
    cuda.log.clear()
    bridge.to_tensor(make_gl_frame(grey, grey))
    assert cuda.log == [
        "stream 0 waits for default",
        "map",
        "pointer",
        "stream 0 records event 0",
        "told of event 0",
        "default waits for stream 0",
    ]
    bridge.close()


def test_no_step_of_a_frame_waits_on_the_processor(
    ctx: moderngl.Context, runtime: FakeRuntime, cuda: FakeCuda, make_gl_frame: Callable
) -> None:
    bridge = CudaGlBridge(ctx, SIZE, CudaInterop(0, lambda event: None))
    grey = np.full((18, 16, 3), 90, np.uint8)
    for sequence in range(6):
        source = bridge.to_tensor(make_gl_frame(grey, grey, sequence))
        bridge.to_texture(PaintedFrame(source, source.pixels_EHWC, revision=sequence))
    assert not [line for line in cuda.log if line.startswith("host waits")]
    bridge.close()
    assert "host waits for stream 0" in cuda.log


@pytest.mark.parametrize("what", ["register", "set device", "get devices"])
def test_a_failure_on_opening_is_one_line_and_leaves_nothing(
    ctx: moderngl.Context, runtime: FakeRuntime, what: str
) -> None:
    runtime.fails = {what}
    assert ctx.error is not None  # reading takes away what an earlier test left
    with pytest.raises(GraphicsError, match="cudaErrorUnknown, unknown error") as error:
        CudaGlBridge(ctx, SIZE, CudaInterop(0, lambda event: None))
    assert "\n" not in str(error.value)
    assert ctx.error == "GL_NO_ERROR"


def test_a_device_that_fails_does_not_keep_the_bridge_from_closing(
    ctx: moderngl.Context, runtime: FakeRuntime, make_gl_frame: Callable
) -> None:
    bridge = CudaGlBridge(ctx, SIZE, CudaInterop(0, lambda event: None))
    grey = np.full((18, 16, 3), 90, np.uint8)
    bridge.to_tensor(make_gl_frame(grey, grey))
    runtime.fails = {"unmap", "unregister", "map"}
    with pytest.raises(GraphicsError, match="to map"):
        bridge.to_tensor(make_gl_frame(grey, grey, 1))
    bridge.close()
    assert all(type(buffer.mglo).__name__ == "InvalidObject" for buffer in runtime.buffers.values())


def test_opengl_on_another_device_is_refused(ctx: moderngl.Context, runtime: FakeRuntime) -> None:
    runtime.devices = (1,)
    with pytest.raises(GraphicsError, match="OpenGL draws on CUDA device 1, the engine runs on 0"):
        CudaInterop(0, lambda event: None)


@pytest.mark.parametrize(("version", "wanted"), [("12.8", '"cuda-bindings==12.*"'), (None, "cuda-bindings")])
def test_missing_bindings_are_named_as_torch_needs_them(
    monkeypatch: pytest.MonkeyPatch, version: str | None, wanted: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", version)

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(cuda_runtime, "import_module", missing)
    with pytest.raises(GraphicsError) as error:
        cuda_runtime.load_runtime()
    assert str(error.value).endswith(f": python -m pip install {wanted}")
