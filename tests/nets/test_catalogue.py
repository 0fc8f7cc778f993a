import pytest

from artem_vr.errors import ModelError
from artem_vr.nets import catalogue
from artem_vr.nets.compact import Compact, CompactConfig
from artem_vr.nets.johnson import Johnson, JohnsonConfig


def test_builds_each_kind_from_its_metadata() -> None:
    for kind, config, network in (
        ("compact", CompactConfig(channels=8, blocks=1, tail_channels=4), Compact),
        ("johnson", JohnsonConfig(width=4, blocks=2), Johnson),
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
        ("johnson", {"width": -1}, "impossible johnson network"),
    ],
)
def test_what_cannot_be_built(kind: str, shape: dict, says: str) -> None:
    with pytest.raises(ModelError, match=says) as error:
        catalogue.build(kind, shape)
    assert "\n" not in str(error.value)
