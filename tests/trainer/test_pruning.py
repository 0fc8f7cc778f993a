import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from banks import STYLES, picture, random_bank, tiny_recipe
from torch import Tensor, nn

from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import InputError, UsageError
from artem_vr.nets import compact, johnson
from artem_vr.nets.compact import Compact, CompactConfig
from artem_vr.nets.johnson import Johnson, JohnsonConfig
from artem_vr.styles import StyleBank
from trainer.bank import Bank
from trainer.export import export
from trainer.pruning import Config, pruned, pruned_bank
from trainer.recipe import NetworkRecipe
from trainer.trained import TrainedBank

pytest.importorskip("torch_pruning")

COMPACT = CompactConfig(channels=8, deep_channels=16, blocks=2, tail_channels=8)
JOHNSONS = [JohnsonConfig(8, 2, "nearest"), JohnsonConfig(8, 2, "transposed", "tanh"), JohnsonConfig(8, 2, inner=40)]
CONFIGS = [COMPACT, replace(COMPACT, inner=24), *JOHNSONS]


def random_network(config: Config, styles: int = 3) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    network: nn.Module
    if isinstance(config, CompactConfig):
        network, initial = Compact(config), compact.initial_style(config)
    else:
        network, initial = Johnson(config), johnson.initial_style(config)
    return network, initial.repeat(styles, 1) + 0.3 * torch.randn(styles, config.style_size)


@torch.no_grad()
def paint(network: nn.Module, styles_SD: Tensor) -> Tensor:
    batch = torch.rand(len(styles_SD), 3, 40, 32, generator=torch.Generator().manual_seed(1))
    return network(batch, styles_SD)


@torch.no_grad()
def silence(network: Any, styles_SD: Tensor, dead: dict[int, list[int]]) -> None:
    """Scales and shifts these channels of these normalisations to nothing, in all styles."""
    sizes = [2 * channels for channels in network.config.norms]
    parts = styles_SD[:, styles_SD.shape[1] - sum(sizes) :].split(sizes, dim=1)
    for norm, channels in dead.items():
        for half in parts[norm].chunk(2, dim=1):
            half[:, channels] = 0


def every_other(channels: int, first: int = 0) -> list[int]:
    return list(range(first, channels, 2))


@pytest.mark.parametrize("config", CONFIGS)
def test_cutting_nothing_changes_nothing(config: Config) -> None:
    network, styles_SD = random_network(config)
    same = pruned(network, styles_SD, 0.0)
    assert same.config == config
    assert torch.equal(same.styles_SD, styles_SD)
    weights = network.state_dict()
    assert same.network.state_dict().keys() == weights.keys()
    assert all(torch.equal(weight, weights[name]) for name, weight in same.network.state_dict().items())
    assert torch.equal(paint(same.network, same.styles_SD), paint(network, styles_SD))
    assert all(weight.requires_grad for weight in same.network.parameters())


@pytest.mark.parametrize("config", CONFIGS)
def test_channels_that_do_nothing_are_cut_and_nobody_sees_it(config: Config) -> None:
    """Half of the channels of every normalisation are scaled to nothing, each block's inner ones differently."""
    network, styles_SD = random_network(config)
    if isinstance(config, CompactConfig):
        trunk = {1 + 2 * block: every_other(config.deep_channels) for block in range(config.blocks + 1)}
        first_inner = 2
    else:
        last = len(config.norms) - 1
        trunk = {0: every_other(config.width), 1: every_other(2 * config.width, 1)}
        trunk |= {2 + 2 * block: every_other(4 * config.width) for block in range(config.blocks + 1)}
        trunk |= {last - 1: every_other(2 * config.width), last: every_other(config.width, 1)}
        first_inner = 3
    inner = {first_inner + 2 * block: every_other(config.inner_channels, block % 2) for block in range(config.blocks)}
    silence(network, styles_SD, trunk | inner)
    narrow = pruned(network, styles_SD, 0.5)
    assert narrow.config.inner_channels == config.inner_channels // 2
    assert narrow.styles_SD.shape == (3, narrow.config.style_size)
    before, after = paint(network, styles_SD), paint(narrow.network, narrow.styles_SD)
    assert before.std() > 0.05
    assert torch.allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("config", [COMPACT, JOHNSONS[0]])
def test_only_the_channels_inside_blocks(config: Config) -> None:
    network, styles_SD = random_network(config)
    first = 2 if isinstance(config, CompactConfig) else 3
    silence(network, styles_SD, {first: every_other(config.inner_channels), first + 2: every_other(16, 1)})
    narrow = pruned(network, styles_SD, 0.5, trunk_ratio=0.0)
    assert narrow.config == replace(config, inner=config.inner_channels // 2)
    if isinstance(config, CompactConfig):
        assert torch.allclose(paint(network, styles_SD), paint(narrow.network, narrow.styles_SD), atol=1e-4)


def test_a_channel_that_one_style_needs_stays() -> None:
    network, styles_SD = random_network(COMPACT)
    silence(network, styles_SD[:2], {2: every_other(16)})
    silence(network, styles_SD, {2: every_other(16, 1)})
    styles_SD[2, 4 + 2 * 8 + 2 * 16 + 1] = (
        1e-3  # the scale of a channel that is weak in one style, nothing in all others
    )
    narrow = pruned(network, styles_SD, 0.5, trunk_ratio=0.0)
    kept = narrow.network.get_parameter("deep.0.weight")
    assert torch.equal(kept, network.get_parameter("deep.0.weight")[every_other(16)])


def test_a_channel_that_nobody_reads_is_cut_however_strong() -> None:
    network, styles_SD = random_network(COMPACT)
    with torch.no_grad():
        network.get_parameter("deep.0.weight")[every_other(16)] *= 100
        network.get_parameter("deep.1.weight")[:, every_other(16)] = 0
    narrow = pruned(network, styles_SD, 0.5, trunk_ratio=0.0)
    assert torch.equal(
        narrow.network.get_parameter("deep.0.weight"), network.get_parameter("deep.0.weight")[every_other(16, 1)]
    )


def test_of_channels_read_alike_the_ones_whose_weights_cancel_are_cut() -> None:
    network, styles_SD = random_network(COMPACT)
    styles_SD[:] = compact.initial_style(COMPACT)
    with torch.no_grad():
        read = network.get_parameter("deep.1.weight")
        read.fill_(0.1)
        read[:, every_other(16), :, 1] = -0.2
        read[:, every_other(16), :, 1:] *= 0.75  # little is left of a flat picture, yet more in squares
        assert read[:, 0].square().sum() > read[:, 1].square().sum()
    narrow = pruned(network, styles_SD, 0.5, trunk_ratio=0.0)
    kept = narrow.network.get_parameter("deep.0.weight")
    assert torch.equal(kept, network.get_parameter("deep.0.weight")[every_other(16, 1)])


@pytest.mark.parametrize(
    ("config", "ratios", "expected"),
    [
        (JohnsonConfig(32, 1), (0.5,), JohnsonConfig(16, 1)),
        (JohnsonConfig(32, 1), (0.5, 0.25), JohnsonConfig(24, 1, inner=64)),
        (JohnsonConfig(32, 1), (0.0, 0.25), JohnsonConfig(24, 1, inner=128)),
        (JohnsonConfig(4, 1), (0.5,), JohnsonConfig(2, 1)),  # no multiple of four is left
        (JohnsonConfig(4, 1), (0.9,), JohnsonConfig(1, 1, inner=2)),
        (CompactConfig(blocks=1), (0.5, 0.0), CompactConfig(blocks=1, inner=32)),
        (CompactConfig(blocks=1), (0.5,), CompactConfig(blocks=1, deep_channels=32)),
        (CompactConfig(blocks=1), (0.3, 0.1), CompactConfig(blocks=1, deep_channels=56, inner=44)),
    ],
)
def test_widths(config: Config, ratios: tuple[float, ...], expected: Config) -> None:
    network, styles_SD = random_network(config, 1)
    assert pruned(network, styles_SD, *ratios).config == expected


def test_what_is_given_stays_as_it_is() -> None:
    network, styles_SD = random_network(COMPACT)
    weights = {name: weight.clone() for name, weight in network.state_dict().items()}
    vectors = styles_SD.clone()
    narrow = pruned(network, styles_SD, 0.5)
    with torch.no_grad():
        for weight in narrow.network.parameters():
            weight.zero_()
        narrow.styles_SD.zero_()
    assert torch.equal(styles_SD, vectors)
    assert all(torch.equal(weight, weights[name]) for name, weight in network.state_dict().items())


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_every_engine_paints_with_a_pruned_bank(tmp_path: Path, kind: str) -> None:
    wide = random_bank(tmp_path, tiny_recipe(kind=kind))
    narrow = pruned_bank(wide, 0.7, trunk_ratio=0.25)
    assert narrow.card.network["inner"] > 0
    assert narrow.names == wide.names
    assert sum(map(np.size, narrow.weights.values())) < 0.85 * sum(map(np.size, wide.weights.values()))
    export(TrainedBank(narrow), narrow.card, tmp_path / "narrow.safetensors")
    again = StyleBank.load(tmp_path / "narrow.safetensors")
    assert again.card == narrow.card
    pixels = np.stack([picture(40, 48, seed) for seed in range(3)])
    plain, fast = TorchEngine(again, "cpu", "f32"), OpenVinoEngine(again, "f32")
    painted = plain.paint(pixels, again.styles_SD)
    assert np.array_equal(painted, TorchEngine(again, "cpu", "f32").paint(pixels, narrow.styles_SD))
    difference = np.abs(painted.astype(int) - fast.paint(pixels, again.styles_SD))
    assert difference.max() <= 1
    assert painted.std() > 5


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_training_begins_from_a_pruned_bank(tmp_path: Path, kind: str) -> None:
    recipe = tiny_recipe(kind=kind)
    narrow = pruned_bank(random_bank(tmp_path, recipe), 0.7, trunk_ratio=0.25)
    shape = {name: value for name, value in narrow.card.network.items() if name != "kind"}
    shape["channels"] = shape.pop("width", 0) or shape["channels"]
    network = NetworkRecipe.model_validate({"kind": kind, **shape})
    bank = Bank(recipe.model_copy(update={"network": network}))
    bank.begin_from(narrow, STYLES)
    assert torch.equal(bank.styles_SD, torch.from_numpy(narrow.styles_SD))
    assert all(
        torch.equal(weight, torch.from_numpy(narrow.weights[name])) for name, weight in bank.network.named_parameters()
    )
    bank(torch.rand(3, 3, 32, 32), torch.arange(3)).square().sum().backward()
    assert all(weight.grad is not None for weight in bank.parameters())
    with pytest.raises(InputError, match="another network"):
        Bank(recipe).begin_from(narrow, STYLES)


def test_the_card_tells(tmp_path: Path) -> None:
    wide = random_bank(tmp_path)
    wide = replace(wide, card=wide.card.model_copy(update={"validation": {"total": 1.0}}))
    card = pruned_bank(wide, 0.25, trunk_ratio=0.0).card
    assert card.network == {**wide.card.network, "inner": 8}
    assert card.validation == {}
    assert card.description.endswith("Narrowed by pruning.")
    assert (card.name, card.styles, card.steps) == (wide.card.name, wide.card.styles, wide.card.steps)
    assert "inner" not in pruned_bank(wide, 0.3, trunk_ratio=0.3).card.network


@pytest.mark.parametrize("ratio", [0.0, -0.5, 0.91, 1.0, float("nan")])
def test_a_share_that_cannot_be_cut(tmp_path: Path, ratio: float) -> None:
    with pytest.raises(UsageError, match="cannot be cut: choose a share") as error:
        pruned_bank(random_bank(tmp_path), ratio)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("ratio", "trunk_ratio"), [(0.5, -0.1), (0.5, 0.95), (-0.1, 0.5), (0.0, 0.0)])
def test_a_share_of_the_trunk_that_cannot_be_cut(tmp_path: Path, ratio: float, trunk_ratio: float) -> None:
    with pytest.raises(UsageError, match="cannot be cut: choose a share"):
        pruned_bank(random_bank(tmp_path), ratio, trunk_ratio)


def test_a_share_of_less_than_a_channel(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ratio 0\.01 removes no channel of .*tiny\.safetensors: choose a larger"):
        pruned_bank(random_bank(tmp_path), 0.01)


def test_another_kind_of_network(tmp_path: Path) -> None:
    bank = random_bank(tmp_path)
    odd = replace(bank, card=bank.card.model_copy(update={"network": {"kind": "odd"}}))
    with pytest.raises(UsageError, match="'odd' network cannot be pruned"):
        pruned_bank(odd, 0.5)
    with pytest.raises(UsageError, match="Linear network cannot be pruned"):
        pruned(nn.Linear(2, 2), torch.zeros(1, 2), 0.5)


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(UsageError, match=r"torch_pruning is missing: pip install 'artem-vr\[prune\]'"):
        pruned(*random_network(COMPACT), 0.5)
