"""Judging a bank while it trains: losses on unseen photographs, and grids of pictures for a person to look at."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from trainer.bank import Bank
from trainer.data.crops import Photos, read_painting, validation_batch
from trainer.objective import Objective
from trainer.recipe import Recipe
from trainer.replacing import replacing

_BATCH = 4
_GLANCED = 16
_GRID_CROP = 256


@torch.no_grad()
def validate(
    bank: Bank, recipe: Recipe, photos: Photos, objective: Objective, glance: bool = False
) -> dict[str, float]:
    """The loss terms on the validation photographs, averaged over all of them in all styles.

    A `glance` takes the first sixteen, each in one style in turn: seconds where the whole takes minutes.
    """
    sums: dict[str, float] = {}
    pictures = 0
    device, count = bank.styles_SD.device, len(recipe.styles)
    for start in range(0, min(len(photos.validation), _GLANCED) if glance else len(photos.validation), _BATCH):
        batch = validation_batch(photos, recipe.data.crop, start, _BATCH).to(device)
        in_turn = (start + torch.arange(len(batch))) % count
        for styles in [in_turn] if glance else [torch.full((len(batch),), index) for index in range(count)]:
            painted = bank(batch, styles.to(device)).clamp(0, 1)
            for name, value in objective(batch, painted, styles.to(device)).items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(batch)
            pictures += len(batch)
    return {name: value / pictures for name, value in sums.items()}


@torch.no_grad()
def draw_grid(bank: Bank, recipe: Recipe, root: Path, photos: Photos, rows: int = 3) -> NDArray[np.uint8]:
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
