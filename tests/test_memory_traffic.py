"""Counts of bytes against hand counts, and the passes over memory that they are held against."""

import pytest
import torch
from torch import Tensor, nn

from artem_vr.memory_traffic import count_traffic, memory_streams


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=False)
        self.second = nn.ConvTranspose2d(5, 3, 2, stride=2, bias=False)

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        return self.second(self.first(batch_NCHW)) * styles_ND[:, :1, None, None]


def test_traffic_is_counted_as_by_hand():
    network = Two()
    traffic = count_traffic(network, torch.zeros(2, 3, 8, 12), torch.ones(2, 7))
    picture, inside, weights, styles = 2 * 3 * 8 * 12, 2 * 5 * 4 * 6, 5 * 3 * 9 + 5 * 3 * 4, 14
    assert traffic.parameters == weights + styles
    assert traffic.layers == picture + inside + inside + picture
    assert traffic.pictures == 2 * picture
    assert not network.first._forward_hooks


@pytest.mark.parametrize(("precision", "size"), [("f32", 4), ("bf16", 2), ("f16", 2), ("int8", 1)])
def test_pixels_are_bytes_in_every_precision_and_all_else_is_as_large_as_it_says(precision, size):
    traffic = count_traffic(Two(), torch.zeros(1, 3, 8, 8), torch.ones(1, 7))
    assert traffic.fused_bytes(precision) == size * traffic.parameters + traffic.pictures
    assert traffic.layerwise_bytes(precision) == size * (traffic.parameters + traffic.layers)


def test_the_streams_know_how_many_bytes_they_move():
    copy, triad = memory_streams(megabytes=1)
    assert (copy.bytes_moved, triad.bytes_moved) == (2 * 2**20, 3 * 2**20)
    copy.run()
    triad.run()
