"""Judging a bank while it trains: losses on unseen photographs, and grids of pictures for a person to look at."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from trainer.data.crops import Photos, read_painting, validation_batch
from trainer.objective import Objective
from trainer.recipe import BankRecipe, StylesRecipe
from trainer.replacing import replacing

_BATCH = 4
_GLANCED = 16
_GRID_CROP = 256

Terms = dict[str, float]
"""Unweighted loss terms by name, and their weighted sum as "total"."""


class Painter(Protocol):
    """A bank, or what paints like one."""

    @property
    def styles_SD(self) -> Tensor:  # noqa: N802 - the suffix is its shape
        """A vector for each style."""

    def __call__(self, batch_NCHW: Tensor, style_indices_N: Tensor) -> Tensor:
        """Paints each picture in the style of its index."""


def validate(bank: Painter, recipe: BankRecipe, photos: Photos, objective: Objective) -> dict[str, float]:
    """The loss terms on the validation photographs, averaged over all of them in all styles."""
    return mean(measure(bank, recipe, photos, objective, range(len(recipe.styles))))


@torch.no_grad()
def measure(
    bank: Painter,
    recipe: BankRecipe,
    photos: Photos,
    objective: Objective,
    targets: Sequence[int],
    advance: Callable[[int], None] = lambda pictures: None,
) -> list[Terms]:
    """The mean loss terms of each of the bank's styles on the validation photographs.

    Style k is judged against number `targets[k]` of the recipe's paintings. `advance` is told of pictures done.
    """
    device, count = bank.styles_SD.device, len(photos.validation)
    sums: list[Terms] = [{} for _ in targets]
    for start in range(0, count, _BATCH):
        batch = validation_batch(photos, recipe.data.crop, start, _BATCH).to(device)
        for style, (target, terms) in enumerate(zip(targets, sums, strict=True)):
            painted = bank(batch, torch.full((len(batch),), style, device=device)).clamp(0, 1)
            found = objective(batch, painted, torch.full((len(batch),), target, device=device))
            _add(terms, found, len(batch))
            advance(len(batch))
    return [{name: value / count for name, value in terms.items()} for terms in sums]


@torch.no_grad()
def glance(bank: Painter, recipe: BankRecipe, photos: Photos, objective: Objective) -> Terms:
    """The loss terms on the first sixteen validation photographs, each in one style in turn: seconds, not minutes."""
    device = bank.styles_SD.device

    def judge(batch: Tensor, start: int) -> dict[str, Tensor]:
        styles = ((start + torch.arange(len(batch))) % len(recipe.styles)).to(device)
        return objective(batch, bank(batch, styles).clamp(0, 1), styles)

    return averaged(photos, recipe.data.crop, device, judge, _GLANCED)


@torch.no_grad()
def averaged(
    photos: Photos,
    crop: int,
    device: torch.device,
    judge: Callable[[Tensor, int], dict[str, Tensor]],
    most: int | None = None,
) -> Terms:
    """The mean of what `judge` makes of the validation photographs, or of the first `most`.

    It is given a batch of crops and the number of its first photograph, and gives means over the batch.
    """
    count = min(len(photos.validation), most or len(photos.validation))
    sums: Terms = {}
    for start in range(0, count, _BATCH):
        batch = validation_batch(photos, crop, start, min(_BATCH, count - start)).to(device)
        _add(sums, judge(batch, start), len(batch))
    return {name: value / count for name, value in sums.items()}


def mean(styles: Sequence[Terms]) -> Terms:
    """The mean of each term over the styles."""
    return {name: sum(terms[name] for terms in styles) / len(styles) for name in styles[0]}


def _add(sums: Terms, found: dict[str, Tensor], pictures: int) -> None:
    for name, value in found.items():
        sums[name] = sums.get(name, 0.0) + value.item() * pictures


@torch.no_grad()
def draw_grid(bank: Painter, recipe: StylesRecipe, root: Path, photos: Photos, rows: int = 3) -> NDArray[np.uint8]:
    """A picture (H, W, 3): photographs in the first column, the paintings in the first row, what the bank makes."""
    device = bank.styles_SD.device
    spread = [i * len(photos.validation) // rows for i in range(rows)]
    batch = torch.cat([validation_batch(photos, _GRID_CROP, index, 1) for index in spread])
    columns = [torch.cat([torch.zeros(1, 3, _GRID_CROP, _GRID_CROP), batch])]
    for index, style in enumerate(recipe.styles):
        painting = read_painting(root / recipe.data.paintings / style.painting, _GRID_CROP)
        thumbnail = painting[..., :_GRID_CROP, (painting.shape[-1] - _GRID_CROP) // 2 :][..., :_GRID_CROP]
        painted = bank(batch.to(device), torch.full((rows,), index, device=device)).clamp(0, 1).cpu()
        columns.append(torch.cat([thumbnail, painted]))
    grid = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
    return np.asarray((grid * 255).round().byte().permute(1, 2, 0))


def write_grid(grid_HWC: NDArray[np.uint8], path: Path) -> None:
    """Writes what `draw_grid` draws as a PNG. Raises `UsageError` when it cannot be written."""
    with replacing(path, "the grid") as temporary:
        Image.fromarray(grid_HWC).save(temporary, "PNG")
