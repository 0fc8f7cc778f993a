"""From a style bank's file to a torch module with its weights in."""

import torch
from torch import nn

from artem_vr.errors import ModelError
from artem_vr.nets import catalogue
from artem_vr.styles import StyleBank


def load_network(bank: StyleBank) -> nn.Module:
    """The bank's generator in evaluation mode, in float32 on the host. Raises `ModelError` when weights do not fit."""
    shape = dict(bank.card.network)
    network, initial_style = catalogue.build(str(shape.pop("kind", "")), shape)
    if bank.styles_SD.shape[1] != len(initial_style):
        raise ModelError(
            f"{bank.path}: style vectors have {bank.styles_SD.shape[1]} numbers, the network takes {len(initial_style)}"
        )
    try:
        network.load_state_dict({name: torch.from_numpy(weight) for name, weight in bank.weights.items()})
    except RuntimeError as error:
        raise ModelError(f"{bank.path}: weights and network differ: {' '.join(str(error).split())[:200]}") from error
    return network.eval().requires_grad_(False)
