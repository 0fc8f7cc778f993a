import math
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from artem_vr.errors import ModelError
from artem_vr.nets import catalogue
from artem_vr.nets.compact import Compact, CompactConfig
from artem_vr.nets.johnson import Johnson, JohnsonConfig


def test_builds_each_kind_from_its_metadata() -> None:
    for kind, config, network in (
        ("compact", CompactConfig(channels=8, deep_channels=6, blocks=1, tail_channels=4), Compact),
        ("compact", CompactConfig(channels=8, deep_channels=6, blocks=1, tail_channels=4, inner=3), Compact),
        ("johnson", JohnsonConfig(width=4, blocks=2), Johnson),
        ("johnson", JohnsonConfig(width=4, blocks=2, inner=6), Johnson),
    ):
        built, style = catalogue.build(kind, config.to_metadata())
        assert type(built) is network
        assert built.config == config
        assert style.shape == (config.style_size,)


def test_missing_fields_take_their_defaults() -> None:
    built, _ = catalogue.build("compact", {"blocks": 1})
    assert built.config == CompactConfig(blocks=1)


@pytest.mark.parametrize(
    ("kind", "shape", "says"),
    [
        ("compct", {}, "unknown network kind 'compct': did you mean compact"),
        ("", {}, "unknown network kind"),
        ("compact", {"chanels": 8}, "unknown field of a compact network 'chanels': did you mean channels"),
        ("compact", {"channels": 0}, "impossible compact network: .*at least 1"),
        ("compact", {"channels": "wide"}, "impossible compact network"),
        ("compact", {"channels": None}, "impossible compact network"),
        ("compact", {"channels": [8]}, "impossible compact network"),
        ("compact", {"channels": math.inf}, "impossible compact network: .*infinity"),
        ("compact", {"channels": math.nan}, "impossible compact network: .*NaN"),
        ("compact", {"channels": 2_000_000}, "impossible compact network: channels must be at most 4096"),
        ("compact", {"blocks": 10**9}, "impossible compact network: blocks must be at most 4096"),
        ("compact", {"inner": -1}, "impossible compact network: .*inner at least 0"),
        ("compact", {"inner": 2_000_000}, "impossible compact network: inner must be at most 4096"),
        ("johnson", {"width": -1}, "impossible johnson network"),
        ("johnson", {"inner": -1}, "impossible johnson network: .*inner at least 0"),
        ("johnson", {"width": 10**30}, "impossible johnson network: width must be at most 4096"),
    ],
)
@pytest.mark.parametrize("build", [catalogue.build, catalogue.build_empty])
def test_what_cannot_be_built(build: Callable, kind: str, shape: dict, says: str) -> None:
    with pytest.raises(ModelError, match=says) as error:
        build(kind, shape)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_an_empty_network_has_the_shapes_and_no_memory(kind: str) -> None:
    built, style = catalogue.build(kind, {"blocks": 2})
    state = torch.get_rng_state()
    empty, style_size = catalogue.build_empty(kind, {"blocks": 2})
    assert style_size == len(style)
    assert torch.equal(torch.get_rng_state(), state)
    assert {name: tensor.shape for name, tensor in empty.state_dict().items()} == {
        name: tensor.shape for name, tensor in built.state_dict().items()
    }
    assert all(tensor.is_meta for tensor in (*empty.parameters(), *empty.buffers()))
    assert not torch.empty(1).is_meta  # what comes after is as it was
    assert torch.nn.Conv2d(1, 1, 1).weight.abs().sum() > 0


def test_an_empty_network_imports_nothing_more() -> None:
    """Operators on tensors without memory import two seconds' worth of modules when they are first used."""
    code = """
import sys
from artem_vr.nets import catalogue
before = len(sys.modules)
catalogue.build_empty("compact", {})
catalogue.build_empty("johnson", {})
print(len(sys.modules) - before)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 20
