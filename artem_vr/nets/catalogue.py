"""Builds a generator from its kind and shape, as they stand in a recipe or in a model's card."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from torch import Tensor, nn

from artem_vr.errors import ModelError, unknown_name
from artem_vr.nets import compact, johnson

_KINDS: dict[str, tuple[Any, Any, Any]] = {
    "compact": (compact.CompactConfig, compact.Compact, compact.initial_style),
    "johnson": (johnson.JohnsonConfig, johnson.Johnson, johnson.initial_style),
}


def build(kind: str, shape: Mapping[str, int]) -> tuple[nn.Module, Tensor]:
    """A generator with random weights, and the style vector (D,) that training starts from.

    `shape` holds the fields of the kind's configuration; the missing ones take their defaults. Raises `ModelError`
    for an unknown kind or an impossible shape.
    """
    if kind not in _KINDS:
        raise ModelError(unknown_name("network kind", kind, _KINDS))
    configuration, network, initial_style = _KINDS[kind]
    known = {field.name for field in fields(configuration)}
    if unknown := set(shape) - known:
        raise ModelError(unknown_name(f"field of a {kind} network", sorted(unknown)[0], sorted(known)))
    try:
        config = configuration(**{name: int(value) for name, value in shape.items()})
    except (TypeError, ValueError) as error:
        raise ModelError(f"impossible {kind} network: {error}") from error
    return network(config), initial_style(config)
