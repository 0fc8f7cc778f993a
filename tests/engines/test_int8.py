from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from banks import picture, random_bank, tiny_recipe
from numpy.typing import NDArray
from torch import nn

from artem_vr.engines import int8, openvino
from artem_vr.engines.bytes_network import BytesNetwork, fast_bytes_network
from artem_vr.engines.conversion import converted
from artem_vr.engines.loading import load_network
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError, ModelError
from artem_vr.styles import StyleBank
from trainer.quantization import rounded

HAS_INT8 = "INT8" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
needs_int8 = pytest.mark.skipif(not HAS_INT8, reason="this processor does not compute in int8")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def with_ranges(bank: StyleBank) -> StyleBank:
    """As if it had been calibrated: what follows normalisations lies within twelve, and zero is a level."""
    names = [name for name, module in load_network(bank).named_modules() if isinstance(module, nn.Conv2d)]
    return replace(bank, ranges=dict.fromkeys(names, (-12.8, 12.7)) | {names[0]: (-0.5, 0.5)})


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def bank(plain: StyleBank) -> StyleBank:
    return with_ranges(plain)


def johnson(folder: Path, upsampling: str) -> StyleBank:
    recipe = tiny_recipe(kind="johnson")
    network = recipe.network.model_copy(update={"upsampling": upsampling})
    return with_ranges(random_bank(folder, recipe.model_copy(update={"network": network})))


def rounded_graph(bank: StyleBank, shape: tuple[int, ...]) -> Any:
    network = load_network(bank)
    model = converted(fast_bytes_network(network), shape, bank.styles_SD.shape[1])
    int8.round_convolutions(model, network, bank.ranges)
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})


def twin_paints(bank: StyleBank, pixels: NDArray[np.uint8], styles: NDArray[np.float32]) -> NDArray[np.uint8]:
    with torch.inference_mode():
        painted = BytesNetwork(rounded(load_network(bank), bank.ranges))(
            torch.from_numpy(pixels), torch.from_numpy(styles)
        )
    return painted.numpy()


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.abs(one.astype(int) - other)


@needs_int8
@pytest.mark.parametrize("name", ["stem", "descend", "deep.1", "ascend", "rise", "paint"])
def test_every_layer_rounds_as_its_plain_twin(bank: StyleBank, name: str) -> None:
    """The twin rounds in float32. A sum in another order falls to the other side of a step now and then, and no more.

    Measured with each layer alone: 0.003 levels between the two at most, where rounding makes 0.017 to 0.066.
    """
    alone = replace(bank, ranges={name: bank.ranges[name]})
    pixels, styles = np.stack([picture(64, 80, 1), picture(64, 80, 2)]), bank.styles_SD[[0, 2]]
    painted = np.asarray(rounded_graph(alone, pixels.shape)([pixels, styles])[0])
    expected = twin_paints(alone, pixels, styles)
    exact = TorchEngine(bank).paint(pixels, styles)
    assert apart(painted, expected).mean() < 0.006
    assert apart(exact, expected).mean() > 2 * apart(painted, expected).mean()


@needs_int8
@pytest.mark.parametrize("kind", ["compact", "nearest", "transposed"])
def test_all_layers_are_as_far_off_as_their_plain_twin(bank: StyleBank, tmp_path: Path, kind: str) -> None:
    """Through all layers a step to the other side sets off further ones, until the noise of both is independent.

    So the two differ by up to the square root of two of what each of them is off, and are equally far off.
    """
    bank = bank if kind == "compact" else johnson(tmp_path, kind)
    pixels, styles = np.stack([picture(64, 80, 1), picture(64, 80, 2)]), bank.styles_SD[[0, 2]]
    painted = np.asarray(rounded_graph(bank, pixels.shape)([pixels, styles])[0])
    expected = twin_paints(bank, pixels, styles)
    exact = TorchEngine(bank).paint(pixels, styles)
    twin, graph = apart(expected, exact).mean(), apart(painted, exact).mean()
    assert 0.8 < graph / twin < 1.25
    assert apart(painted, expected).mean() < 1.5 * twin


@needs_int8
def test_the_engine_paints_what_the_twin_paints(bank: StyleBank) -> None:
    pixels, styles = np.stack([picture(62, 50, 1), picture(62, 50, 2)]), bank.styles_SD[[0, 1]]
    engine = OpenVinoEngine(bank, "int8", threads=1)
    assert engine.precision == "int8"
    difference = apart(engine.paint(pixels, styles), twin_paints(bank, pixels, styles))
    engine.close()
    # Between convolutions the engine computes in what the processor is best at, which may be bfloat16: see its bounds
    # in the contracts. Rounding adds 0.14.
    assert difference.mean() < 0.9


def convolutions_in(compiled: Any) -> list[str]:
    """The precisions that the runtime chose for its convolutions, in their order."""
    found = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        info = node.get_rt_info()
        if str(info["layerType"].value if hasattr(info["layerType"], "value") else info["layerType"]) == "Convolution":
            precision = info["runtimePrecision"]
            found.append(str(precision.value if hasattr(precision, "value") else precision))
    return found


@needs_int8
def test_the_runtime_computes_in_int8_what_has_a_range_and_nothing_else(bank: StyleBank) -> None:
    every = convolutions_in(rounded_graph(bank, (1, 32, 48, 3)))
    assert len(every) == len(bank.ranges)
    assert set(every) <= {"u8", "i8"}
    ranges = {name: pair for name, pair in bank.ranges.items() if name not in {"descend", "deep.0"}}
    some = convolutions_in(rounded_graph(replace(bank, ranges=ranges), (1, 32, 48, 3)))
    assert some.count("f32") == 2
    assert some[0] in {"u8", "i8"}


@needs_int8
def test_the_identity_is_exact(bank: StyleBank) -> None:
    engine = OpenVinoEngine(bank, "int8", threads=1)
    pixels = picture(48, 64)[None]
    assert apart(engine.paint(pixels, bank.identity()[None]), pixels).max() <= 1
    engine.close()


@pytest.mark.parametrize("precision", ["f32", "auto"])
def test_ranges_change_no_other_precision(plain: StyleBank, bank: StyleBank, precision: str) -> None:
    pixels = picture(32, 48)[None]
    painted = [OpenVinoEngine(each, precision).paint(pixels, bank.styles_SD[:1]) for each in (plain, bank)]
    assert np.array_equal(*painted)


def test_a_bank_that_was_not_calibrated(plain: StyleBank) -> None:
    with pytest.raises(EngineError, match=r"not calibrated for int8.*artem-vr train") as error:
        OpenVinoEngine(plain, "int8")
    assert "\n" not in str(error.value)


def test_a_processor_without_int8(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    class OldCore:
        def get_property(self, device: str, name: str) -> list[str]:
            return ["FP32"]

    monkeypatch.setattr(openvino.ov, "Core", OldCore)
    with pytest.raises(EngineError, match="does not compute in int8"):
        OpenVinoEngine(bank, "int8")


def test_the_graph_and_the_network_are_matched(bank: StyleBank, tmp_path: Path) -> None:
    network = load_network(bank)
    model = converted(fast_bytes_network(network), (1, 32, 32, 3), bank.styles_SD.shape[1])
    found = int8.matched(model, network)
    assert [name for name, _, _ in found] == list(bank.ranges)
    # The stem alone is fed with bytes, so its bounds grow by 255.
    assert [round(factor, 3) for _, _, factor in found] == [255.0] + [1.0] * (len(found) - 1)
    slow = converted(BytesNetwork(network), (1, 32, 32, 3), bank.styles_SD.shape[1])
    assert round(int8.matched(slow, network)[0][2], 3) == 1.0


def test_another_network_is_refused(bank: StyleBank, tmp_path: Path) -> None:
    network = load_network(bank)
    model = converted(fast_bytes_network(network), (1, 32, 32, 3), bank.styles_SD.shape[1])
    deeper = load_network(random_bank(tmp_path, tiny_recipe(blocks=3)))
    with pytest.raises(EngineError, match="convolutions instead of") as error:
        int8.round_convolutions(model, deeper, bank.ranges)
    assert "\n" not in str(error.value)
    other = load_network(bank)  # the graph's constants are the first one's own memory
    with torch.no_grad():
        other.get_parameter("deep.1.weight")[0] *= 1.5
    with pytest.raises(EngineError, match=r"other weights where deep\.1 is expected"):
        int8.round_convolutions(model, other, bank.ranges)


def test_a_layer_without_weights_is_rounded_too(bank: StyleBank) -> None:
    weights = {**bank.weights, "deep.1.weight": np.zeros_like(bank.weights["deep.1.weight"])}
    empty = replace(bank, weights=weights)
    network = load_network(empty)
    model = converted(fast_bytes_network(network), (1, 32, 32, 3), bank.styles_SD.shape[1])
    int8.round_convolutions(model, network, empty.ranges)
    assert np.isfinite(int8.weight_bounds(np.zeros((2, 3, 3, 3), np.float32))).all()


def test_a_range_of_no_convolution_is_refused(bank: StyleBank) -> None:
    with pytest.raises(ModelError, match=r"int8\.deeper belongs to no convolution"):
        load_network(replace(bank, ranges={"deeper": (0.0, 1.0)}))


def test_sums_of_pairs_stay_below_sixteen_bits() -> None:
    """Two products at a time, of a byte and a weight in steps, must fit on processors that add them so."""
    weight = np.random.default_rng(0).normal(size=(4, 8, 3, 3)).astype(np.float32)
    bounds = int8.weight_bounds(weight)
    steps = np.round(weight / (2 * bounds / (int8.WEIGHT_LEVELS - 1)))
    assert 60 < np.abs(steps).max() <= 64
    assert 2 * 255 * np.abs(steps).max() < 1 << 15
