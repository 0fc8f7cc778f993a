from pathlib import Path

import pytest
import torch
from miniature import perceptual_weights
from safetensors.torch import save_file

from artem_vr.errors import InputError
from trainer.perceptual import PerceptualNetwork


def test_taps_have_their_sizes_and_a_head_its_width() -> None:
    network, batch = PerceptualNetwork(perceptual_weights()), torch.rand(2, 3, 32, 48)
    features = network(batch, ["relu1_1", "relu2_1", "relu3_1", "relu2_2"])
    assert {tap: tuple(value.shape) for tap, value in features.items()} == {
        "relu1_1": (2, 6, 32, 48),
        "relu2_1": (2, 12, 16, 24),
        "relu2_2": (2, 8, 16, 24),
        "relu3_1": (2, 8, 8, 12),
    }
    assert all(value.min() == 0 for value in features.values())
    assert network.taps == ["relu1_1", "relu2_1", "relu3_1"]


def test_it_computes_the_convolutions_of_the_file() -> None:
    weights, batch = perceptual_weights(), torch.rand(1, 3, 8, 8)
    x = torch.nn.functional.conv2d(batch, weights["conv0.weight"], weights["conv0.bias"])
    x = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    expected = torch.nn.functional.conv2d(x, weights["conv1_1.weight"], weights["conv1_1.bias"]).relu()
    assert torch.allclose(PerceptualNetwork(weights)(batch, ["relu1_1"])["relu1_1"], expected, atol=1e-5)


def test_it_runs_no_deeper_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    network, run = PerceptualNetwork(perceptual_weights()), []
    convolve = network._convolve
    monkeypatch.setattr(network, "_convolve", lambda name, x: run.append(name) or convolve(name, x))
    network(torch.rand(1, 3, 16, 16), {"relu1_1"})
    assert run == ["conv0", "conv1_1"]
    run.clear()
    network(torch.rand(1, 3, 16, 16), {"relu2_1"})
    assert run == ["conv0", "conv1_1", "conv1_2", "conv2_1", "conv2_1_head"]


def test_four_thinned_passes_hold_every_place_of_the_large_taps_once() -> None:
    network, batch = PerceptualNetwork(perceptual_weights()), torch.rand(2, 3, 16, 24)
    taps = ["relu1_1", "relu2_1", "relu3_1"]
    whole = network(batch, taps)
    thinned = [network(batch, taps, phase=step) for step in range(4)]
    assert thinned[0]["relu1_1"].shape == (2, 6, 8, 12)
    for tap in ("relu1_1", "relu2_1"):
        mean = torch.stack([one[tap].mean((2, 3)) for one in thinned]).mean(0)
        torch.testing.assert_close(mean, whole[tap].mean((2, 3)))
    torch.testing.assert_close(thinned[1]["relu1_1"], whole["relu1_1"][..., 1::2, 0::2])
    assert all(torch.equal(one["relu3_1"], whole["relu3_1"]) for one in thinned)


def test_it_is_frozen_and_lets_gradients_through() -> None:
    network, batch = PerceptualNetwork(perceptual_weights()), torch.rand(1, 3, 16, 16, requires_grad=True)
    assert list(network.parameters()) == []
    network(batch, ["relu3_1"])["relu3_1"].sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().sum() > 0


def test_a_tap_that_is_not_there() -> None:
    with pytest.raises(InputError, match="has no relu5_1: it ends at conv3_1"):
        PerceptualNetwork(perceptual_weights())(torch.rand(1, 3, 16, 16), ["relu1_1", "relu5_1"])


@pytest.mark.parametrize("name", ["conv0.weight", "conv0.bias", "conv1_1.weight", "conv2_1.bias"])
def test_a_file_that_lacks_a_layer(tmp_path: Path, name: str) -> None:
    weights = {key: value for key, value in perceptual_weights().items() if key != name}
    path = tmp_path / "perceptual.safetensors"
    save_file(weights, path)
    with pytest.raises(InputError, match=f"perceptual.safetensors is not a perceptual network: {name} missing"):
        PerceptualNetwork.load(path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("features")
    (tmp_path / "empty").touch()
    for name in ("text", "empty"):
        with pytest.raises(InputError, match=f"cannot read the perceptual network .*{name}") as error:
            PerceptualNetwork.load(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"there is no perceptual network .*missing: set data.root") as error:
        PerceptualNetwork.load(tmp_path / "missing")
    assert "\n" not in str(error.value)
