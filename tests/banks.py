"""Tiny banks for tests: random networks whose pictures stay inside [0, 1], in memory and as a file."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from artem_vr.nets.adain import Adain, AdainConfig
from artem_vr.styles import StyleBank
from trainer.adain_bank import AdainBank, export_adain
from trainer.bank import Bank
from trainer.export import export, model_card
from trainer.recipe import AdainRecipe, Recipe

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


ADAIN_SIDE = 64
"""Pixels of the short side of the paintings that `random_adain_bank` names."""


def random_adain(config: AdainConfig, seed: int = 0) -> Adain:
    """An AdaIN network whose layers keep the scale of what they see, as trained ones do: fresh ones let it die out.

    Every weight is a half-precision number, so that a file holds this very network. The last layer is fitted to a
    picture, so that paint keeps off 0 and 1.
    """
    generator = torch.Generator().manual_seed(seed)
    network = Adain(config).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        else:
            nn.init.kaiming_normal_(parameter, generator=generator)
    # As of VGG: mean and deviation of ImageNet's colours.
    network.encoder["conv0"].weight.copy_(torch.diag(torch.tensor([4.37, 4.46, 4.44]))[..., None, None])
    network.encoder["conv0"].bias.copy_(torch.tensor([-2.12, -2.04, -1.80]))
    network.half().float()
    batch = torch.from_numpy(picture(64, 64, 9)).permute(2, 0, 1)[None] / 255
    deviation, mean = torch.std_mean(network(batch, network.style_of(batch)), (0, 2, 3))
    last = network.decoder["conv1_1"]
    last.weight *= (0.035 / deviation)[:, None, None, None]
    last.bias.copy_(0.5 - 0.035 / deviation * mean)
    return network.half().float()


def random_adain_bank(folder: Path, styles: tuple[str, ...] = STYLES, seed: int = 0) -> StyleBank:
    """A bank of `random_adain`, width 4, with a painting of its own for each style, written by the trainer and read.

    The paintings lie in `folder / "paintings"` as NAME.png.
    """
    (folder / "paintings").mkdir(exist_ok=True)
    for number, name in enumerate(styles, 1):
        Image.fromarray(picture(ADAIN_SIDE, ADAIN_SIDE + 16, 10 * number)).save(folder / "paintings" / f"{name}.png")
    tiny = tiny_recipe(styles).model_dump(include={"name", "steps", "data", "styles"})
    cards = [{**style, "short_side": ADAIN_SIDE} for style in tiny["styles"]]
    recipe = AdainRecipe.model_validate({**tiny, "task": "adain", "encoder": "small", "styles": cards})
    bank = AdainBank(random_adain(AdainConfig(width=4, third=1), seed), recipe.styles, folder / "paintings")
    path = folder / "adain.safetensors"
    export_adain(bank, recipe, 0, {}, path)
    return StyleBank.load(path)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A colourful uint8 picture (H, W, 3): soft blobs, a hard edge and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x * random.uniform(0.02, 0.3) + y * random.uniform(0.02, 0.3) + c) for c in range(3)]
    rgb = 128 + 70 * np.stack(waves, axis=-1) + random.normal(0, 6, (height, width, 3))
    rgb[height // 3 : height // 2, width // 4 : width // 2] = random.uniform(0, 255, 3)
    return rgb.clip(0, 255).astype(np.uint8)
