"""The arbitrary-style network: an encoder, adaptive instance normalisation, and a decoder that mirrors the encoder.

Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization". The encoder is
VGG-19 up to relu4_1, or a narrower network of the same layers; the decoder has nearest-neighbour upsampling in place of
pooling and no normalisation. A style is the mean and the deviation of each channel of a picture's features, so any
picture is one: `Adain.style_of`. As in the other networks it is a vector and an input. With `keep`, the share of the
content's own features,

    decoded = decode(keep * f + deviation * (f - mean(f)) / deviation(f) + mean)

for the content's features f. (1, 0, 0) gives the picture as the decoder knows it, the line from there to a style is the
paper's alpha (eq. 14), and a weighted mean of styles its interpolation between them (eq. 15).
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FACTOR = 8
"""Heights and widths are multiples of this inside the network; others are continued by their last pixels and cut."""
SMALLEST_INSIDE = 2 * FACTOR
"""Nothing smaller is painted: reflection needs two places at an eighth."""

_EPSILON = 1e-5
_RGB = 3
_SCALES = 4


@dataclass(frozen=True, slots=True)
class AdainConfig:
    """The channels of the encoder's first scale (doubled at each of three halvings), and the convolutions of its third.

    VGG-19 has 64 and 4.
    """

    width: int = 64
    third: int = 4

    def __post_init__(self) -> None:
        if self.width < 1 or self.third < 1:
            raise ValueError("width and third must be at least 1")

    @property
    def widths(self) -> list[int]:
        """The channels of the four scales."""
        return [self.width << scale for scale in range(_SCALES)]

    @property
    def depths(self) -> list[int]:
        """The convolutions of the four scales of the encoder."""
        return [2, 2, self.third, 1]

    @property
    def style_size(self) -> int:
        """The length D of a style vector: keep (1), then deviation and mean of every channel of the features."""
        return 1 + 2 * self.widths[-1]

    def to_metadata(self) -> dict[str, int]:
        """The fields as a flat dictionary, for the model card."""
        return asdict(self)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")


class Adain(nn.Module):
    """The generator: `forward(batch_NCHW, styles_ND)` as in `Compact`, and `style_of` for the vectors."""

    def __init__(self, config: AdainConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AdainConfig()
        self.encoder = nn.ModuleDict({"conv0": nn.Conv2d(_RGB, _RGB, 1)})
        inputs = _RGB
        for scale, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True), 1):
            for layer in range(1, depth + 1):
                self.encoder[f"conv{scale}_{layer}"] = _convolution(inputs, width)
                inputs = width
        self.decoder = nn.ModuleDict()
        for scale in range(_SCALES, 0, -1):
            depth, narrower = config.depths[scale - 1], config.widths[scale - 2] if scale > 1 else _RGB
            for layer in range(depth, 0, -1):
                outputs = narrower if layer == 1 else inputs
                self.decoder[f"conv{scale}_{layer}"] = _convolution(inputs, outputs)
                inputs = outputs

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints RGB in [0, 1] of any size; the result, of the same shape, may leave [0, 1] a little."""
        height, width = batch_NCHW.shape[-2:]
        bottom, right = (max(-side % FACTOR, SMALLEST_INSIDE - side) for side in (height, width))
        padded = F.pad(batch_NCHW, (0, right, 0, bottom), mode="replicate") if bottom or right else batch_NCHW
        return self.decode(self.restyle(self.encode(padded), styles_ND))[..., :height, :width]

    def encode(self, batch_NCHW: Tensor) -> Tensor:
        """The features at relu4_1 (N, C, H/8, W/8)."""
        x = batch_NCHW
        for name, convolution in self.encoder.items():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = convolution(x)
            if name != "conv0":
                x = F.relu(x)
        return x

    def restyle(self, features_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Features with the style's statistics in place of their own."""
        channels = self.config.widths[-1]
        keep, deviation, mean = (part[..., None, None] for part in styles_ND.split([1, channels, channels], dim=1))
        return keep * features_NCHW + deviation * F.instance_norm(features_NCHW, eps=_EPSILON) + mean

    def decode(self, features_NCHW: Tensor) -> Tensor:
        """A picture (N, 3, H, W) from features (N, C, H/8, W/8)."""
        x = features_NCHW
        for name, convolution in self.decoder.items():
            x = convolution(x)
            if name != "conv1_1":  # the last one, whose output is the picture
                x = F.relu(x)
                if name.endswith("_1"):
                    x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return x

    def style_of(self, pictures_NCHW: Tensor) -> Tensor:
        """The style vectors (N, D) of pictures, RGB in [0, 1], whose sides are at least 16 pixels."""
        spread, mean = torch.var_mean(self.encode(pictures_NCHW).float(), (2, 3), correction=0)
        return torch.cat([torch.zeros_like(mean[:, :1]), (spread + _EPSILON).sqrt(), mean], dim=1)


def identity_style(config: AdainConfig) -> Tensor:
    """The vector (D,) with which the decoder gives the picture back as it knows it."""
    style = torch.zeros(config.style_size)
    style[0] = 1.0
    return style


def initial_style(config: AdainConfig) -> Tensor:
    """A style (D,) of unit deviation and mean."""
    style = torch.ones(config.style_size)
    style[0] = 0.0
    return style
