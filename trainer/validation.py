"""Judging a bank while it trains: losses on unseen photographs, and grids of pictures for a person to look at."""

from pathlib import Path

import torch
from PIL import Image

from trainer.bank import Bank
from trainer.data import Photos, read_painting, validation_batch
from trainer.objective import Objective
from trainer.recipe import Recipe
from trainer.replacing import replacing

_BATCH = 4
_GRID_CROP = 256


@torch.no_grad()
def validate(bank: Bank, recipe: Recipe, photos: Photos, objective: Objective) -> dict[str, float]:
    """The loss terms on the validation photographs, averaged over all of them in all styles."""
    sums: dict[str, float] = {}
    pictures = 0
    device = bank.styles_SD.device
    for start in range(0, len(photos.validation), _BATCH):
        batch = validation_batch(photos, recipe.data.crop, start, _BATCH).to(device)
        for index in range(len(recipe.styles)):
            styles = torch.full((len(batch),), index, device=device)
            for name, value in objective(batch, bank(batch, styles).clamp(0, 1), styles).items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(batch)
            pictures += len(batch)
    return {name: value / pictures for name, value in sums.items()}


@torch.no_grad()
def sample_grid(bank: Bank, recipe: Recipe, root: Path, path: Path, rows: int = 3) -> None:
    """Writes a PNG: photographs in the first column, the paintings in the first row, what the bank makes of them.

    Raises `UsageError` when it cannot be written.
    """
    device = bank.styles_SD.device
    photos = Photos.find(root / recipe.data.photos)
    spread = [photos.validation[i * len(photos.validation) // rows] for i in range(rows)]
    batch = torch.cat([validation_batch(Photos([], [photo]), _GRID_CROP, 0, 1) for photo in spread])
    columns = [torch.cat([torch.zeros(1, 3, _GRID_CROP, _GRID_CROP), batch])]
    for index, style in enumerate(recipe.styles):
        painting = read_painting(root / recipe.data.paintings / style.painting, _GRID_CROP)
        thumbnail = painting[..., :_GRID_CROP, (painting.shape[-1] - _GRID_CROP) // 2 :][..., :_GRID_CROP]
        painted = bank(batch.to(device), torch.full((rows,), index, device=device)).clamp(0, 1).cpu()
        columns.append(torch.cat([thumbnail, painted]))
    grid = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
    with replacing(path, "the grid") as temporary:
        Image.fromarray((grid * 255).round().byte().permute(1, 2, 0).numpy()).save(temporary, "PNG")
