"""A generator with bytes at both ends, so that conversion runs inside the engine's graph and on its device."""

from typing import Any

import torch
from torch import Tensor, nn

from artem_vr.engines.compact_bytes import CompactBytes
from artem_vr.nets.compact import Compact


class BytesNetwork(nn.Module):
    """Wraps any generator: uint8 RGB (N, H, W, 3) and style vectors (N, D) in, uint8 RGB of the same shape out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels_NHWC: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints bytes: values are scaled to [0, 1], painted, clamped and rounded to the nearest byte."""
        return _bytes(self.network(_values(pixels_NHWC, styles_ND.dtype), styles_ND))

    def forward_steady(
        self, pixels_NHWC: Tensor, styles_ND: Tensor, previous_NS: Tensor, share_N1: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same with steady statistics, which it returns too, for a network with statistics (`statistics_size`)."""
        network: Any = self.network
        values = _values(pixels_NHWC, styles_ND.dtype)
        painted, used_NS = network.forward_steady(values, styles_ND, previous_NS, share_N1)
        return _bytes(painted), used_NS


def fast_bytes_network(network: nn.Module) -> nn.Module:
    """The same as `BytesNetwork`, in the fewest passes over the pixels that are known for this kind of network."""
    return CompactBytes(network) if isinstance(network, Compact) else BytesNetwork(network)


def statistics_size(network: nn.Module) -> int:
    """How many statistics a generator can hold steady; 0 for a kind that cannot."""
    return 2 * sum(network.config.statistics_sizes) if isinstance(network, Compact) else 0


def _values(pixels_NHWC: Tensor, dtype: torch.dtype) -> Tensor:
    return pixels_NHWC.permute(0, 3, 1, 2).to(dtype) * (1.0 / 255.0)


def _bytes(painted_NCHW: Tensor) -> Tensor:
    # Adding a half and cutting rounds to nearest, for every runtime's cast to bytes cuts.
    return (painted_NCHW.float().clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)
