"""The training objective of a recipe: the paintings' style statistics, and the weighted sum of the loss terms."""

from pathlib import Path

import torch
from torch import Tensor

from trainer import losses
from trainer.data.crops import read_painting
from trainer.perceptual import PerceptualNetwork
from trainer.recipe import Recipe

_WHOLE_PICTURE = 1 << 20


class Objective:
    """Measures painted pictures against their photographs and paintings."""

    def __init__(self, recipe: Recipe, root: Path, device: torch.device | None = None) -> None:
        self._recipe = recipe
        device = device or torch.device("cpu")
        self._perceptual = PerceptualNetwork.load(root / recipe.data.perceptual).requires_grad_(False).to(device)
        self._weights = torch.tensor([style.style_weight for style in recipe.styles], device=device)
        taps = list(recipe.losses.style_taps)
        found, palettes = [], []
        for style in recipe.styles:
            painting = read_painting(root / recipe.data.paintings / style.painting, style.short_side).to(device)
            with torch.no_grad():
                features = self._perceptual(painting, taps)
            palettes.append(losses.palette_of(painting))
            found.append({tap: losses.Moments.of(feature) for tap, feature in features.items()})
        self._targets = {tap: losses.Moments.stack([moments[tap] for moments in found]) for tap in taps}
        self._palettes_SKC = torch.stack(palettes)

    def __call__(
        self, photos_NCHW: Tensor, painted_NCHW: Tensor, style_indices_N: Tensor, phase: int | None = None
    ) -> dict[str, Tensor]:
        """The unweighted terms, each a mean over the batch, and `total`, what is minimised.

        With a `phase` (a step's number) the two largest taps are thinned, see `PerceptualNetwork`.
        """
        weights, bf16 = self._recipe.losses, self._recipe.precision == "bfloat16"
        with torch.autocast(photos_NCHW.device.type, torch.bfloat16, enabled=bf16):
            with torch.no_grad():
                originals = self._perceptual(photos_NCHW, weights.content, phase)
            features = self._perceptual(painted_NCHW, {*weights.content, *weights.style_taps}, phase)
        painted_NCHW = painted_NCHW.float()
        targets = {tap: self._targets[tap][style_indices_N] for tap in weights.style_taps}
        style = losses.style_loss(features, targets, weights.style_taps)
        content = {tap: losses.content_loss(features[tap], originals[tap]) for tap in weights.content}
        content_sum = torch.stack([content[tap] * weight for tap, weight in weights.content.items()]).sum(0)
        terms = {
            "style": style,
            "tone": losses.tone_loss(painted_NCHW, photos_NCHW),
            "patch": losses.patch_loss(painted_NCHW, photos_NCHW),
            "palette": losses.palette_loss(painted_NCHW, self._palettes_SKC[style_indices_N]),
            "variation": losses.total_variation(painted_NCHW),
            "grid": losses.grid_energy(painted_NCHW),
            "lattice": losses.lattice(painted_NCHW),
            "constant_grid": losses.grid_energy(painted_NCHW.clamp(0, 1), window=_WHOLE_PICTURE),
            "grid_share": losses.grid_share(painted_NCHW),
            "weave": losses.weave(painted_NCHW),
            "overflow": losses.overflow(painted_NCHW),
        }
        scales: dict[str, float | Tensor] = {
            "style": weights.style * self._weights[style_indices_N],
            "tone": weights.tone,
            "patch": weights.patch,
            "palette": weights.palette,
            "variation": weights.total_variation,
            "grid": weights.grid,
            "lattice": weights.lattice,
            "constant_grid": weights.constant_grid,
            "grid_share": weights.grid_share,
            "weave": weights.weave,
            "overflow": weights.overflow,
        }
        terms["total"] = content_sum + torch.stack([scales[name] * value for name, value in terms.items()]).sum(0)
        terms |= {f"content/{tap}": value for tap, value in content.items()}
        return {name: value.mean() for name, value in terms.items()}
