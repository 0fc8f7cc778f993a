"""Makes a finished bank narrower: the channels that matter least are cut out, and training mends what is left.

Which layers must lose a channel together is found by torch-pruning (Fang et al. 2023, "DepGraph: Towards Any Structural
Pruning"). Here a style is an input, which no graph of layers knows; so the graph is drawn of a twin that has the same
convolutions and holds scales and shifts of all styles in its normalisations.

A channel is worth what its readers make of it: the energy that their weights pass on of a picture whose neighbouring
places are half alike, times the squares of the scales it is given, their mean over all styles. What *writes* a channel
does not count: the normalisation makes any strength of it the same. Nor do shifts: of a channel that is a shift alone,
the next normalisation leaves nothing. With a quarter of the channels inside a finished bank's blocks cut and nothing
mended, pictures were 10 levels of 255 off in the mean; 16 without regard to neighbours, 19 by the magnitude of all
weights of a group. Channels drawn by lot: 16.
"""

import importlib
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from artem_vr.engines.loading import load_network
from artem_vr.errors import UsageError
from artem_vr.nets import catalogue
from artem_vr.nets.compact import Compact, CompactConfig, Convolution
from artem_vr.nets.johnson import Johnson, JohnsonConfig
from artem_vr.styles import StyleBank
from trainer.bank import UNNAMED_ZEROS

MOST = 0.9
"""The largest share of channels that is cut: of fewer than a tenth nothing is mended."""
_MULTIPLE = 4
_ALIKE = 0.5
"""The correlation of neighbouring places of a feature: weights side by side add up as far as those are alike."""
_TRACED = (1, 3, 16, 16)

Config = CompactConfig | JohnsonConfig


@dataclass(frozen=True, slots=True)
class Pruned:
    """A narrower network with its configuration, and the style vectors (S, D') that belong to it."""

    config: Config
    network: nn.Module
    styles_SD: Tensor


def pruned(network: nn.Module, styles_SD: Tensor, ratio: float, trunk_ratio: float | None = None) -> Pruned:
    """The network without the share `ratio` of its channels, those that matter least over all styles (S, D).

    `ratio` is of the channels inside residual blocks, each block choosing its own; `trunk_ratio` of all others, `ratio`
    unless given. Both are in [0, 0.9]; with 0 everything stays as it is. Johnson's trunk is cut at all resolutions, in
    the proportion 1:2:4; the compact network's at an eighth (`deep_channels`), for what is between there and the
    picture is laid out in squares, whose places no graph of layers follows. Widths are multiples of four where that
    leaves less than there was and more than nothing.

    What is given stays as it is. Raises `UsageError` for another share, another kind of network, or when torch-pruning
    is not installed.
    """
    trunk_ratio = ratio if trunk_ratio is None else trunk_ratio
    for name, value in (("ratio", ratio), ("trunk_ratio", trunk_ratio)):
        if not 0 <= value <= MOST:
            raise UsageError(f"{name} {value:g} cannot be cut: choose a share from 0 to {MOST}")
    if not isinstance(network, Compact | Johnson):
        raise UsageError(f"a {type(network).__name__} network cannot be pruned: choose a compact or a johnson bank")
    config = _narrower(network.config, ratio, trunk_ratio)
    target, _ = catalogue.build_empty("compact" if isinstance(network, Compact) else "johnson", _shape(config))
    twin = _CompactTwin(network, styles_SD) if isinstance(network, Compact) else _JohnsonTwin(network, styles_SD)
    _cut(twin, target)
    target.load_state_dict(twin.network.state_dict(), assign=True)
    return Pruned(config, target.train(network.training), twin.styles())


def pruned_bank(bank: StyleBank, ratio: float, trunk_ratio: float | None = None) -> StyleBank:
    """A narrower bank of the same styles (see `pruned`), in memory, which paints badly until it is trained.

    `Bank.begin_from` takes it, and so do all engines; `export(TrainedBank(narrow), narrow.card, path)` writes the file
    that a recipe of its shape can name as its `start`. The card keeps all but the shape and the validation losses,
    which were another network's. Styles that had been added to the bank are the narrow one's own.

    ratio: in (0, 0.9]; with a `trunk_ratio` (0 to 0.9) one of the two may be 0. Raises `UsageError` for another share,
    one that removes no channel, a kind of network that cannot be pruned, or when torch-pruning is not installed;
    `ModelError` when the bank's weights do not fit.
    """
    kind = str(bank.card.network.get("kind", ""))
    if kind not in ("compact", "johnson"):
        raise UsageError(f"a '{kind}' network cannot be pruned: choose a compact or a johnson bank")
    if not ratio > 0 and not (trunk_ratio or 0) > 0:
        raise UsageError(f"ratio {ratio:g} cannot be cut: choose a share above 0 and up to {MOST}")
    network = load_network(bank)
    narrow = pruned(network, torch.from_numpy(bank.styles_SD), ratio, trunk_ratio)
    if narrow.config == network.config:
        raise UsageError(f"ratio {ratio:g} removes no channel of {bank.path}: choose a larger one")
    card = bank.card.model_copy(
        update={
            "network": {"kind": kind, **_shape(narrow.config)},
            "validation": {},
            "description": f"{bank.card.description} Narrowed by pruning.".strip(),
        }
    )
    weights = {name: weight.numpy() for name, weight in narrow.network.state_dict().items()}
    return replace(bank, card=card, weights=weights, styles_SD=narrow.styles_SD.numpy(), added=0, ranges={})


def _shape(config: Config) -> dict[str, Any]:
    """The fields for a card, as training writes them (see `trainer.bank.shape_of`)."""
    return {name: value for name, value in config.to_metadata().items() if value or name not in UNNAMED_ZEROS}


def _narrower(config: Config, ratio: float, trunk_ratio: float) -> Config:
    inner = _fewer(config.inner_channels, ratio)
    if isinstance(config, CompactConfig):
        deep = _fewer(config.deep_channels, trunk_ratio)
        return replace(config, deep_channels=deep, inner=0 if inner == deep else inner)
    width = _fewer(config.width, trunk_ratio)
    return replace(config, width=width, inner=0 if inner == 4 * width else inner)


def _fewer(channels: int, ratio: float) -> int:
    if ratio == 0:
        return channels
    left = channels * (1 - ratio)
    # Processors take channels in fours and more: a width in between costs as much as the next one.
    rounded = _MULTIPLE * round(left / _MULTIPLE)
    return rounded if 0 < rounded < channels else max(1, round(left))


class _StyledNorm(nn.Module):
    """Scales and shifts (S, C) of one normalisation in all styles.

    Only channels are followed through it, and normalising ties none to another: that is left out.
    """

    def __init__(self, scales_SC: Tensor, shifts_SC: Tensor) -> None:
        super().__init__()
        self.scales_SC, self.shifts_SC = nn.Parameter(scales_SC.clone()), nn.Parameter(shifts_SC.clone())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scales_SC[0, :, None, None] + self.shifts_SC[0, :, None, None]


class _Twin(nn.Module):
    """A network's layers in the order in which it runs them, with normalisations that can lose channels."""

    network: Any

    def __init__(self, network: Compact | Johnson, styles_SD: Tensor) -> None:
        super().__init__()
        self.network = deepcopy(network).requires_grad_(True)  # the graph is drawn from gradients
        sizes = [2 * channels for channels in network.config.norms]
        before, *norms = styles_SD.detach().split([styles_SD.shape[1] - sum(sizes), *sizes], dim=1)
        self.before_SK = before
        self.norms = nn.ModuleList(_StyledNorm(*norm.chunk(2, dim=1)) for norm in norms)

    def styles(self) -> Tensor:
        """The vectors (S, D), with what stands before the normalisations (nothing, or keep and ground) as it was."""
        norms = [part.detach() for norm in self.norms for part in norm.parameters()]
        return torch.cat([self.before_SK, *norms], dim=1)


class _JohnsonTwin(_Twin):
    def forward(self, x: Tensor) -> Tensor:
        norms = iter(self.norms)
        for convolution in self.network.down:
            x = next(norms)(convolution(x))
        for first, second in zip(self.network.residual[::2], self.network.residual[1::2], strict=True):
            y = next(norms)(first(x))
            x = x + next(norms)(second(y))
        for convolution in self.network.up:
            x = next(norms)(convolution(x))
        return self.network.paint(x)


class _CompactTwin(_Twin):
    """As far as the way up, the last layer that reads a channel at an eighth. What comes after loses nothing."""

    def __init__(self, network: Compact, styles_SD: Tensor) -> None:
        super().__init__(network, styles_SD)
        # Its plain convolution: the evening of weights would stand in the graph as if weights were features.
        squares = network.ascend
        self.network.ascend = Convolution(squares.in_channels, squares.out_channels)
        self.network.ascend.weight = nn.Parameter(squares.weight.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        norms = iter(self.norms)
        x = next(norms)(self.network.stem(x))
        x = next(norms)(self.network.descend(x))
        for first, second in zip(self.network.deep[::2], self.network.deep[1::2], strict=True):
            y = next(norms)(first(x))
            x = x + next(norms)(second(y))
        return self.network.ascend(x)


class _StyledNormPruner:
    """What torch-pruning asks of a kind of layer. The same method for both sides: what comes in is what goes out."""

    pruning_dim = 1

    def prune_out_channels(self, layer: _StyledNorm, idxs: list[int]) -> nn.Module:
        keep = sorted(set(range(layer.scales_SC.shape[1])) - set(idxs))
        layer.scales_SC = nn.Parameter(layer.scales_SC.detach()[:, keep])
        layer.shifts_SC = nn.Parameter(layer.shifts_SC.detach()[:, keep])
        return layer

    prune_in_channels = prune_out_channels

    def get_out_channels(self, layer: _StyledNorm) -> int:
        return layer.scales_SC.shape[1]

    get_in_channels = get_out_channels

    def get_in_channel_groups(self, layer: _StyledNorm) -> int:
        return 1

    get_out_channel_groups = get_in_channel_groups


@torch.enable_grad()
def _cut(twin: _Twin, target: nn.Module) -> None:
    """Takes channels from the twin until its network has the shape of `target`."""
    tp = _torch_pruning()
    graph = tp.DependencyGraph()
    graph.build_dependency(twin, torch.zeros(_TRACED), customized_pruners={_StyledNorm: _StyledNormPruner()})
    for name, wanted in target.named_modules():
        if not isinstance(wanted, nn.Conv2d | nn.ConvTranspose2d):
            continue
        layer = twin.network.get_submodule(name)
        if layer.out_channels > wanted.out_channels:  # else it lost them together with another layer
            group = graph.get_pruning_group(layer, tp.prune_conv_out_channels, list(range(layer.out_channels)))
            least = _importance(tp, group).argsort(stable=True)[: layer.out_channels - wanted.out_channels]
            group.prune(sorted(least.tolist()))


@torch.no_grad()
def _importance(tp: Any, group: Any) -> Tensor:
    """What each channel (C,) of a group of layers is worth (see the module's docstring)."""
    readers = [item for item in group if item.dep.pruning_fn == tp.prune_conv_in_channels]
    apart = tp.importance.GroupMagnitudeImportance(p=2, group_reduction="sum", normalizer=None)(readers)
    together = torch.stack([_summed_taps(item.dep.layer) for item in readers]).sum(0)
    passed = (1 - _ALIKE) * apart + _ALIKE * together
    norms = [item.dep.layer for item in group if isinstance(item.dep.layer, _StyledNorm)]
    return passed * torch.stack([norm.scales_SC.square().mean(0) for norm in norms]).sum(0)


def _summed_taps(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    """What a layer passes on of each channel (C,) that is the same everywhere, squared and summed over its outputs."""
    outputs = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    return layer.weight.sum((2, 3)).square().sum(outputs)


def _torch_pruning() -> Any:
    try:
        return importlib.import_module("torch_pruning")
    except ImportError as error:
        raise UsageError(f"the package {error.name} is missing: pip install 'artem-vr[prune]'") from error
