"""Training a bank: a generator and the style vectors of its painters, against the photographs and the paintings.

With a teacher, a larger bank of the same styles, it also learns to paint what that one paints (Hinton, Vinyals and Dean
2015): every pixel then says something, not statistics alone.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artem_vr.styles import StyleBank
from trainer.bank import Bank, network_of, styles_of_step
from trainer.calm import Calm
from trainer.calm_validation import judge_calm
from trainer.data.crops import Photos
from trainer.data.loader import BatchLoader
from trainer.export import export, model_card
from trainer.objective import Objective
from trainer.pruning import pruned_bank
from trainer.recipe import Recipe
from trainer.task import Forward, Terms
from trainer.trained import TrainedBank
from trainer.validation import draw_grid, glance, validate

_MEASURED_STEPS = 4


class BankTask:
    """See `trainer.task.Task`."""

    module: Bank

    def __init__(self, recipe: Recipe, root: Path, photos: Photos, batches: BatchLoader, device: torch.device) -> None:
        self._start = StyleBank.load(Path(recipe.start)) if recipe.start else None
        if self._start is not None and recipe.prune.any:
            self._start = pruned_bank(self._start, recipe.prune.inner, recipe.prune.trunk)
            recipe = recipe.model_copy(update={"network": network_of(self._start.card)})
        self._recipe, self._root, self._photos, self._device = recipe, root, photos, device
        self._bf16 = recipe.precision == "bfloat16"
        self.module = Bank(recipe)
        if self._start is not None:
            self.module.begin_from(self._start, [style.name for style in recipe.styles])
        self.module.to(device)
        self.objective = Objective(recipe, root, device)
        names = [style.name for style in recipe.styles]
        teacher = StyleBank.load(Path(recipe.teacher)) if recipe.teacher else None
        self._teacher = TrainedBank(teacher, names, device).requires_grad_(False) if teacher else None
        self._calm = self._held_out = None
        if recipe.calm.any:
            self._calm, self._held_out = Calm.open(recipe.calm, recipe.data.crop, recipe.seed, device)
        if recipe.losses.balance:
            self._balance(batches)

    def groups(self) -> list[dict[str, Any]]:
        """The weights, and the style vectors, which learn faster."""
        return [
            {"params": list(self.module.network.parameters()), "factor": 1.0},
            {"params": [self.module.styles_SD], "factor": self._recipe.style_rate_factor},
        ]

    def terms(self, forward: Forward, photos_NCHW: Tensor, step: int, share: slice) -> Terms:
        """The objective's terms, each picture painted in one style."""
        styles = self._styles(step)[share].to(self._device)
        if self._calm is None:
            painted = forward(photos_NCHW, styles)
            terms = self.objective(photos_NCHW, painted, styles, phase=step)
        else:
            painted, terms = self._calm_terms(self._calm, forward, photos_NCHW, styles, step, share.start or 0)
        if self._teacher is not None:
            with torch.no_grad(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
                taught = self._teacher(photos_NCHW, styles)
            terms["teacher"] = (painted.float() - taught.float()).abs().mean()
            terms["total"] = terms["total"] + self._recipe.losses.teacher * terms["teacher"]
        return terms

    def _calm_terms(
        self, calm: Calm, forward: Forward, photos_NCHW: Tensor, styles_N: Tensor, step: int, rank: int
    ) -> tuple[Tensor, Terms]:
        """The paintings of the photographs, and the terms of a step that trains for calm as well.

        The scene is judged by the objective as photographs are: a network that may paint it as it likes soon knows it
        from a photograph, and paints nothing at all, which is very calm.
        """
        extra = calm.extra(photos_NCHW, styles_N, step, rank)
        pictures, styles = torch.cat([photos_NCHW, extra.pictures_NCHW]), torch.cat([styles_N, extra.styles_N])
        # All in one pass: of many processes each may run the module but once a step.
        painted = forward(pictures, styles)
        count = len(photos_NCHW)
        judged = [*range(count), *range(2 * count, 2 * count + extra.places)]
        terms = self.objective(pictures[judged], painted[judged], styles[judged], phase=step)
        found = calm.terms(painted[:count], painted[count:], extra)
        return painted[:count], {**terms, **found, "total": terms["total"] + found["calm"]}

    def glance(self) -> dict[str, float]:
        """The objective's terms on few photographs, each in one style; of a training for calm see `judge_calm`."""
        terms = glance(self.module, self._recipe, self._photos, self.objective)
        return terms | self._judged_calm(every_style=False)

    def validate(self) -> dict[str, float]:
        """The objective's terms on all held-out photographs, averaged over all styles; and `judge_calm`'s."""
        terms = validate(self.module, self._recipe, self._photos, self.objective)
        return terms | self._judged_calm(every_style=True)

    def _judged_calm(self, every_style: bool) -> dict[str, float]:
        if self._held_out is None:
            return {}
        judged = self._recipe, self._photos, self.objective, self._held_out
        return judge_calm(self.module, *judged, every_style)

    def draw(self) -> NDArray[np.uint8]:
        """Photographs down, paintings across."""
        return draw_grid(self.module, self._recipe, self._root, self._photos)

    def export(self, path: Path, steps: int, validation: dict[str, float]) -> None:
        """Writes the bank."""
        start = None if self._start is None else self._start.card
        export(self.module, model_card(self._recipe, steps, validation, start), path)

    def _styles(self, step: int) -> Tensor:
        return styles_of_step(len(self._recipe.styles), self._recipe.batch, self._recipe.seed, step)

    @torch.no_grad()
    def _balance(self, batches: BatchLoader) -> None:
        """Measures the terms with the module as it is now, fresh: a resumed run measures the same."""
        found: list[dict[str, float]] = []
        for step in range(_MEASURED_STEPS):
            photos, styles = batches.batch(step).to(self._device), self._styles(step).to(self._device)
            terms = self.objective(photos, self.module(photos, styles), styles)
            found.append({name: value.item() for name, value in terms.items()})
        self.objective.balance({name: sum(terms[name] for terms in found) / len(found) for name in found[0]})
