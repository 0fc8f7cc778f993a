import pytest
import torch
from torch import Tensor

from artem_vr.engines.bytes_network import BytesNetwork, fast_bytes_network, statistics_size
from artem_vr.engines.compact_bytes import CompactBytes, SteadyCompactBytes
from artem_vr.nets.compact import Compact, CompactConfig, identity_style, initial_style
from artem_vr.nets.johnson import Johnson, JohnsonConfig

SMALL = CompactConfig(channels=8, deep_channels=12, blocks=2, tail_channels=8)
SIZE = 2 * sum(SMALL.statistics_sizes)


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


@pytest.mark.parametrize("size", [(18, 34), (64, 48)])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_steadily_it_paints_the_bytes_of_its_plain_twin_too(size: tuple[int, int], share: float) -> None:
    network, pixels, styles = Compact(SMALL).eval(), noise(2, *size), random_styles(2)
    plain, fast, shares = BytesNetwork(network), CompactBytes(network), torch.full((2, 1), share)
    with torch.no_grad():
        _, before = plain.forward_steady(pixels.flip(0) // 2, styles, torch.zeros(2, SIZE), torch.ones(2, 1))
        expected, wanted = plain.forward_steady(pixels, styles, before, shares)
        painted, used = fast.forward_steady(pixels, styles, before, shares)
        graph = SteadyCompactBytes(fast, for_bfloat16=False)(pixels, styles, before, shares)
        rounded = SteadyCompactBytes(fast, for_bfloat16=True)(pixels, styles, before, shares)
        unsteady = plain(pixels, styles)
    difference = (painted.int() - expected.int()).abs()
    assert difference.max() <= 1
    assert difference.float().mean() < 0.01
    torch.testing.assert_close(used, wanted, atol=1e-3, rtol=1e-3)
    assert torch.equal(graph[0], painted) and torch.equal(graph[1], used)
    assert (unsteady.int() - expected.int()).abs().float().mean() > 1 or share == 1
    # Gains of eight bits: the contrast is a little off, by 0.4 % at most in each layer.
    assert 0 < (rounded[0].float() - expected).abs().mean() < 0.6


def test_how_many_statistics_a_network_has() -> None:
    assert statistics_size(Compact(SMALL)) == SIZE == 2 * (8 + 5 * 12 + 4 * 8 + 8 + 8 + 4 * 8)
    assert statistics_size(Johnson(JohnsonConfig(width=4, blocks=1))) == 0
