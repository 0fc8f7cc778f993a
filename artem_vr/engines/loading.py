"""From a style bank's file to a torch module with its weights in."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from artem_vr.errors import ModelError
from artem_vr.nets import catalogue
from artem_vr.styles import RANGE, StyleBank

_NAMED = 3
"""How many faults of a file a message names."""


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
    faults = _faults(_shapes(network.state_dict()), _shapes(weights))
    convolutions = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    faults += [f"{RANGE}{name} belongs to no convolution" for name in bank.ranges if name not in convolutions]
    if faults:
        more = f" (and {len(faults) - _NAMED} more)" if len(faults) > _NAMED else ""
        raise ModelError(
            f"{bank.path}: weights and network differ: {', '.join(faults[:_NAMED])}{more}: export or get the bank again"
        )
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {f"network.{name}": tuple(tensor.shape) for name, tensor in tensors.items()}


def _faults(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> list[str]:
    """What is wrong with the weights of a file, by their names there."""
    faults = [f"{name} is missing" for name in wanted if name not in found]
    for name, shape in found.items():
        if name not in wanted:
            faults.append(f"{name} belongs to no layer")
        elif shape != wanted[name]:
            faults.append(f"{name} is {_times(shape)} instead of {_times(wanted[name])}")
    return faults


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"
