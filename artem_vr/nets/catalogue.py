"""Builds a generator from its kind and shape, as they stand in a recipe or in a model's card."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from artem_vr.errors import ModelError, unknown_name
from artem_vr.nets import adain, compact, johnson

_KINDS: dict[str, tuple[Any, Any, Any]] = {
    "adain": (adain.AdainConfig, adain.Adain, adain.initial_style),
    "compact": (compact.CompactConfig, compact.Compact, compact.initial_style),
    "johnson": (johnson.JohnsonConfig, johnson.Johnson, johnson.initial_style),
}
_LARGEST = 4096
"""No field of a network that can be run is larger; what a corrupt card asks for may be, and would take all memory."""


def build(kind: str, shape: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
    """A generator with random weights, and the style vector (D,) that training starts from.

    `shape` holds the fields of the kind's configuration; the missing ones take their defaults. Raises `ModelError`
    for an unknown kind or an impossible shape.
    """
    config = _configuration(kind, shape)
    _, network, initial_style = _KINDS[kind]
    return network(config), initial_style(config)


def build_empty(kind: str, shape: Mapping[str, Any]) -> tuple[nn.Module, int]:
    """A generator whose weights are shapes without memory (torch's device "meta"), and the length D of its styles.

    It takes weights by `load_state_dict(..., assign=True)`. Raises `ModelError` as `build` does.
    """
    config = _configuration(kind, shape)
    with torch.device("meta"), _NoInitialisation():
        return _KINDS[kind][1](config), config.style_size


def _configuration(kind: str, shape: Mapping[str, Any]) -> Any:
    if kind not in _KINDS:
        raise ModelError(unknown_name("network kind", kind, _KINDS))
    configuration = _KINDS[kind][0]
    known = {field.name: field.type for field in fields(configuration)}
    if unknown := set(shape) - known.keys():
        raise ModelError(unknown_name(f"field of a {kind} network", sorted(unknown)[0], sorted(known)))
    try:
        values = {name: int(value) if known[name] is int else str(value) for name, value in shape.items()}
        for name, value in values.items():
            if isinstance(value, int) and value > _LARGEST:
                raise ValueError(f"{name} must be at most {_LARGEST}")
        return configuration(**values)
    except (TypeError, ValueError, OverflowError) as error:  # the last from an infinite number
        raise ModelError(f"impossible {kind} network: {error}") from error


class _NoInitialisation(TorchFunctionMode):
    """Lets the functions of `torch.nn.init` do nothing: filling a tensor of no memory would import half of torch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
