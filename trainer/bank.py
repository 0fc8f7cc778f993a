"""A generator with the style vectors of its painters, as one module to train and to export."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from artem_vr.errors import InputError
from artem_vr.nets import catalogue
from artem_vr.styles import StyleBank
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

    @torch.no_grad()
    def begin_from(self, start: StyleBank, names: Sequence[str]) -> None:
        """Takes over the weights of a finished bank, and for each of `names` the style vector that it has for it.

        A style that is new begins at the mean of all vectors. Raises `InputError` when the network has another shape.
        """
        try:
            self.network.load_state_dict({name: torch.from_numpy(weight) for name, weight in start.weights.items()})
        except RuntimeError as error:
            raise InputError(f"{start.path} holds another network: set start to a bank of this one's shape") from error
        vectors_SD = torch.from_numpy(start.styles_SD)
        for row, name in enumerate(names):
            known = name in start.names
            self.styles_SD[row] = vectors_SD[start.index(name)] if known else vectors_SD.mean(0)


def shape_of(network: NetworkRecipe) -> dict[str, int | str]:
    """The configuration's fields for a network of this kind."""
    if network.kind == "johnson":
        return {
            "width": network.channels,
            "blocks": network.blocks,
            "upsampling": network.upsampling,
            "output": network.output,
        }
    return network.model_dump(include={"channels", "deep_channels", "blocks", "shallow_blocks", "tail_channels"})


def styles_of_step(count: int, batch: int, seed: int, step: int) -> Tensor:
    """Which style each picture of a step gets (batch,): shuffled rounds, so that all styles are seen equally often."""
    indices = []
    for position in range(step * batch, (step + 1) * batch):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + position // count)
        indices.append(torch.randperm(count, generator=generator)[position % count])
    return torch.stack(indices)
