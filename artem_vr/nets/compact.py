"""The compact multi-style generator: many painters in one small network.

It works on two scales. At a quarter of the picture's resolution it looks and paints; at an eighth, where a convolution
of twice the channels costs the same and sees twice as far, residual blocks (He et al. 2016) turn what was seen into
strokes, and come back beside what was there (as in Ronneberger, Fischer and Brox 2015). Each convolution is followed by
conditional instance normalisation (Dumoulin, Shlens and Kudlur 2017, eq. 5): a style is nothing but the scales and
shifts of all normalisations, and it is an *input* of the network, so that a swap recompiles nothing and every picture
of a batch may have its own.

Up is a convolution to the four places of squares of 2x2 (Shi et al. 2016). It can do all that bilinear upsampling and a
convolution of the result can, and finer strokes, with the same arithmetic and no larger picture in between. Left free
it lays a grid over all paint, too; two things keep it from that. Each place is normalised on its own, so that all four
have the same mean and contrast over the picture; and all four answer alike where nothing changes (`SquareConvolution`).

The stem stays linear: after a ReLU there, everything near the mean brightness would be zero in every channel, and the
network blind to it. The network has no biases and no activation but leaky ReLU, so that it is positively homogeneous
in the style vector: a vector scaled by s paints s times the picture. With the per-style weight of the untouched input
(`keep`) that gives

    network(x, (1 - s) * IDENTITY + s * style) = (1 - s) * x + s * network(x, style)

to within the epsilon of the normalisation, where IDENTITY is the vector with keep = 1 and zeros. Strength is therefore
a point on the line between two style vectors, and style 0, the identity, is exact. What leaves [0, 1] is clamped after
the mix here, and before it where painted pixels are mixed: only there do the two differ visibly.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artem_vr.nets.conditional_norm import Modulation, PlainNorms, SteadyNorms

FACTOR = 8
"""Heights and widths are multiples of this inside the network; others are padded by their last pixels and cropped."""
SMALLEST_INSIDE = 2 * FACTOR
"""Nothing smaller is painted: of a single pixel at an eighth the normalisation would leave nothing."""

STEM_SIZE, STEM_STRIDE, STEM_MARGIN = 8, 4, 2

_LEAK = 0.1
_RGB = 3
_SQUARE = 4  # the places in a square of 2x2, row by row

Norms = Callable[[Tensor], Tensor]
"""Normalises features: at each call the next of the network's conditional normalisations."""


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """The shape of a compact network.

    `channels` and `shallow_blocks` are those at a quarter of the resolution, `deep_channels` and `blocks` those at an
    eighth, which come before them; `tail_channels` is the width at half the resolution. `inner` is the width between
    the two convolutions of a deep block; 0 means as wide as outside, `deep_channels`.
    """

    channels: int = 32
    deep_channels: int = 64
    blocks: int = 4
    shallow_blocks: int = 1
    tail_channels: int = 16
    inner: int = 0

    def __post_init__(self) -> None:
        least_one = (self.channels, self.deep_channels, self.blocks, self.tail_channels)
        if min(least_one) < 1 or min(self.shallow_blocks, self.inner) < 0:
            raise ValueError("channels and blocks must be at least 1, shallow_blocks and inner at least 0")

    @property
    def inner_channels(self) -> int:
        """The channels between the two convolutions of a deep block, never 0."""
        return self.inner or self.deep_channels

    @property
    def norms(self) -> list[int]:
        """The channels of each conditional normalisation, in the order of the style vector."""
        shallow = [self.channels] * (2 * self.shallow_blocks)
        deep = [self.deep_channels] + [self.inner_channels, self.deep_channels] * self.blocks
        return [self.channels, *deep, self.channels, *shallow, self.tail_channels]

    @property
    def statistics_sizes(self) -> list[int]:
        """How many means and how many variances each normalisation has: of squares, those of all four places."""
        places = [1] * len(self.norms)
        places[2 + 2 * self.blocks] = places[-1] = _SQUARE
        return [count * channels for count, channels in zip(places, self.norms, strict=True)]

    @property
    def style_size(self) -> int:
        """The length D of a style vector: keep (1), ground colour (3), then scales and shifts of every norm."""
        return 1 + _RGB + 2 * sum(self.norms)

    def to_metadata(self) -> dict[str, int]:
        """The fields as a flat dictionary, for the model card."""
        return asdict(self)


class Convolution(nn.Conv2d):
    """A convolution without a bias, so that the network stays homogeneous.

    Zeros at the border cost nothing in any runtime, but a zero is a colour: features there are dimmer and the
    picture gets a frame. Replicated borders do not.
    """

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, padding: int = 1) -> None:
        super().__init__(inputs, outputs, size, stride, padding, bias=False, padding_mode="replicate")


class SquareConvolution(Convolution):
    """A 3x3 convolution to the four places of squares of 2x2: (N, I, H, W) to (N, 4O, H, W), see `squares_laid_out`.

    It begins as bilinear upsampling by two and a convolution of the result, times `gain`. All four places answer alike
    where nothing changes: what they learn to do differently is detail, and no grid on a plain wall.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__(inputs, _SQUARE * outputs)
        if not self.weight.is_meta:
            with torch.no_grad():
                self.weight.copy_(gain * bilinear_rise(Convolution(inputs, outputs).weight))

    def forward(self, x: Tensor) -> Tensor:
        """The squares' places, row by row, each with all its channels."""
        return self._conv_forward(x, evened(self.weight), None)


class Compact(nn.Module):
    """The generator. See the module's docstring for the idea and `CompactConfig` for its shape."""

    def __init__(self, config: CompactConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CompactConfig()
        width, deep = config.channels, config.deep_channels
        self.stem = Convolution(_RGB, width, STEM_SIZE, STEM_STRIDE, STEM_MARGIN)
        self.descend = Convolution(width, deep, stride=2)
        ways = [(deep, config.inner_channels), (config.inner_channels, deep)] * config.blocks
        self.deep = nn.ModuleList(Convolution(inputs, outputs) for inputs, outputs in ways)
        self.ascend = SquareConvolution(deep, width)
        self.shallow = nn.ModuleList(Convolution(width, width) for _ in range(2 * config.shallow_blocks))
        self.rise = SquareConvolution(width, config.tail_channels)
        # Training begins with faint paint on the ground: what leaves [0, 1] is far from every painting.
        self.paint = SquareConvolution(config.tail_channels, _RGB, gain=0.25)

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints a batch.

        batch_NCHW: RGB in [0, 1], any size. styles_ND: one style vector a picture.
        Returns RGB of the same shape; values may leave [0, 1] a little and are clamped by whoever shows them.
        """
        keep, ground, modulations = self.split(styles_ND)
        return self._painted(batch_NCHW, keep, ground, PlainNorms(modulations))

    def forward_steady(
        self, batch_NCHW: Tensor, styles_ND: Tensor, previous_NS: Tensor, share_N1: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Paints a batch with statistics that follow the pictures slowly (see `artem_vr.nets.conditional_norm`).

        previous_NS: float32, what was used for the pictures before, all means and then all variances: S is twice the
        sum of `CompactConfig.statistics_sizes`.
        share_N1: in [0, 1], how far these pictures' own statistics count; with 1 it is `forward`.
        Returns what `forward` does, and the statistics that were used.
        """
        keep, ground, modulations = self.split(styles_ND)
        norms = SteadyNorms(modulations, previous_NS, share_N1, self.config.statistics_sizes)
        return self._painted(batch_NCHW, keep, ground, norms), norms.used()

    def _painted(self, batch_NCHW: Tensor, keep: Tensor, ground: Tensor, norms: Norms) -> Tensor:
        height, width = batch_NCHW.shape[-2:]
        bottom, right = margins(height, width)
        padded = F.pad(batch_NCHW, (0, right, 0, bottom), mode="replicate") if bottom or right else batch_NCHW
        paint = squares_laid_out(self.trunk(self.stem(padded - 0.5), norms)) + ground
        return (keep * padded + paint)[..., :height, :width]

    def trunk(self, x: Tensor, norm: Norms) -> Tensor:
        """From the stem's features (N, C, H/4, W/4) to squares of paint (N, 12, H/2, W/2).

        The channels of a square are its rows, its columns and the colours, in this order: 2 x 2 x 3.
        """
        x = norm(x)
        deep = _blocks(norm(self.descend(x)), self.deep, norm)
        x = x + squares_laid_out(norm(self.ascend(deep)))
        x = _blocks(x, self.shallow, norm)
        x = squares_laid_out(F.leaky_relu(norm(self.rise(x)), _LEAK))
        return self.paint(x)

    def split(self, styles_ND: Tensor) -> tuple[Tensor, Tensor, list[Modulation]]:
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


def margins(height: int, width: int) -> tuple[int, int]:
    """How many rows below and columns to the right bring a picture to a size that the network works at."""
    bottom, right = (max(-side % FACTOR, SMALLEST_INSIDE - side) for side in (height, width))
    return bottom, right


def squares_laid_out(x: Tensor) -> Tensor:
    """(N, 4C, H, W), whose channels are the rows, columns and channels of squares, as (N, C, 2H, 2W).

    A pixel shuffle (Shi et al. 2016) whose places stand before the channels: each place is then one run of memory.
    """
    n, channels, height, width = x.shape
    squares = x.reshape(n, 2, 2, channels // _SQUARE, height, width)
    return squares.permute(0, 3, 4, 1, 5, 2).reshape(n, channels // _SQUARE, 2 * height, 2 * width)


def bilinear_rise(weight_OIKK: Tensor) -> Tensor:
    """The weights (4O, I, 3, 3) that do at once what bilinear upsampling by two and these (O, I, 3, 3) after it do."""
    line = torch.zeros(2, 3, 3)  # along one axis: place in the square, tap at twice the size, tap below it
    for place in range(2):
        for tap in range(3):
            fine = place + tap - 1
            nearest, other = fine // 2, fine // 2 + (1 if fine % 2 else -1)
            line[place, tap, nearest + 1] += 0.75
            line[place, tap, other + 1] += 0.25
    spread = torch.einsum("oiyx,pyu,qxv->pqoiuv", weight_OIKK, line, line)
    return spread.reshape(_SQUARE * weight_OIKK.shape[0], *weight_OIKK.shape[1:])


def evened(weight_OIKK: Tensor) -> Tensor:
    """The nearest weights (4O, I, 3, 3) with which all four places of a square give a flat input the same answer."""
    places = weight_OIKK.reshape(_SQUARE, -1, *weight_OIKK.shape[1:])
    answers = places.mean((3, 4), keepdim=True)
    return (places - answers + answers.mean(0, keepdim=True)).reshape(weight_OIKK.shape)


def _blocks(x: Tensor, convolutions: nn.ModuleList, norm: Norms) -> Tensor:
    for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
        y = F.leaky_relu(norm(first(x)), _LEAK)
        x = x + norm(second(y))
    return x
