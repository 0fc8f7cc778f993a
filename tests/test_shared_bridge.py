"""Which bridge and which engine are taken where: with a GPU pretended, and with none."""

import logging
from contextlib import ExitStack
from types import SimpleNamespace

import moderngl
import numpy as np
import pytest
import torch
from test_pipeline import Rig

from artem_vr import app, cuda_runtime, live
from artem_vr.app import open_bridge, open_engine, open_shared_bridge
from artem_vr.bridges import cuda_interop
from artem_vr.bridges.cuda_gl import CudaGlBridge
from artem_vr.bridges.host import HostBridge
from artem_vr.bridges.interop import HostInterop
from artem_vr.engines import cuda_graph
from artem_vr.engines import torch as torch_engine
from artem_vr.errors import EngineError, GraphicsError, UsageError
from artem_vr.styles import StyleBank

SIZE = (16, 18)


class GpuEngine:
    name, device, precision, device_index = "cuda-graph", "cuda", "f16", 0

    def paint(self, pixels_EHWC, styles_ED):
        return 255 - pixels_EHWC

    def read_after(self, event) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if OpenGL drew on the engine's device."""
    monkeypatch.setattr(cuda_interop, "CudaInterop", lambda index, announce_to: HostInterop())


def test_a_gpu_engine_gets_the_bridge_that_shares(ctx: moderngl.Context, shared: None) -> None:
    bridge = open_bridge(ctx, SIZE, GpuEngine())
    assert isinstance(bridge, CudaGlBridge)
    assert bridge.net_size == SIZE
    bridge.close()


@pytest.mark.parametrize("engine", [None, SimpleNamespace(name="openvino", device="cpu")])
def test_on_a_processor_pixels_are_copied_and_nothing_is_said(
    ctx: moderngl.Context, shared: None, caplog: pytest.LogCaptureFixture, engine
) -> None:
    bridge = open_bridge(ctx, SIZE, engine)
    assert isinstance(bridge, HostBridge)
    assert not caplog.records
    bridge.close()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (GraphicsError("cuda.bindings.runtime cannot be imported: install it"), "cannot be imported: install it"),
        (RuntimeError("CUDA error:\n out of memory"), "CUDA error: out of memory"),
    ],
)
def test_a_gpu_that_cannot_share_is_explained_in_one_line(
    ctx: moderngl.Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error, text: str
) -> None:
    def refuse(index, announce_to):
        raise error

    monkeypatch.setattr(cuda_interop, "CudaInterop", refuse)
    bridge = open_bridge(ctx, SIZE, GpuEngine(), at_once=True)
    assert isinstance(bridge, HostBridge)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == f"pixels are copied through host memory: {error}".replace("\n", "")
    assert text in record.message
    bridge.close()


def test_an_engine_that_paints_on_the_host_is_named(
    ctx: moderngl.Context, shared: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_shared_bridge(ctx, SIZE, SimpleNamespace(name="torch", device="cuda")) is None
    assert "the torch engine paints in host memory" in caplog.text


def test_a_size_without_pixels_is_refused_by_any(ctx: moderngl.Context, shared: None) -> None:
    with pytest.raises(UsageError, match="holds no picture"):
        open_bridge(ctx, (0, 8), GpuEngine())


@pytest.mark.parametrize(
    ("engine", "device", "precision", "expected"),
    [
        ("auto", "auto", "auto", ("graph", "cuda", "f16")),
        ("auto", "cuda", "bf16", ("graph", "cuda", "bf16")),
        ("cuda-graph", "auto", "f32", ("graph", "cuda", "f32")),
        ("torch", "auto", "auto", ("torch", "cuda", "f16")),
        ("torch", "cpu", "auto", ("torch", "cpu", "f32")),
    ],
)
def test_a_machine_with_cuda_takes_graphs_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, engine: str, device: str, precision: str, expected: tuple[str, str, str]
) -> None:
    monkeypatch.setattr(app, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_graph, "CudaGraphEngine", lambda bank, *which: ("graph", *which))
    monkeypatch.setattr(torch_engine, "TorchEngine", lambda bank, *which: ("torch", *which))
    assert open_engine(StyleBank.load(), engine, device, precision) == expected


def test_without_cuda_graphs_are_refused_and_auto_takes_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    bank = StyleBank.load()
    with pytest.raises(EngineError, match="leave out --engine cuda-graph"):
        open_engine(bank, "cuda-graph")
    with pytest.raises(UsageError, match="runs on NVIDIA GPUs"):
        open_engine(bank, "cuda-graph", "cpu")
    assert open_engine(bank).name == "openvino"


def test_missing_bindings_do_not_keep_the_engine_from_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(cuda_runtime, "import_module", missing)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_graph, "CudaGraphEngine", lambda bank, *which: which)
    assert open_engine(StyleBank.load(), "cuda-graph") == ("cuda", "f16")


@pytest.fixture
def rig() -> Rig:
    made = Rig(frames=40)
    yield made
    made.close()


def test_the_bridge_is_exchanged_once_the_engine_is_open(rig: Rig, shared: None) -> None:
    first = rig.parts[1]
    with ExitStack() as stack:
        for frame in range(12):
            if frame == 4:
                live._share_bridge(stack, rig.display, rig.pipeline, rig.stylizer, first, GpuEngine())
            assert rig.pipeline.tick()
        kinds = [type(pixels) for pixels in rig.engine.pixels]
        assert kinds[0] is np.ndarray
        assert kinds[-1] is torch.Tensor
        assert isinstance(rig.pipeline._bridge, CudaGlBridge)
        assert rig.display.read_pixels()[..., 0].mean() > 200  # still red
    assert rig.stylizer._closed
    assert rig.pipeline._bridge._target is None  # closed, and after the stylizer


def test_the_stylizer_is_closed_before_a_bridge_whose_memory_it_reads(
    rig: Rig, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    close_bridge, close_stylizer = CudaGlBridge.close, rig.stylizer.close
    monkeypatch.setattr(CudaGlBridge, "close", lambda bridge: (order.append("bridge"), close_bridge(bridge)))
    monkeypatch.setattr(rig.stylizer, "close", lambda: (order.append("stylizer"), close_stylizer()))
    with ExitStack() as stack:
        live._share_bridge(stack, rig.display, rig.pipeline, rig.stylizer, rig.parts[1], GpuEngine())
        assert not order
    assert order == ["stylizer", "bridge"]


def test_the_same_is_shown_over_either_bridge() -> None:
    """Frame by frame, with tensors from the bridge through the stylizer's thread and a real engine and back."""
    shown, kinds = [], []
    for is_shared in (False, True):
        one = Rig(frames=4, every_frame=True)
        engine = cuda_graph.CudaGraphEngine(one.bank, "cpu", "f32")

        def paint(pixels_EHWC, styles_ED, engine=engine):
            kinds.append(type(pixels_EHWC))
            return engine.paint(pixels_EHWC, styles_ED)

        one.engine.paint = paint
        bridge = CudaGlBridge(one.display.ctx, (32, 32), HostInterop()) if is_shared else None
        if bridge is not None:
            one.pipeline.use_bridge(bridge)
        for _ in range(4):
            assert one.pipeline.tick()
            shown.append(one.display.read_pixels())
        one.stylizer.close()
        if bridge is not None:
            bridge.close()
        one.close()
    assert kinds == [np.ndarray] * 4 + [torch.Tensor] * 4
    for expected, pixels in zip(shown[:4], shown[4:], strict=True):
        assert np.array_equal(pixels, expected)
    assert shown[0].std() > 5


def test_trying_ends_when_it_is_done() -> None:
    answers: list[bool] = [False, True]
    tried = live._once(lambda: answers.pop(0))
    for _ in range(5):
        tried()
    assert not answers
