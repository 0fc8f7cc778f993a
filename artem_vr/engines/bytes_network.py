"""A generator with bytes at both ends, so that conversion runs inside the engine's graph and on its device."""

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
        batch = pixels_NHWC.permute(0, 3, 1, 2).to(styles_ND.dtype) * (1.0 / 255.0)
        painted = self.network(batch, styles_ND).float()
        # Adding a half and cutting rounds to nearest, for every runtime's cast to bytes cuts.
        return (painted.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)


def fast_bytes_network(network: nn.Module) -> nn.Module:
    """The same as `BytesNetwork`, in the fewest passes over the pixels that are known for this kind of network."""
    return CompactBytes(network) if isinstance(network, Compact) else BytesNetwork(network)
