"""A generator with the style vectors of its painters, as one module to train and to export."""

import torch
from torch import Tensor, nn

from artem_vr.nets import catalogue
from trainer.recipe import NetworkRecipe, Recipe


class Bank(nn.Module):
    """The network and one style vector (D,) for each of S styles."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.network, initial = catalogue.build(recipe.network.kind, shape_of(recipe.network))
        self.styles_SD = nn.Parameter(initial.repeat(len(recipe.styles), 1))

    def forward(self, batch_NCHW: Tensor, style_indices_N: Tensor) -> Tensor:
        """Paints each picture in the style of its index: RGB around [0, 1], of the shape of the batch."""
        return self.network(batch_NCHW, self.styles_SD[style_indices_N])


def shape_of(network: NetworkRecipe) -> dict[str, int | str]:
    """The configuration's fields for a network of this kind."""
    if network.kind == "johnson":
        return {
            "width": network.channels,
            "blocks": network.blocks,
            "upsampling": network.upsampling,
            "output": network.output,
        }
    return {"channels": network.channels, "blocks": network.blocks, "tail_channels": network.tail_channels}


def styles_of_step(count: int, batch: int, seed: int, step: int) -> Tensor:
    """Which style each picture of a step gets (batch,): shuffled rounds, so that all styles are seen equally often."""
    indices = []
    for position in range(step * batch, (step + 1) * batch):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + position // count)
        indices.append(torch.randperm(count, generator=generator)[position % count])
    return torch.stack(indices)
