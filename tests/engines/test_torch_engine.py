import math
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import picture, random_bank

from artem_vr.engines.loading import load_network
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError, ModelError
from artem_vr.nets.compact import CompactConfig
from artem_vr.styles import StyleBank


@pytest.fixture
def bank(tmp_path: Path) -> StyleBank:
    return random_bank(tmp_path)


def with_network(bank: StyleBank, **shape: object) -> StyleBank:
    card = bank.card.model_copy(update={"network": {**bank.card.network, **shape}})
    return StyleBank(card, bank.weights, bank.styles_SD, bank.path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_where_there_is_none(bank: StyleBank) -> None:
    with pytest.raises(EngineError, match="no NVIDIA GPU"):
        TorchEngine(bank, "cuda")


@pytest.mark.parametrize("device", ["toaster", "cpu:x", "mps"])
def test_an_impossible_device(bank: StyleBank, device: str) -> None:
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(EngineError) as error:
        TorchEngine(bank, device)
    assert device in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_precision(bank: StyleBank) -> None:
    with pytest.raises(EngineError, match=r"f8.*choose"):
        TorchEngine(bank, precision="f8")


def test_bf16_stays_near_float32(bank: StyleBank) -> None:
    pixels, styles = np.stack([picture(48, 64)]), bank.styles_SD[:1]
    half, full = (TorchEngine(bank, precision=name).paint(pixels, styles) for name in ("bf16", "f32"))
    difference = np.abs(half.astype(int) - full)
    assert 0 < difference.mean() < 1
    assert difference.max() <= 8


def test_the_loaded_network_holds_the_weights_of_the_file(bank: StyleBank) -> None:
    network = load_network(bank)
    assert not network.training
    for name, parameter in network.named_parameters():
        assert not parameter.requires_grad
        assert parameter.device.type == "cpu"
        assert parameter.dtype == torch.float32
        assert parameter.is_contiguous()
        assert np.array_equal(parameter.numpy(), bank.weights[name])
        assert not np.shares_memory(parameter.numpy(), bank.weights[name])
    assert not any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers()))


def test_weights_are_checked_before_memory_is_taken(bank: StyleBank) -> None:
    card = with_network(bank, channels=4096, deep_channels=4096, blocks=100).card
    styles = np.zeros((3, CompactConfig(4096, 4096, 100, 1, 8).style_size), np.float32)  # the network would take 120 GB
    with pytest.raises(ModelError, match="weights and network differ"):
        load_network(StyleBank(card, bank.weights, styles, bank.path))


def test_weights_that_cannot_be_written_are_taken(bank: StyleBank) -> None:
    frozen = {name: np.asfortranarray(weight).astype(np.float64) for name, weight in bank.weights.items()}
    for weight in frozen.values():
        weight.setflags(write=False)
    network = load_network(StyleBank(bank.card, frozen, bank.styles_SD, bank.path))
    for name, parameter in network.named_parameters():
        assert parameter.dtype == torch.float32
        assert parameter.is_contiguous()
        assert np.array_equal(parameter.numpy(), bank.weights[name])


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"kind": "compct"}, "did you mean compact"),
        ({"kind": "johnson"}, "unknown field"),
        ({"channels": 12}, "style vectors have"),
        ({"chanels": 8}, "did you mean channels"),
        ({"blocks": "many"}, "impossible compact network"),
        ({"blocks": 0}, "at least 1"),
        ({"channels": None}, "impossible compact network"),
        ({"channels": math.inf}, "impossible compact network"),
        ({"channels": 2_000_000}, "tiny.safetensors: impossible compact network: channels must be at most 4096"),
        ({"channels": 4096}, "style vectors have"),
    ],
)
def test_a_card_that_does_not_fit(bank: StyleBank, shape: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says) as error:
        load_network(with_network(bank, **shape))
    assert "\n" not in str(error.value)


def test_weights_that_do_not_fit_are_named_in_one_line(bank: StyleBank) -> None:
    def says(text: str, weights: dict[str, np.ndarray]) -> None:
        with pytest.raises(ModelError) as error:
            load_network(StyleBank(bank.card, weights, bank.styles_SD, bank.path))
        assert str(error.value) == (f"{bank.path}: weights and network differ: {text}: export or get the bank again")

    plain = bank.weights
    stem = plain["stem.weight"]
    turned = "x".join(map(str, stem.T.shape)) + " instead of " + "x".join(map(str, stem.shape))
    rest = {name: weight for name, weight in plain.items() if name != "stem.weight"}
    says("network.stem.weight is missing", rest)
    says(f"network.stem.weight is {turned}", {**plain, "stem.weight": stem.T.copy()})
    says("network.stray belongs to no layer", {**plain, "stray": np.zeros(3, np.float32)})
    says("network.stem.weight is missing, network.stem belongs to no layer", {**rest, "stem": stem})
    names = ("stem.weight", "descend.weight", "deep.0.weight")
    says(f"{', '.join(f'network.{name} is missing' for name in names)} (and {len(plain) - 3} more)", {})
