"""Judging a bank that is trained for calm: on photographs it may look well and paint the scene in one flat colour."""

import torch

from trainer.calm import Calm
from trainer.data.crops import Photos, validation_batch
from trainer.objective import Objective
from trainer.recipe import BankRecipe
from trainer.validation import Painter, Terms

SCENE = "scene/"
"""What the names of the terms on the scene's pictures begin with."""
_BATCH = 4
_COMPARED = 16


@torch.no_grad()
def judge_calm(
    bank: Painter, recipe: BankRecipe, photos: Photos, objective: Objective, calm: Calm, every_style: bool
) -> Terms:
    """All terms of the objective on the scene, as "scene/total" and so on, and the unweighted terms of `calm`.

    `calm` is the one to judge by, whose places training never saw. The scene's pictures are painted in every style, or
    each in one in turn; the terms of calm are of the first sixteen held-out photographs, each in one style.
    """
    scene, styles = calm.scene_NCHW(), len(recipe.styles)
    found: list[tuple[int, dict[str, torch.Tensor]]] = []
    for start in range(0, len(scene), _BATCH):
        batch = scene[start : start + _BATCH]
        places = torch.arange(start, start + len(batch), device=scene.device)
        for turn in range(styles if every_style else 1):
            chosen = (places + turn) % styles
            terms = objective(batch, bank(batch, chosen).clamp(0, 1), chosen)
            found.append((len(batch), {SCENE + name: value for name, value in terms.items()}))
    means = _means(found)
    compared = []
    for start in range(0, min(_COMPARED, len(photos.validation)), _BATCH):
        batch = validation_batch(photos, recipe.data.crop, start, _BATCH).to(scene.device)
        chosen = ((start + torch.arange(len(batch))) % styles).to(scene.device)
        extra = calm.extra(batch, chosen, start)
        painted = bank(torch.cat([batch, extra.pictures_NCHW]), torch.cat([chosen, extra.styles_N])).clamp(0, 1)
        compared.append((len(batch), calm.terms(painted[: len(batch)], painted[len(batch) :], extra)))
    return means | _means(compared)


def _means(found: list[tuple[int, dict[str, torch.Tensor]]]) -> Terms:
    """The mean of each term, each batch counting by its pictures."""
    pictures = sum(count for count, _ in found)
    return {name: sum(count * terms[name].item() for count, terms in found) / pictures for name in found[0][1]}
