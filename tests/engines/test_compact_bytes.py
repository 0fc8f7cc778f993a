import pytest
import torch
from torch import Tensor

from artem_vr.engines.bytes_network import BytesNetwork, fast_bytes_network
from artem_vr.engines.compact_bytes import CompactBytes
from artem_vr.nets.compact import Compact, CompactConfig, identity_style, initial_style
from artem_vr.nets.johnson import Johnson, JohnsonConfig

SMALL = CompactConfig(channels=8, deep_channels=12, blocks=2, tail_channels=8)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def random_styles(count: int) -> Tensor:
    styles = initial_style(SMALL).repeat(count, 1) + 0.3 * torch.randn(count, SMALL.style_size)
    styles[:, 0] = torch.linspace(0.0, 0.3, count)
    return styles


def noise(count: int, height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8)


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (18, 34), (33, 47), (62, 50), (64, 48), (100, 72)])
def test_paints_the_bytes_of_its_plain_twin(size: tuple[int, int]) -> None:
    network, pixels, styles = Compact(SMALL).eval(), noise(2, *size), random_styles(2)
    with torch.no_grad():
        plain, fast = BytesNetwork(network)(pixels, styles), fast_bytes_network(network)(pixels, styles)
    assert fast.dtype == torch.uint8
    assert fast.shape == pixels.shape
    difference = (plain.int() - fast.int()).abs()
    assert difference.max() <= 1  # a sum in another order, right where it is rounded
    assert difference.float().mean() < 0.01
    assert plain.float().std() > 5


def test_returns_the_input_for_the_identity() -> None:
    pixels = noise(1, 30, 22)
    with torch.no_grad():
        assert torch.equal(fast_bytes_network(Compact(SMALL))(pixels, identity_style(SMALL)[None]), pixels)


def test_the_network_stays_as_it_was() -> None:
    network = Compact(SMALL)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    CompactBytes(network)
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_other_networks_have_the_plain_way_alone() -> None:
    assert isinstance(fast_bytes_network(Compact(SMALL)), CompactBytes)
    assert isinstance(fast_bytes_network(Johnson(JohnsonConfig(width=4, blocks=1))), BytesNetwork)
