"""The courtyard's geometry and pictures, made once for a whole run of the tests.

They come out the same every time, and making them takes most of the two seconds in which the scene opens. That they
are the same is tested where they are made (`tests/sources/test_courtyard_world.py`), without what is kept here.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from artem_vr.sources.courtyard import sky, stage, textures


def keep_courtyard(patch: pytest.MonkeyPatch) -> None:
    """From now on, scenes that open share what they are made of. Whoever would change a part of it fails."""
    for module, name in ((stage, "build_world"), (textures, "paint_layers"), (sky, "paint_panorama")):
        patch.setattr(module, name, cache(_unchangeable(getattr(module, name))))


def _unchangeable(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*arguments: Any) -> Any:
        thing = make(*arguments)
        _lock(thing)
        return thing

    return made


def _lock(thing: Any) -> None:
    if isinstance(thing, np.ndarray):
        thing.setflags(write=False)
    elif isinstance(thing, tuple):
        for part in thing:
            _lock(part)
    elif is_dataclass(thing):
        for field in fields(thing):
            _lock(getattr(thing, field.name))
