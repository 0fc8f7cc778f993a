"""An AdaIN network with the paintings that its file names: the same thing to people as a bank of painters."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from artem_vr.nets.adain import Adain
from artem_vr.styles import ModelCard
from trainer.data.crops import read_painting
from trainer.export import style_cards, write_bank
from trainer.recipe import AdainRecipe, StyleRecipe


class AdainBank(nn.Module):
    """The network and the style vector (S, D) of each painting, which the encoder gives and nothing learns."""

    def __init__(self, network: Adain, styles: Sequence[StyleRecipe], paintings: Path) -> None:
        super().__init__()
        self.network = network
        device = next(network.parameters()).device
        with torch.no_grad():
            pictures = [read_painting(paintings / style.painting, style.short_side).to(device) for style in styles]
            vectors = torch.cat([network.style_of(picture) for picture in pictures])
        self.styles_SD: Tensor
        self.register_buffer("styles_SD", vectors)

    def forward(self, batch_NCHW: Tensor, style_indices_N: Tensor) -> Tensor:
        """Paints each picture in the style of its index: RGB around [0, 1], of the shape of the batch."""
        painted: Tensor = self.network(batch_NCHW, self.styles_SD[style_indices_N])
        return painted


def export_adain(bank: AdainBank, recipe: AdainRecipe, steps: int, validation: dict[str, float], path: Path) -> None:
    """Writes network and styles as a bank. Raises `UsageError` when it cannot be written."""
    card = ModelCard(
        name=recipe.name,
        description=(
            "A network that paints photographs, video and rendered scenes in the style of any picture (adaptive "
            f"instance normalisation, Huang and Belongie 2017). Its encoder is the perceptual network {recipe.encoder}."
        ),
        network={"kind": "adain", **bank.network.config.to_metadata()},
        styles=style_cards(recipe.styles),
        data=recipe.data.terms,
        steps=steps,
        pictures_seen=steps * recipe.batch,
        losses={"content": recipe.content, "style": recipe.style, "total_variation": recipe.total_variation},
        validation={name: round(value, 5) for name, value in validation.items()},
        licence=recipe.licence,
    )
    write_bank(bank.network, bank.styles_SD, card, path)
