"""Whether two perceptual networks rank pictures alike by their Gram losses, which is what training asks of them."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from artem_vr.styles import StyleBank, mix
from trainer.data.crops import Photos, validation_batch
from trainer.data.paintings import Paintings
from trainer.losses import gram
from trainer.perceptual import PerceptualNetwork
from trainer.trained import TrainedBank

_PICTURES = 24
_PAINTINGS = 12
_SIDE = 256
_STRENGTHS = (1.0, 0.5, 0.0)

Features = Callable[[Tensor], dict[str, Tensor]]


class Judges:
    """Several perceptual networks as one: each tap comes from the first of them that has it."""

    def __init__(self, networks: list[PerceptualNetwork], taps: Iterable[str]) -> None:
        self._networks, self._taps = networks, list(taps)
        self._shares: list[list[str]] = [[] for _ in networks]
        for tap in self._taps:
            having = [index for index, network in enumerate(networks) if f"conv{tap[4:]}" in network.layers]
            self._shares[having[0] if having else -1].append(tap)  # the last one says that it has no such tap

    def __call__(self, batch_NCHW: Tensor, phase: int | None = None) -> dict[str, Tensor]:
        """Activations (N, C, H, W) by tap. Raises `InputError` for a tap that none of them has."""
        found: dict[str, Tensor] = {}
        for network, taps in zip(self._networks, self._shares, strict=True):
            if taps:
                found |= network(batch_NCHW, taps, phase)
        return {tap: found[tap] for tap in self._taps}


@torch.no_grad()
def rank_agreement(
    student: PerceptualNetwork, judges: Judges, photos: Photos, paintings: Paintings, device: torch.device
) -> dict[str, float]:
    """Spearman's rank correlation of the Gram losses of both, "rank/relu1_1" and so on, and "rank" of their sum.

    The pictures are held-out photographs as they are, and as the shipped bank paints them in half and in full
    strength; each is measured against crops of twelve paintings. The result is the mean over the paintings: 1 where
    both put all pictures in one order.
    """
    pictures = _pictures(photos, device)
    targets = paintings.crops(_SIDE, min(_PAINTINGS, len(paintings.pictures)), 0, 0, (_SIDE, 2 * _SIDE)).to(device)
    taps = list(judges(targets[:1]))
    both = [_gram_losses(features, pictures, targets) for features in (judges, lambda batch: student(batch, taps))]
    ranks = {f"rank/{tap}": _spearman(both[0][tap], both[1][tap]) for tap in taps}
    sums = [torch.stack(list(found.values())).sum(0) for found in both]
    return {"rank": _spearman(*sums), **ranks}


def _pictures(photos: Photos, device: torch.device) -> Tensor:
    batch = validation_batch(photos, _SIDE, 0, min(_PICTURES, len(photos.validation))).to(device)
    bank = StyleBank.load()
    network = TrainedBank(bank, device=device).network
    vectors = []
    for index in range(len(batch)):
        strength = _STRENGTHS[index % len(_STRENGTHS)]
        style = bank.styles_SD[index % len(bank.names)]
        weights = np.array([1 - strength, strength], np.float32)
        vectors.append(mix(np.stack([bank.identity(), style]), weights))
    styles = torch.from_numpy(np.stack(vectors)).to(device)
    painted = [network(one[None], style[None]) for one, style in zip(batch, styles, strict=True)]
    return torch.cat(painted).clamp(0, 1)


def _gram_losses(features: Features, pictures: Tensor, paintings: Tensor) -> dict[str, Tensor]:
    """Per tap the relative squared distance of Gram matrices (paintings, pictures)."""
    found = _grams(features, pictures)
    targets = _grams(features, paintings)
    return {
        tap: torch.stack([(found[tap] - one).square().sum((1, 2)) / one.square().sum() for one in target])
        for tap, target in targets.items()
    }


def _grams(features: Features, pictures: Tensor) -> dict[str, Tensor]:
    parts = [{tap: gram(feature) for tap, feature in features(one[None]).items()} for one in pictures]
    return {tap: torch.cat([part[tap] for part in parts]) for tap in parts[0]}


def _spearman(a: Tensor, b: Tensor) -> float:
    """The rank correlation along the second axis, in the mean over the first (Spearman 1904; ties do not occur)."""
    ranks = [x.argsort(1).argsort(1).double() for x in (a, b)]
    centred = [x - x.mean(1, keepdim=True) for x in ranks]
    together = (centred[0] * centred[1]).sum(1)
    return float((together / (centred[0].square().sum(1) * centred[1].square().sum(1)).sqrt()).mean())
