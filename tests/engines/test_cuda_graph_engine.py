"""The engine of CUDA graphs: tensors as they come from a bridge, what is recorded and when, and its streams."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import picture, random_bank
from fake_cuda import FakeCuda

from artem_vr.camera import Pose, stereo_views
from artem_vr.engines import cuda_graph
from artem_vr.engines.cuda_graph import CudaGraphEngine, evened_once
from artem_vr.engines.loading import load_network
from artem_vr.engines.replay import CudaPlayer
from artem_vr.errors import EngineError
from artem_vr.frame import TensorFrame
from artem_vr.nets.compact import SquareConvolution
from artem_vr.ports import DeviceEngine, TimedEngine
from artem_vr.steadiness import Steadiness
from artem_vr.styles import StyleBank

VIEWS = stereo_views(Pose((0, 0, 0)), (4, 4))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def engine(request: pytest.FixtureRequest, bank: StyleBank) -> CudaGraphEngine:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    return CudaGraphEngine(bank, request.param, "f32")


def eyes(height: int = 32, width: int = 48) -> np.ndarray:
    return np.stack([picture(height, width, 1), picture(height, width, 2)])


def test_it_offers_what_a_bridge_and_the_clock_ask_for(engine: CudaGraphEngine) -> None:
    assert isinstance(engine, DeviceEngine)
    assert isinstance(engine, TimedEngine)
    assert (engine.device_index is None) is (engine.device == "cpu")


def test_a_strided_tensor_is_painted_and_comes_back_as_a_tensor(engine: CudaGraphEngine, bank: StyleBank) -> None:
    expected = engine.paint(eyes(), bank.styles_SD[:2])
    rgba = torch.full((2, 32, 48, 4), 99, dtype=torch.uint8)
    rgba[..., :3] = torch.from_numpy(eyes())
    rgba = rgba.to(engine.device)
    painted = engine.paint(rgba[..., :3], bank.styles_SD[:2])
    assert isinstance(expected, np.ndarray)
    assert isinstance(painted, torch.Tensor)
    assert painted.device == rgba.device
    assert np.array_equal(painted.cpu().numpy(), expected)
    assert torch.all(rgba[..., 3] == 99)


def test_a_painted_tensor_is_not_overwritten_by_the_next(engine: CudaGraphEngine, bank: StyleBank) -> None:
    pixels = torch.from_numpy(eyes()).to(engine.device)
    first = engine.paint(pixels, bank.styles_SD[:2])
    kept = first.clone()
    second = engine.paint(torch.from_numpy(255 - eyes()).to(engine.device), bank.styles_SD[1:3])
    assert not torch.equal(second, kept)
    assert torch.equal(first, kept)


def test_a_shape_is_recorded_once_whatever_the_style(engine: CudaGraphEngine, bank: StyleBank) -> None:
    for style in bank.styles_SD:
        engine.paint(eyes(), np.stack([style, style]))
        engine.paint(torch.from_numpy(eyes()).to(engine.device), np.stack([0.5 * style, style]))
    assert engine.recordings == 1


def test_a_tensor_is_painted_steadily_too(engine: CudaGraphEngine, bank: StyleBank) -> None:
    pixels = torch.from_numpy(eyes()).to(engine.device)
    expected, statistics = engine.paint_steady(eyes(), bank.styles_SD[:2], None, 1.0)
    painted, used = engine.paint_steady(pixels, bank.styles_SD[:2], statistics, 0.5)
    assert isinstance(painted, torch.Tensor) and painted.device == pixels.device
    assert isinstance(used, np.ndarray)
    assert np.abs(painted.cpu().numpy().astype(int) - expected).max() <= 1
    assert engine.recordings == 1
    assert np.array_equal(engine.on_host(pixels[0, ::4, ::4]), eyes()[0, ::4, ::4])
    assert Steadiness().paint(engine, TensorFrame(0, 0.0, pixels, VIEWS), bank.styles_SD[:2]).shape == pixels.shape


def test_the_last_few_shapes_are_kept(
    engine: CudaGraphEngine, bank: StyleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_graph, "_KEPT_SHAPES", 4)
    for width in (16, 24, 32, 40, 16, 48, 16, 24):
        engine.paint(eyes(16, width), bank.styles_SD[:2])
    assert engine.recordings == 6  # 24 went for 48, and came back
    assert [shape[2] for shape in engine._kept] == [40, 48, 16, 24]


def test_the_devices_time_is_told(engine: CudaGraphEngine, bank: StyleBank) -> None:
    assert engine.last_gpu_ms is None
    engine.paint(eyes(), bank.styles_SD[:2])
    assert engine.last_gpu_ms is not None
    assert engine.last_gpu_ms > 0


def test_closing_lets_go_of_weights_and_memory(engine: CudaGraphEngine, bank: StyleBank) -> None:
    engine.paint(eyes(), bank.styles_SD[:2])
    [recording] = engine._kept.values()
    parts = [weakref.ref(recording._pixels), weakref.ref(engine._network.network)]
    del recording
    gc.disable()  # without its help: nothing goes round in a circle
    try:
        engine.close()
        assert [part() for part in parts] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda pixels: pixels.float(), "uint8"),
        (lambda pixels: pixels[0], "uint8 pictures"),
        (lambda pixels: pixels[:, :4], "at least"),
    ],
)
def test_a_tensor_that_does_not_fit_is_one_line(engine: CudaGraphEngine, bank: StyleBank, spoil, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        engine.paint(spoil(torch.from_numpy(eyes())).to(engine.device), bank.styles_SD[:2])


def test_a_tensor_elsewhere_is_one_line(engine: CudaGraphEngine, bank: StyleBank) -> None:
    with pytest.raises(EngineError, match=r"arrays on .* or the host, not meta"):
        engine.paint(torch.from_numpy(eyes()).to("meta"), bank.styles_SD[:2])


@pytest.mark.parametrize(("device", "precision"), [("cpu", "int8"), ("cpu", "auto")])
def test_a_precision_it_has_not_is_one_line(bank: StyleBank, device: str, precision: str) -> None:
    with pytest.raises(EngineError, match=f"no precision '{precision}'"):
        CudaGraphEngine(bank, device, precision)


def test_without_a_gpu_it_says_so(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="no NVIDIA GPU"):
        CudaGraphEngine(bank)


def test_weights_are_evened_for_good(bank: StyleBank) -> None:
    plain, evened = load_network(bank), evened_once(load_network(bank))
    assert any(isinstance(module, SquareConvolution) for module in plain.modules())
    assert not any(isinstance(module, SquareConvolution) for module in evened.modules())
    x, styles = torch.rand(2, 3, 24, 40), torch.from_numpy(bank.styles_SD[:2])
    with torch.inference_mode():
        torch.testing.assert_close(evened(x, styles), plain(x, styles))


def test_a_painting_waits_for_the_pixels_and_the_host_for_the_painting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cuda = FakeCuda(monkeypatch)
    player = CudaPlayer(0)
    own, recording = cuda.streams
    with player.timed():
        play = player.recorded(lambda: torch.ones(1))
    assert f"capture on {recording.name}, thread_local" in cuda.log
    ready = own.record_event()
    player.read_after(ready)
    cuda.log.clear()
    with player.timed():
        assert play() == 1
    begin, end = (event.name for event in cuda.events[:2])
    assert cuda.log == [
        f"{own.name} waits for {ready.name}",
        f"{own.name} records {begin}",
        f"replay on {own.name}",
        f"{own.name} records {end}",
        f"host waits for {end}",
    ]
    assert player.last_ms == 1.5
    assert not torch.backends.cudnn.benchmark
