"""ONNX Runtime on a processor, and what of its other hardware can be tried without it."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from banks import picture, random_bank

from artem_vr.engines import onnx_graph, onnx_providers
from artem_vr.engines import onnxruntime as engines
from artem_vr.engines.loading import load_network
from artem_vr.engines.onnx_graph import network_on_bytes
from artem_vr.engines.onnx_providers import PLACES, Chosen, choose, one_convolution, open_session
from artem_vr.engines.onnxruntime import BoundPainter, OnnxRuntimeEngine, direct
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError, ModelError
from artem_vr.styles import StyleBank

EVERY = [provider for place in PLACES for provider in place.providers]
CUDA = next(place for place in PLACES if place.device == "cuda")
SHAPE = (2, 64, 48, 3)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


def lists(monkeypatch: pytest.MonkeyPatch, *providers: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*providers, "CPUExecutionProvider"])


def all_work(monkeypatch: pytest.MonkeyPatch, *broken: str) -> None:
    """As if all providers but the `broken` ones worked: those of precision f16 are written NAME f16."""
    monkeypatch.setattr(
        onnx_providers,
        "_works",
        lambda runtime, chosen: not {chosen.provider, f"{chosen.provider} {chosen.precision}"} & {*broken},
    )


@pytest.mark.parametrize(
    ("listed", "broken", "device", "provider", "precision"),
    [
        ((), (), "cpu", "CPUExecutionProvider", "f32"),
        (EVERY, (), "cuda", "CUDAExecutionProvider", "f16"),
        (EVERY, ("CUDAExecutionProvider",), "rocm", "MIGraphXExecutionProvider", "f16"),
        (("ROCMExecutionProvider",), (), "rocm", "ROCMExecutionProvider", "f16"),
        (("DmlExecutionProvider",), (), "directml", "DmlExecutionProvider", "f16"),
        (("DmlExecutionProvider",), ("DmlExecutionProvider f16",), "directml", "DmlExecutionProvider", "f32"),
        (("CoreMLExecutionProvider",), (), "coreml", "CoreMLExecutionProvider", "f16"),
        (EVERY, EVERY, "cpu", "CPUExecutionProvider", "f32"),
        (("TensorrtExecutionProvider", "AzureExecutionProvider"), (), "cpu", "CPUExecutionProvider", "f32"),
    ],
)
def test_auto_takes_the_best_that_works(
    monkeypatch: pytest.MonkeyPatch,
    listed: tuple[str, ...],
    broken: tuple[str, ...],
    device: str,
    provider: str,
    precision: str,
) -> None:
    lists(monkeypatch, *listed)
    all_work(monkeypatch, *broken)
    chosen = choose()
    assert (chosen.place.device, chosen.provider, chosen.precision) == (device, provider, precision)


def test_devices_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    lists(monkeypatch, "DmlExecutionProvider", "AzureExecutionProvider", "ROCMExecutionProvider")
    assert onnx_providers.listed_devices() == ["rocm", "directml", "cpu"]
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match="needs the package onnxruntime"):
        onnx_providers.listed_devices()


def test_what_is_asked_for_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    lists(monkeypatch, *EVERY)
    all_work(monkeypatch)
    for place in PLACES:
        assert choose(place.device).place is place
        assert choose(place.device, "f32").precision == "f32"
    assert choose("auto", "f16").place.device == "cuda"


@pytest.mark.parametrize(
    ("device", "package"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("rocm", "onnxruntime-migraphx"),
        ("directml", "onnxruntime-directml"),
        ("coreml", "onnxruntime"),
    ],
)
def test_what_is_not_there_is_one_line_that_says_what_to_install(
    bank: StyleBank, monkeypatch: pytest.MonkeyPatch, device: str, package: str
) -> None:
    lists(monkeypatch)
    with pytest.raises(EngineError, match=rf"has no .* install (--\S+ )?{package}; or leave out") as error:
        OnnxRuntimeEngine(bank, device)
    assert "\n" not in str(error.value)


def test_a_provider_that_falls_back_to_the_processor_does_not_count(
    bank: StyleBank, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """This very ONNX Runtime, made to say that it had CUDA: it opens sessions as if it had, on the processor."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    lists(monkeypatch, "CUDAExecutionProvider")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EngineError, match="has CUDA, but it does not start here"):
            OnnxRuntimeEngine(bank, "cuda")
        assert OnnxRuntimeEngine(bank).device == "cpu"
        with pytest.raises(EngineError, match="cannot run this network on CUDA"):
            open_session(onnxruntime, one_convolution("f32"), Chosen(CUDA, "CUDAExecutionProvider", "f32"))
    assert capfd.readouterr() == ("", "")


def test_a_provider_that_takes_no_convolution_does_not_count() -> None:
    """Azure's opens a session, stands first in it, and leaves all that is local to the processor."""
    if "AzureExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has no provider that opens and computes nothing")
    chosen = Chosen(replace(CUDA, options={}), "AzureExecutionProvider", "f32")
    session = open_session(onnxruntime, one_convolution("f32"), chosen)
    assert session.get_providers()[0] == "AzureExecutionProvider"
    assert not onnx_providers._works(onnxruntime, chosen)


@pytest.mark.parametrize(("precision", "number"), [("f32", np.float32), ("f16", np.float16)])
def test_the_probe_is_a_convolution(precision: str, number: type) -> None:
    session = open_session(onnxruntime, one_convolution(precision), choose("cpu"))
    [y] = session.run(None, {"x": np.ones((1, 4, 8, 8), number)})
    assert y.dtype == number
    assert y[0, 0, 4, 4] == 36


def test_precisions_are_honest(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    lists(monkeypatch)
    assert OnnxRuntimeEngine(bank).precision == "f32"
    for device, precision in (("cpu", "f16"), ("auto", "f16"), ("auto", "bf16"), ("cpu", "int8")):
        with pytest.raises(EngineError, match=r"f16|no precision .*: choose auto or f32"):
            OnnxRuntimeEngine(bank, device, precision)
    with pytest.raises(EngineError, match="unknown device 'vulkan'"):
        OnnxRuntimeEngine(bank, "vulkan")


def test_a_missing_package_is_one_line(bank: StyleBank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path))
    engine = OnnxRuntimeEngine(bank)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=r"^.*needs the package onnxruntime: pip install 'artem-vr\[onnx\]'$"):
        OnnxRuntimeEngine(bank)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(EngineError, match=r"^.*needs the package onnxscript: pip install 'artem-vr\[onnx\]'$"):
        engine.paint(picture(16, 16)[None], bank.styles_SD[:1])


def test_a_package_that_does_not_load_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "brokenruntime.py").write_text("raise ImportError('DLL load failed:\\n no module')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EngineError, match=r"^brokenruntime does not load \(DLL load failed: no module\): pip install"):
        onnx_providers.package("brokenruntime")


def test_only_a_new_shape_opens_a_session(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_KEPT_SHAPES", 2)
    engine = OnnxRuntimeEngine(bank, threads=1)
    # Batches whose graphs other tests need as well.
    one, two, small = picture(64, 48)[None], np.stack([picture(64, 48)] * 2), np.stack([picture(8, 8)] * 2)
    for pixels in (one, two, one, small):  # the small ones take the place of two
        engine.paint(pixels, bank.styles_SD[: len(pixels)])
    engine.paint(one, bank.styles_SD[1:2])
    assert engine.compilations == 3
    engine.paint(two, bank.styles_SD[:2])
    assert engine.compilations == 4
    engine.close()


def test_threads_neither_spin_nor_are_they_pinned() -> None:
    for asked in (None, 3):
        options = onnx_providers._session_options(onnxruntime, asked)
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert options.intra_op_num_threads == asked or (asked is None and options.intra_op_num_threads >= 1)


def test_nothing_is_said(
    bank: StyleBank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path))
    engine = OnnxRuntimeEngine(bank)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine.paint(picture(18, 18)[None], bank.styles_SD[:1])
    assert engine.compilations == 1
    assert capfd.readouterr() == ("", "")


def test_a_bank_whose_weights_do_not_fit_is_refused_on_opening(bank: StyleBank) -> None:
    weights = dict(list(bank.weights.items())[1:])
    with pytest.raises(ModelError, match="missing"):
        OnnxRuntimeEngine(StyleBank(bank.card, weights, bank.styles_SD, bank.path))


def test_buffers_that_stay_paint_the_same(bank: StyleBank) -> None:
    pixels, styles = np.stack([picture(*SHAPE[1:3], seed) for seed in range(2)]), bank.styles_SD[:2]
    graph = onnx_graph.fixed_graph(network_on_bytes(load_network(bank), "f32", True), SHAPE, styles.shape[1])
    session = open_session(onnxruntime, graph.SerializeToString(), choose("cpu"), 1)
    plain, bound = direct(session), BoundPainter(onnxruntime, session, SHAPE, styles.shape[1], "cpu")
    first, expected = bound(pixels, styles), plain(pixels, styles)
    second = bound(255 - pixels, styles[::-1].copy())
    assert expected.std() > 5
    assert np.array_equal(first, expected)
    assert np.array_equal(second, plain(255 - pixels, styles[::-1].copy()))


@pytest.mark.parametrize(("precision", "most"), [("f32", 1), ("f16", 2)])
def test_the_graph_for_devices_paints_what_the_reference_paints(bank: StyleBank, precision: str, most: int) -> None:
    """Computed on the processor, which turns half precision into single and back around each operator."""
    pixels, styles = np.stack([picture(*SHAPE[1:3], seed) for seed in range(2)]), bank.styles_SD[[0, 2]]
    graph = onnx_graph.fixed_graph(network_on_bytes(load_network(bank), precision, False), SHAPE, styles.shape[1])
    painted = direct(open_session(onnxruntime, graph.SerializeToString(), choose("cpu"), 1))(pixels, styles)
    difference = np.abs(painted.astype(int) - TorchEngine(bank).paint(pixels, styles))
    assert difference.max() <= most
    assert difference.mean() < 0.1 * most
    halves = {tensor.data_type for tensor in graph.graph.initializer if len(tensor.dims) == 4}
    assert halves == ({10} if precision == "f16" else {1})


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["f32", "f16"])
def test_paints_on_the_hardware_that_is_here(bank: StyleBank, precision: str) -> None:
    try:
        engine = OnnxRuntimeEngine(bank, "auto", precision)
    except EngineError as error:
        pytest.skip(str(error))
    if engine.device == "cpu":
        pytest.skip("ONNX Runtime has no GPU here")
    pixels, styles = np.stack([picture(64, 48, seed) for seed in range(2)]), bank.styles_SD[[0, 2]]
    difference = np.abs(engine.paint(pixels, styles).astype(int) - TorchEngine(bank).paint(pixels, styles))
    assert difference.max() <= (1 if precision == "f32" else 4)
