"""The training objective of a recipe: the painting's Gram matrices, and the weighted sum of the loss terms."""

from pathlib import Path

import torch
from torch import Tensor

from trainer import losses
from trainer.data import read_painting
from trainer.perceptual import PerceptualNetwork
from trainer.recipe import Recipe

_THINNED_TAPS = {"relu1_1", "relu2_1"}


class Objective:
    """Measures painted pictures against their photographs and paintings."""

    def __init__(self, recipe: Recipe, root: Path, device: torch.device | None = None) -> None:
        self._recipe = recipe
        device = device or torch.device("cpu")
        self._perceptual = PerceptualNetwork.load(root / recipe.data.perceptual).requires_grad_(False).to(device)
        self._weights = torch.tensor([style.style_weight for style in recipe.styles], device=device)
        taps = list(recipe.losses.style_taps)
        grams = []
        for style in recipe.styles:
            painting = read_painting(root / recipe.data.paintings / style.painting, style.short_side).to(device)
            with torch.no_grad():
                grams.append({tap: losses.gram(f)[0] for tap, f in self._perceptual(painting, taps).items()})
        self._targets = {tap: torch.stack([gram[tap] for gram in grams]) for tap in taps}

    def __call__(
        self, photos_NCHW: Tensor, painted_NCHW: Tensor, style_indices_N: Tensor, phase: int | None = None
    ) -> dict[str, Tensor]:
        """The unweighted terms, each a mean over the batch, and `total`, what is minimised.

        With a `phase` (a step's number) the Gram matrices of the two largest taps are taken over every second row
        and column, beginning at one of four places in turn: a quarter of the arithmetic for the same mean.
        """
        weights, bf16 = self._recipe.losses, self._recipe.precision == "bfloat16"
        with torch.autocast(photos_NCHW.device.type, torch.bfloat16, enabled=bf16):
            with torch.no_grad():
                originals = self._perceptual(photos_NCHW, weights.content)
            features = self._perceptual(painted_NCHW, {*weights.content, *weights.style_taps})
        painted_NCHW = painted_NCHW.float()
        targets = {tap: self._targets[tap][style_indices_N] for tap in weights.style_taps}
        style = losses.style_loss(_thinned(features, phase), targets, weights.style_taps)
        content = {tap: losses.content_loss(features[tap], originals[tap]) for tap in weights.content}
        variation = losses.total_variation(painted_NCHW)
        grid = losses.grid_energy(painted_NCHW)
        overflow = losses.overflow(painted_NCHW)
        content_sum = torch.stack([content[tap] * weight for tap, weight in weights.content.items()]).sum(0)
        total = (
            content_sum
            + weights.style * self._weights[style_indices_N] * style
            + weights.total_variation * variation
            + weights.grid * grid
            + weights.overflow * overflow
        )
        terms = {"total": total, "style": style, "variation": variation, "grid": grid, "overflow": overflow}
        terms |= {f"content/{tap}": value for tap, value in content.items()}
        return {name: value.mean() for name, value in terms.items()}


def _thinned(features: dict[str, Tensor], phase: int | None) -> dict[str, Tensor]:
    if phase is None:
        return features
    top, left = phase % 2, phase // 2 % 2
    return {tap: f[..., top::2, left::2] if tap in _THINNED_TAPS else f for tap, f in features.items()}
