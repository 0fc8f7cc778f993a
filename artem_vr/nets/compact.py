"""The compact multi-style generator: many painters in one network of a hundred thousand weights.

All work happens at a quarter of the resolution: pixel-unshuffle (Shi et al. 2016, the other way round), residual
blocks (He et al. 2016) of 3x3 convolutions, and a tail that climbs back in two steps. Each convolution is followed
by conditional instance normalisation (Dumoulin, Shlens and Kudlur 2017, eq. 5): a style is nothing but the scales
and shifts of all normalisations, and it is an *input* of the network, so that a swap recompiles nothing and every
picture of a batch may have its own.

The stem stays linear: after a ReLU there, everything near the mean brightness would be zero in every channel, and the
network blind to it. The network has no biases and no activation but leaky ReLU, so that it is positively homogeneous
in the style vector: a vector scaled by s paints s times the picture. With the per-style weight of the untouched input
(`keep`) that gives

    network(x, (1 - s) * IDENTITY + s * style) = (1 - s) * x + s * network(x, style)

to within the epsilon of the normalisation (0.12 of 255 at s = 0.01 and 0.013 at s = 0.1 in a trained network), where
IDENTITY is the vector with keep = 1 and zeros. Strength is therefore a point on the line between two style vectors,
and style 0, the identity, is exact. What leaves [0, 1] is clamped after the mix here, and before it where painted
pixels are mixed: only there do the two differ visibly.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FACTOR = 4
"""Heights and widths are multiples of this inside the network; others are padded by reflection and cropped."""

_EPSILON = 1e-5
_LEAK = 0.1
_RGB = 3


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """The shape of a compact network: feature channels, residual blocks and channels of the half-resolution tail."""

    channels: int = 32
    blocks: int = 5
    tail_channels: int = 16

    def __post_init__(self) -> None:
        if min(self.channels, self.blocks, self.tail_channels) < 1:
            raise ValueError("channels, blocks and tail_channels must be at least 1")

    @property
    def norms(self) -> list[int]:
        """The channels of each conditional normalisation, in the order of the style vector."""
        return [self.channels] * (1 + 2 * self.blocks) + [self.tail_channels]

    @property
    def style_size(self) -> int:
        """The length D of a style vector: keep (1), ground colour (3), then scales and shifts of every norm."""
        return 1 + _RGB + 2 * sum(self.norms)

    def to_metadata(self) -> dict[str, int]:
        """The fields as a flat dictionary, for the model card."""
        return asdict(self)


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution that keeps the size; without a bias, so that the network stays homogeneous.

    Zeros at the border cost nothing in any runtime, but a zero is a colour: features there are dimmer and the
    picture gets a frame. Replicated borders do not.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False, padding_mode="replicate")


class Compact(nn.Module):
    """The generator. See the module's docstring for the idea and `CompactConfig` for its shape."""

    def __init__(self, config: CompactConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CompactConfig()
        width = config.channels
        self.stem = Conv3x3(_RGB * FACTOR**2, width)
        self.convolutions = nn.ModuleList(Conv3x3(width, width) for _ in range(2 * config.blocks))
        self.rise = Conv3x3(width, config.tail_channels)
        self.paint = Conv3x3(config.tail_channels, _RGB * 4)

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints a batch.

        batch_NCHW: RGB in [0, 1], any size of at least 8 pixels. styles_ND: one style vector a picture.
        Returns RGB of the same shape; values may leave [0, 1] a little and are clamped by whoever shows them.
        """
        height, width = batch_NCHW.shape[-2:]
        padded = _pad_to_factor(batch_NCHW)
        keep, ground, norms = self.split(styles_ND)
        x = F.pixel_unshuffle(padded - 0.5, FACTOR)
        x = _modulate(self.stem(x), *norms[0])
        for block in range(self.config.blocks):
            y = F.leaky_relu(_modulate(self.convolutions[2 * block](x), *norms[1 + 2 * block]), _LEAK)
            x = x + _modulate(self.convolutions[2 * block + 1](y), *norms[2 + 2 * block])
        # Nearest upsampling would show the next convolution only four patterns of neighbours, one for each pixel of a
        # 2x2 square: a grid. Bilinear costs the same.
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
        x = F.leaky_relu(_modulate(self.rise(x), *norms[-1]), _LEAK)
        paint = F.pixel_shuffle(self.paint(x), 2) + ground
        return (keep * padded + paint)[..., :height, :width]

    def split(self, styles_ND: Tensor) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
        """Takes style vectors apart: keep (N,1,1,1), ground colour (N,3,1,1), each norm's scale and shift (N,C,1,1)."""
        sizes = [1, _RGB] + [2 * channels for channels in self.config.norms]
        keep, ground, *norms = (part[..., None, None] for part in styles_ND.split(sizes, dim=1))
        pairs = [norm.chunk(2, dim=1) for norm in norms]
        return keep, ground, [(pair[0], pair[1]) for pair in pairs]


def identity_style(config: CompactConfig) -> Tensor:
    """Style 0 (D,): the picture as it is."""
    style = torch.zeros(config.style_size)
    style[0] = 1.0
    return style


def initial_style(config: CompactConfig) -> Tensor:
    """Where training starts (D,): unit scales, no shifts, a mid-grey ground."""
    scales = [torch.cat([torch.ones(channels), torch.zeros(channels)]) for channels in config.norms]
    return torch.cat([torch.tensor([0.0, 0.5, 0.5, 0.5]), *scales])


def _modulate(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return F.instance_norm(x, eps=_EPSILON) * scale + shift


def _pad_to_factor(batch_NCHW: Tensor) -> Tensor:
    height, width = batch_NCHW.shape[-2:]
    bottom, right = -height % FACTOR, -width % FACTOR
    return F.pad(batch_NCHW, (0, right, 0, bottom), mode="reflect") if bottom or right else batch_NCHW
