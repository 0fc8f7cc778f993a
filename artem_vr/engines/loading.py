"""From a style bank's file to a torch module with its weights in."""

import numpy as np
import torch
from torch import nn

from artem_vr.errors import ModelError
from artem_vr.nets import catalogue
from artem_vr.styles import StyleBank


def load_network(bank: StyleBank) -> nn.Module:
    """The bank's generator in evaluation mode, in float32 on the host. Raises `ModelError` when weights do not fit.

    The weights are copies: whoever changes the module leaves the bank as it is.
    """
    shape = dict(bank.card.network)
    try:
        network, style_size = catalogue.build_empty(str(shape.pop("kind", "")), shape)
    except ModelError as error:
        raise ModelError(f"{bank.path}: {error}") from error
    if bank.styles_SD.shape[1] != style_size:
        raise ModelError(
            f"{bank.path}: style vectors have {bank.styles_SD.shape[1]} numbers, the network takes {style_size}"
        )
    weights = {name: torch.from_numpy(np.array(weight, np.float32, order="C")) for name, weight in bank.weights.items()}
    try:
        network.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ModelError(f"{bank.path}: weights and network differ: {' '.join(str(error).split())[:200]}") from error
    return network.eval().requires_grad_(False)
