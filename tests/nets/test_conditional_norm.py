"""Steady statistics against the plain normalisation, and against the statistics of pixels that are put together."""

import pytest
import torch
from torch import Tensor

from artem_vr.nets.compact import Compact, CompactConfig, identity_style, initial_style
from artem_vr.nets.conditional_norm import PlainNorms, SteadyNorms, eight_bits, own_statistics

SMALL = CompactConfig(channels=8, deep_channels=12, blocks=2, tail_channels=8, inner=6)
SIZE = 2 * sum(SMALL.statistics_sizes)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def modulation(channels: int, count: int = 2) -> tuple[Tensor, Tensor]:
    return 1 + torch.rand(count, channels, 1, 1), torch.randn(count, channels, 1, 1)


def features(*shape: int) -> Tensor:
    """Channels of different means and deviations."""
    channels = torch.arange(1.0, shape[1] + 1).reshape(1, -1, 1, 1)
    return torch.randn(shape) * channels + 3 * channels.flip(1)


def steady(x: Tensor, previous: Tensor, share: float, channels: int = 5) -> tuple[Tensor, Tensor]:
    count = len(x)
    norms = SteadyNorms([modulation(channels, count)], previous, torch.full((count, 1), share), [x.shape[1]])
    torch.manual_seed(1)
    return norms(x), norms.used()


def random_styles(count: int) -> Tensor:
    styles = initial_style(SMALL).repeat(count, 1) + 0.3 * torch.randn(count, SMALL.style_size)
    styles[:, 0] = 0.2
    return styles


@pytest.mark.parametrize("places", [1, 4])
def test_a_share_of_one_is_the_plain_normalisation(places: int) -> None:
    x, style = features(2, 5 * places, 12, 9), modulation(5)
    norms = SteadyNorms([style], torch.zeros(2, 10 * places), torch.ones(2, 1), [5 * places])
    torch.testing.assert_close(norms(x), PlainNorms([style])(x), atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(norms.used(), torch.cat(own_statistics(x), 1))


def test_own_statistics_are_mean_and_variance() -> None:
    x = features(2, 7, 10, 13)
    for layout in (torch.contiguous_format, torch.channels_last):
        mean, variance = own_statistics(x.contiguous(memory_format=layout))
        expected = torch.var_mean(x, (2, 3), correction=0)
        torch.testing.assert_close((variance, mean), expected, atol=1e-3, rtol=1e-4)
    half, _ = own_statistics(x.half())
    assert half.dtype == torch.float32
    flat = own_statistics(torch.full((1, 3, 20, 20), 7.3))[1]
    assert (flat >= 0).all() and flat.max() < 1e-3


def test_mixing_statistics_is_pooling_pixels() -> None:
    """Half of each: what comes out are mean and variance of both pictures' pixels together."""
    first, second = features(1, 5, 8, 8), 4 + 2 * features(1, 5, 8, 8)
    _, used = steady(second, torch.cat(own_statistics(first), 1), 0.5)
    together = torch.cat(own_statistics(torch.cat([first, second], dim=3)), 1)
    torch.testing.assert_close(used, together, atol=1e-3, rtol=1e-4)
    # A quarter: as if the first were there three times.
    _, used = steady(second, torch.cat(own_statistics(first), 1), 0.25)
    together = torch.cat(own_statistics(torch.cat([first, first, first, second], dim=3)), 1)
    torch.testing.assert_close(used, together, atol=1e-3, rtol=1e-4)


def test_a_jump_is_not_blown_up() -> None:
    """Flat before, and then a scene far from it: linear in the deviation it would come out twenty times as strong."""
    flat = torch.cat([torch.zeros(1, 5), torch.full((1, 5), 1e-4)], dim=1)
    painted, used = steady(features(1, 5, 16, 16) + 30, flat, 0.05)
    assert (used[:, 5:] > 0).all()
    assert painted.abs().max() < 12


def test_each_picture_has_its_own_share() -> None:
    x = features(2, 5, 8, 8)
    previous = torch.cat(own_statistics(3 * x + 1), 1)
    norms = SteadyNorms([modulation(5)], previous, torch.tensor([[0.0], [1.0]]), [5])
    norms(x)
    torch.testing.assert_close(norms.used()[0], previous[0])
    torch.testing.assert_close(norms.used()[1], torch.cat(own_statistics(x), 1)[1])


def test_the_whole_network_with_a_share_of_one_is_forward() -> None:
    network, styles = Compact(SMALL).eval(), random_styles(2)
    for size in ((24, 32), (17, 30)):
        batch = torch.rand(2, 3, *size)
        with torch.no_grad():
            painted, used = network.forward_steady(batch, styles, torch.zeros(2, SIZE), torch.ones(2, 1))
            torch.testing.assert_close(painted, network(batch, styles), atol=1e-5, rtol=0)
            # And what was used is where it stays, whatever the share.
            again, same = network.forward_steady(batch, styles, used, torch.full((2, 1), 0.1))
        assert used.shape == (2, SIZE)
        torch.testing.assert_close(again, painted, atol=1e-5, rtol=0)
        torch.testing.assert_close(same, used, atol=1e-5, rtol=1e-4)


def test_a_constant_picture_is_approached() -> None:
    network, styles = Compact(SMALL).eval(), random_styles(1)
    scene, other = torch.rand(1, 3, 24, 32), 0.3 * torch.rand(1, 3, 24, 32) + 0.6
    distances = []
    with torch.no_grad():
        expected = network(scene, styles)
        _, used = network.forward_steady(other, styles, torch.zeros(1, SIZE), torch.ones(1, 1))
        for _ in range(30):
            painted, used = network.forward_steady(scene, styles, used, torch.full((1, 1), 0.25))
            distances.append((painted - expected).abs().mean().item())
    assert distances[0] > 0.02
    assert distances[9] < 0.3 * distances[0]
    assert distances[-1] < 0.01 * distances[0]


def test_the_identity_is_exact_whatever_came_before() -> None:
    batch = torch.rand(1, 3, 24, 16)
    painted, _ = Compact(SMALL).forward_steady(
        batch, identity_style(SMALL)[None], torch.rand(1, SIZE), torch.full((1, 1), 0.1)
    )
    assert torch.equal(painted, batch)


def test_eight_bits_are_those_of_bfloat16() -> None:
    x = torch.cat([torch.randn(1000) * 10.0 ** torch.randint(-6, 6, (1000,)), torch.tensor([0.0, 1.0, -3.0])])
    assert torch.equal(eight_bits(x), x.to(torch.bfloat16).float())
