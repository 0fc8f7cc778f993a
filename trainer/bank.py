"""A generator with the style vectors of its painters, as one module to train and to export."""

from collections.abc import Sequence

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from artem_vr.errors import InputError
from artem_vr.nets import catalogue
from artem_vr.styles import ModelCard, StyleBank
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


UNNAMED_ZEROS = ("inner", "margin")
"""Fields that a card leaves out where they are 0: cards from before there were such fields are then like new ones."""

_FIELDS = {
    "compact": ("channels", "deep_channels", "blocks", "shallow_blocks", "tail_channels", "inner"),
    "johnson": ("channels", "blocks", "upsampling", "output", "inner", "margin"),
}


def shape_of(network: NetworkRecipe) -> dict[str, int | str]:
    """The configuration's fields for a network of this kind, as they stand in a card."""
    shape: dict[str, int | str] = {}
    for field in _FIELDS[network.kind]:
        value = getattr(network, field)
        if value or field not in UNNAMED_ZEROS:
            # Johnson's own name for what recipes call channels.
            shape["width" if (network.kind, field) == ("johnson", "channels") else field] = value
    return shape


def network_of(card: ModelCard) -> NetworkRecipe:
    """The recipe's network for the one of a card. Raises `InputError` when no recipe can describe it."""
    fields = {"channels" if name == "width" else name: value for name, value in card.network.items()}
    try:
        return NetworkRecipe.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"the network of {card.name} cannot be trained: it is too small or of another kind") from error


def styles_of_step(count: int, batch: int, seed: int, step: int) -> Tensor:
    """Which style each picture of a step gets (batch,): shuffled rounds, so that all styles are seen equally often."""
    indices = []
    for position in range(step * batch, (step + 1) * batch):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + position // count)
        indices.append(torch.randperm(count, generator=generator)[position % count])
    return torch.stack(indices)
