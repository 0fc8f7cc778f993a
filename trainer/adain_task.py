"""Training an AdaIN network: the decoder learns to paint any photograph with the statistics of any painting.

Huang and Belongie 2017, eq. 11 to 13. The encoder stays as it is; every picture of a batch is paired with a random crop
of a random painting. The content loss compares the painted picture's features with the restyled ones that it was
decoded from, the style loss the mean and deviation of every channel at relu1_1 to relu4_1.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from artem_vr.errors import InputError
from artem_vr.nets.adain import Adain, AdainConfig
from trainer import losses
from trainer.adain_bank import AdainBank, export_adain
from trainer.data.crops import Photos
from trainer.data.paintings import Paintings
from trainer.perceptual import PerceptualNetwork
from trainer.perceptual_files import perceptual_file
from trainer.recipe import AdainRecipe
from trainer.task import Forward, Terms
from trainer.validation import averaged, draw_grid

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
_GLANCED = 8
_JUDGED_SEED = 1 << 31


class Restyled(nn.Module):
    """The network as training needs it: what was painted, and the features that it was decoded from."""

    def __init__(self, network: Adain) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos_NCHW: Tensor, styles_ND: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, H, W) around [0, 1], and restyled features (N, C, H/8, W/8); sides are multiples of 8."""
        with torch.no_grad():
            restyled = self.network.restyle(self.network.encode(photos_NCHW), styles_ND)
        return self.network.decode(restyled), restyled


class AdainTask:
    """See `trainer.task.Task`."""

    def __init__(self, recipe: AdainRecipe, root: Path, photos: Photos, device: torch.device) -> None:
        if recipe.data.crop % 8:
            raise InputError(
                f"data.crop = {recipe.data.crop}: the network halves pictures three times; take a multiple of 8"
            )
        self._recipe, self._root, self._photos, self._device = recipe, root, photos, device
        self._paintings = Paintings.find(root / recipe.data.paintings)
        self._perceptual = PerceptualNetwork.load(perceptual_file(recipe.data.perceptual, root)).to(device)
        network = with_encoder(PerceptualNetwork.load(perceptual_file(recipe.encoder, root))).to(device)
        self._bank = AdainBank(network, recipe.styles, root / recipe.data.paintings)
        self.module = Restyled(network)
        self._autocast = torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")

    def groups(self) -> list[dict[str, Any]]:
        """The decoder."""
        return [{"params": list(self.module.network.decoder.parameters()), "factor": 1.0}]

    def terms(self, forward: Forward, photos_NCHW: Tensor, step: int, share: slice) -> Terms:
        """The losses of a step, each photograph with a crop of a painting."""
        recipe = self._recipe
        paintings = self._paintings.crops(recipe.data.crop, recipe.batch, recipe.seed, step, recipe.painting_side)
        return self._losses(forward, photos_NCHW, paintings[share].to(self._device))

    def glance(self) -> dict[str, float]:
        """The losses on the first held-out photographs."""
        return self._measure(_GLANCED)

    def validate(self) -> dict[str, float]:
        """The losses on all held-out photographs, each with a crop of a painting, the same ones every time."""
        return self._measure()

    def draw(self) -> NDArray[np.uint8]:
        """Photographs down, the paintings of the recipe's styles across."""
        return draw_grid(self._bank, self._recipe, self._root, self._photos)

    def export(self, path: Path, steps: int, validation: dict[str, float]) -> None:
        """Writes the network with the styles of the recipe."""
        export_adain(self._bank, self._recipe, steps, validation, path)

    def _measure(self, most: int | None = None) -> dict[str, float]:
        recipe = self._recipe

        def judge(batch: Tensor, start: int) -> Terms:
            crops = self._paintings.crops(recipe.data.crop, len(batch), _JUDGED_SEED, start, recipe.painting_side)
            return self._losses(self.module, batch, crops.to(self._device))

        return averaged(self._photos, recipe.data.crop, self._device, judge, most)

    def _losses(self, forward: Forward, photos_NCHW: Tensor, paintings_NCHW: Tensor) -> Terms:
        network, recipe = self.module.network, self._recipe
        with self._autocast:
            with torch.no_grad():
                styles = network.style_of(paintings_NCHW)
                wanted = self._perceptual(paintings_NCHW, TAPS)
            painted, restyled = forward(photos_NCHW, styles)
            found = self._perceptual(painted, TAPS)
            features = network.encode(painted)
        terms = {
            "content": losses.feature_loss(features, restyled).mean(),
            "style": torch.stack([losses.statistics_loss(found[tap], wanted[tap]).mean() for tap in TAPS]).sum(),
            "variation": losses.total_variation(painted.float()).mean(),
        }
        total = recipe.content * terms["content"] + recipe.style * terms["style"]
        return {"total": total + recipe.total_variation * terms["variation"], **terms}


def with_encoder(perceptual: PerceptualNetwork) -> Adain:
    """An AdaIN network with a fresh decoder, whose encoder is a perceptual network up to relu4_1 and does not learn.

    Raises `InputError` when its layers are not those of an encoder.
    """
    widths = [
        getattr(perceptual, f"conv{scale}_1_weight").shape[0]
        for scale in range(1, 5)
        if f"conv{scale}_1" in perceptual.layers
    ]
    third = sum(layer.startswith("conv3_") for layer in perceptual.layers)
    network = Adain(AdainConfig(widths[0], max(1, third)))
    seen = [layer for layer in perceptual.layers if layer <= "conv4_1"]
    if ["conv0", *seen] != [*network.encoder] or widths != network.config.widths:
        raise InputError(
            f"encoder: its scales are {widths} channels wide; up to conv4_1 it must have two convolutions in each of "
            "the first two scales, and each scale twice the channels of the one before: take small or vgg19"
        )
    for name, convolution in network.encoder.items():
        convolution.load_state_dict({part: getattr(perceptual, f"{name}_{part}") for part in ("weight", "bias")})
    network.encoder.requires_grad_(False)
    return network
