"""The compact network on bytes as they lie in memory: what its plain twin, `BytesNetwork`, does in fewer passes.

Around the convolutions a straightforward graph spends a sixth of its time on moving bytes: it takes pixels apart into
planes, the planes into squares for the stem, and puts everything together again at the other end. Here the picture is
only looked at differently. Four neighbouring pixels of a row are twelve neighbouring bytes, that is one place of twelve
channels in the layout that convolutions want; over those the stem is a convolution of 8 x 2 places with a stride of
4 x 1. At the end the upper and the lower row of all squares are each finished as bytes, and then laid out in turns.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artem_vr.nets.compact import STEM_MARGIN, STEM_SIZE, STEM_STRIDE, Compact, Norms, margins
from artem_vr.nets.conditional_norm import Modulation, PlainNorms, SteadyNorms

_RGB = 3
_MID_GREY = 127.5
_WHITE = 255.0


class CompactBytes(nn.Module):
    """uint8 RGB (N, H, W, 3) and style vectors (N, D) in, uint8 RGB of the same shape out, rounded to the nearest."""

    def __init__(self, network: Compact) -> None:
        super().__init__()
        self.network = network
        places = STEM_SIZE // STEM_STRIDE
        kernel = network.stem.weight.detach().reshape(-1, _RGB, STEM_SIZE, places, STEM_STRIDE)
        stem = kernel.permute(0, 4, 1, 2, 3).reshape(-1, STEM_STRIDE * _RGB, STEM_SIZE, places) / _WHITE
        self.stem: Tensor
        self.register_buffer("stem", stem.contiguous())

    def forward(self, pixels_NHWC: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints bytes."""
        keep, ground, modulations = self.network.split(styles_ND)
        return self._painted(pixels_NHWC, (keep, ground), PlainNorms(modulations))

    def forward_steady(
        self, pixels_NHWC: Tensor, styles_ND: Tensor, previous_NS: Tensor, share_N1: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Paints bytes with steady statistics, and returns those too: see `Compact.forward_steady`."""
        painted_NHWC, norms = self.steady(pixels_NHWC, styles_ND, previous_NS, share_N1, for_bfloat16=False)
        return painted_NHWC, norms.used()

    def steady(
        self, pixels_NHWC: Tensor, styles_ND: Tensor, previous_NS: Tensor, share_N1: Tensor, for_bfloat16: bool
    ) -> tuple[Tensor, SteadyNorms]:
        """The same with all that the normalisations know: see `SteadyNorms`."""
        keep, ground, modulations = self.network.split(styles_ND)
        sizes = self.network.config.statistics_sizes
        norms = SteadyNorms(modulations, previous_NS, share_N1, sizes, for_bfloat16)
        return self._painted(pixels_NHWC, (keep, ground), norms), norms

    def _painted(self, pixels_NHWC: Tensor, ends: Modulation, norms: Norms) -> Tensor:
        count, height, width, _ = pixels_NHWC.shape
        bottom, right = margins(height, width)
        padded = _edged(pixels_NHWC, 0, right, 0, bottom) if bottom or right else pixels_NHWC
        keep, ground = ends
        squares = self.network.trunk(self._see(padded), norms)
        painted = self._finish(squares, padded, (keep, ground * _WHITE + 0.5))
        return painted.reshape(count, *padded.shape[1:])[:, :height, :width]

    def _see(self, pixels_NHWC: Tensor) -> Tensor:
        """The stem's features (N, C, H/4, W/4)."""
        margin = _edged(pixels_NHWC, STEM_MARGIN, STEM_MARGIN, STEM_MARGIN, STEM_MARGIN)
        count, height, width, _ = margin.shape
        places = margin.reshape(count, height, width // STEM_STRIDE, STEM_STRIDE * _RGB).permute(0, 3, 1, 2)
        return F.conv2d(places.to(self.stem.dtype) - _MID_GREY, self.stem, stride=(STEM_STRIDE, 1))

    def _finish(self, squares_NCHW: Tensor, pixels_NHWC: Tensor, ends: Modulation) -> Tensor:
        """Squares (N, 12, H/2, W/2), the untouched bytes times `keep`, and the ground, as bytes (N, H/2, 2, 3W)."""
        count, height, width, _ = pixels_NHWC.shape
        keep, ground = ends
        both = ground.reshape(count, 1, 1, _RGB).repeat(1, 1, 1, 2)
        rows = pixels_NHWC.reshape(count, height // 2, 2, width // 2, 2 * _RGB)
        finished = []
        for row, paint in enumerate(squares_NCHW.float().chunk(2, dim=1)):
            mixed = paint.permute(0, 2, 3, 1) * _WHITE + (keep * rows[:, :, row].to(ground.dtype) + both)
            # A half was added with the ground: every runtime's cast to bytes cuts.
            finished.append(mixed.clamp(0.0, _WHITE).to(torch.uint8).reshape(count, height // 2, 1, width * _RGB))
        return torch.cat(finished, dim=2)


class SteadyCompactBytes(nn.Module):
    """The steady way of `CompactBytes`, for a runtime's graph.

    `for_bfloat16`: the runtime computes in bfloat16, all but what lies between the last convolutions before an output
    and that output, as OpenVINO does. So the few numbers of each channel that must be exact lead to outputs.
    """

    def __init__(self, network: CompactBytes, for_bfloat16: bool) -> None:
        super().__init__()
        self.network = network
        self.for_bfloat16 = for_bfloat16

    def forward(
        self, pixels_NHWC: Tensor, styles_ND: Tensor, previous_NS: Tensor, share_N1: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `CompactBytes.forward_steady` gives, and an output that nobody reads."""
        painted_NHWC, norms = self.network.steady(pixels_NHWC, styles_ND, previous_NS, share_N1, self.for_bfloat16)
        return painted_NHWC, norms.used(), norms.grounds()


def _edged(pixels_NHWC: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """The picture with its outermost pixels repeated outwards."""
    # Padding by replication takes the last three of five dimensions: here height, width and colour.
    return F.pad(pixels_NHWC[:, None], (0, 0, left, right, top, bottom), mode="replicate")[:, 0]
