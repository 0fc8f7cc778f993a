"""Tiny banks for tests: random networks whose pictures stay inside [0, 1], in memory and as a file."""

from pathlib import Path

import numpy as np
import torch

from artem_vr.styles import StyleBank
from trainer.bank import Bank
from trainer.export import export, model_card
from trainer.recipe import Recipe

STYLES = ("red", "green", "blue")


def tiny_recipe(styles: tuple[str, ...] = STYLES, kind: str = "compact", channels: int = 8, blocks: int = 2) -> Recipe:
    """A valid recipe; its data does not exist."""
    return Recipe.model_validate(
        {
            "name": "tiny",
            "steps": 10,
            "network": {"kind": kind, "channels": channels, "deep_channels": 12, "blocks": blocks, "tail_channels": 8},
            "data": {"root": ".", "photos": "p", "paintings": "q", "perceptual": "r", "terms": "made by the tests"},
            "styles": [
                {"name": name, "painting": f"{name}.png", "title": name.title(), "artist": "A Test", "year": "2024"}
                for name in styles
            ],
        }
    )


def random_bank(folder: Path, recipe: Recipe | None = None, seed: int = 0) -> StyleBank:
    """A bank of untrained weights and well-separated random styles, written with the trainer and read back.

    The last layer is shrunk, so that pictures keep off 0 and 255, where clamping would hide differences.
    """
    recipe = recipe or tiny_recipe()
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        bank = Bank(recipe)
    with torch.no_grad():
        bank.styles_SD += 0.3 * torch.randn(bank.styles_SD.shape, generator=generator)
        if recipe.network.kind == "compact":
            bank.styles_SD[:, 0] = 0.1
            bank.styles_SD[:, 1:4] = 0.45 + 0.1 * torch.rand(len(recipe.styles), 3, generator=generator)
        paint = bank.network.get_parameter("paint.weight")
        paint *= 0.12
    path = folder / f"{recipe.name}.safetensors"
    export(bank, model_card(recipe, 0, {}), path)
    return StyleBank.load(path)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A colourful uint8 picture (H, W, 3): soft blobs, a hard edge and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x * random.uniform(0.02, 0.3) + y * random.uniform(0.02, 0.3) + c) for c in range(3)]
    rgb = 128 + 70 * np.stack(waves, axis=-1) + random.normal(0, 6, (height, width, 3))
    rgb[height // 3 : height // 2, width // 4 : width // 2] = random.uniform(0, 255, 3)
    return rgb.clip(0, 255).astype(np.uint8)
