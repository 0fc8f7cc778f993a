"""The training objective of a recipe: the paintings' style statistics, and the weighted sum of the loss terms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer import losses
from trainer.data.crops import read_painting
from trainer.perceptual import PerceptualNetwork
from trainer.perceptual_files import perceptual_file
from trainer.recipe import BankRecipe, LossRecipe

_WHOLE_PICTURE = 1 << 20
_BALANCED = ("content", "style", "variation")
_FAINTEST = 1e-12
_WEIGHT_OF = {
    "style": "style",
    "tone": "tone",
    "patch": "patch",
    "palette": "palette",
    "variation": "total_variation",
    "grid": "grid",
    "lattice": "lattice",
    "constant_grid": "constant_grid",
    "grid_share": "grid_share",
    "weave": "weave",
    "overflow": "overflow",
}
"""Each term, and the key of a recipe that weighs it; content has a weight for each tap."""


class Objective:
    """Measures painted pictures against their photographs and paintings."""

    def __init__(self, recipe: BankRecipe, root: Path, device: torch.device | None = None) -> None:
        self._recipe = recipe
        device = device or torch.device("cpu")
        perceptual = PerceptualNetwork.load(perceptual_file(recipe.data.perceptual, root))
        self._perceptual = perceptual.requires_grad_(False).to(device)
        self._weights = torch.tensor([style.style_weight for style in recipe.styles], device=device)
        taps = list(recipe.losses.style_taps)
        self._balance = dict.fromkeys(_BALANCED, 1.0)
        self._gram = recipe.losses.form == "gram"
        measure: Callable[[Tensor], Any] = losses.gram if self._gram else losses.Moments.of
        found, palettes = [], []
        for style in recipe.styles:
            painting = read_painting(root / recipe.data.paintings / style.painting, style.short_side).to(device)
            with torch.no_grad():
                features = self._perceptual(painting, taps)
            palettes.append(losses.palette_of(painting))
            found.append({tap: measure(feature) for tap, feature in features.items()})
        join: Callable[[list[Any]], Any] = torch.cat if self._gram else losses.Moments.stack
        self._targets = {tap: join([one[tap] for one in found]) for tap in taps}
        self._palettes_SKC = torch.stack(palettes)

    def balance(self, measured: dict[str, float]) -> None:
        """Brings content, style and variation to 1 each where the unweighted terms are as `measured`.

        What each then weighs is the recipe's, whatever the perceptual network and the painting make of the units.
        """
        taps = self._recipe.losses.content
        content = sum(weight * measured[f"content/{tap}"] for tap, weight in taps.items())
        found = {"content": content, "style": measured["style"], "variation": measured["variation"]}
        self._balance = {name: 1 / max(value, _FAINTEST) for name, value in found.items()}

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
        if self._gram:
            style = losses.gram_loss(features, targets, weights.style_taps)
            content = {tap: losses.feature_loss(features[tap], originals[tap]) for tap in weights.content}
        else:
            style = losses.style_loss(features, targets, weights.style_taps)
            content = {tap: losses.content_loss(features[tap], originals[tap]) for tap in weights.content}
        content_sum = torch.stack([content[tap] * weight for tap, weight in weights.content.items()]).sum(0)
        measures: dict[str, Callable[[], Tensor]] = {
            "style": lambda: style,
            "tone": lambda: losses.tone_loss(painted_NCHW, photos_NCHW),
            "patch": lambda: losses.patch_loss(painted_NCHW, photos_NCHW),
            "palette": lambda: losses.palette_loss(painted_NCHW, self._palettes_SKC[style_indices_N]),
            "variation": lambda: losses.total_variation(painted_NCHW),
            "grid": lambda: losses.grid_energy(painted_NCHW),
            "lattice": lambda: losses.lattice(painted_NCHW),
            "constant_grid": lambda: losses.grid_energy(painted_NCHW.clamp(0, 1), window=_WHOLE_PICTURE),
            "grid_share": lambda: losses.grid_share(painted_NCHW),
            "weave": lambda: losses.weave(painted_NCHW),
            "overflow": lambda: losses.overflow(painted_NCHW),
        }
        scales: dict[str, float | Tensor] = {name: getattr(weights, key) for name, key in _WEIGHT_OF.items()}
        scales["style"] = weights.style * self._balance["style"] * self._weights[style_indices_N]
        scales["variation"] = weights.total_variation * self._balance["variation"]
        # What weighs nothing is looked at in validation alone.
        terms = {
            name: measure()
            for name, measure in measures.items()
            if phase is None or isinstance(scales[name], Tensor) or scales[name]
        }
        terms["total"] = self._balance["content"] * content_sum + torch.stack(
            [scales[name] * value for name, value in terms.items()]
        ).sum(0)
        terms |= {f"content/{tap}": value for tap, value in content.items()}
        return {name: value.mean() for name, value in terms.items()}


def weighed(terms: dict[str, float], weights: LossRecipe) -> float:
    """The total of unweighted terms as another recipe weighs them, so that networks of several recipes compare."""
    content = sum(weight * terms[f"content/{tap}"] for tap, weight in weights.content.items())
    return content + sum(getattr(weights, key) * terms[name] for name, key in _WEIGHT_OF.items())
