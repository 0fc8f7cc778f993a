"""The reference generator: the transformer network of Johnson, Alahi and Fei-Fei 2016 with instance normalisation.

Down by two strided convolutions, residual blocks, and up again, at any width. Up is either nearest-neighbour upsampling
and convolutions (Odena et al. 2016), or the transposed convolutions of the paper, which leave a checkerboard. The
output is linear, or bounded by a scaled tanh (the paper) or a sigmoid. Its normalisations are conditional (Dumoulin et
al. 2017), with the style vector as an input, so that it can be compared with the compact network on the same bank.
Width 32 with five blocks is the published one (32, 64 and 128 channels, 9x9 convolutions at both ends): weights and one
style vector are its 1,679,235 parameters.
"""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Upsampling = Literal["nearest", "transposed"]
Output = Literal["linear", "tanh", "sigmoid"]

_EPSILON = 1e-5
_TANH_REACH = 0.65


@dataclass(frozen=True, slots=True)
class JohnsonConfig:
    """The shape of the network: channels at full resolution (doubled at each of two halvings) and residual blocks.

    `inner`: channels between the two convolutions of a residual block; 0 means as many as outside, 4 * width.
    `output`: "tanh" is 0.5 + 0.65 tanh(x), a little more than [0, 1] as in the paper's 150 tanh on [0, 255], so that
    black and white can be reached; "sigmoid" never leaves [0, 1].
    `margin`: how many pixels the picture is continued by its mirror image on every side, and cut again in the end. The
    paper has 40: what convolutions make of a border then lies outside the picture.
    """

    width: int = 32
    blocks: int = 5
    upsampling: Upsampling = "nearest"
    output: Output = "linear"
    inner: int = 0
    margin: int = 0

    def __post_init__(self) -> None:
        if self.width < 1 or min(self.blocks, self.inner, self.margin) < 0:
            raise ValueError("width must be at least 1, blocks, margin and inner at least 0")
        for name, value, known in (
            ("upsampling", self.upsampling, get_args(Upsampling)),
            ("output", self.output, get_args(Output)),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}")

    @property
    def inner_channels(self) -> int:
        """The channels between the two convolutions of a residual block, never 0."""
        return self.inner or 4 * self.width

    @property
    def norms(self) -> list[int]:
        """The channels of each normalisation, in the order of the style vector."""
        w = self.width
        return [w, 2 * w, 4 * w] + [self.inner_channels, 4 * w] * self.blocks + [2 * w, w]

    @property
    def style_size(self) -> int:
        """The length D of a style vector: scales and shifts of every norm."""
        return 2 * sum(self.norms)

    def to_metadata(self) -> dict[str, int | str]:
        """The fields as a flat dictionary, for the model card."""
        return asdict(self)


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, padding_mode="reflect")


class _Nearest(nn.Conv2d):
    """A 3x3 convolution of the doubled picture. A subclass, so that both ways up have the same names of weights."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def _nearest(inputs: int, outputs: int) -> nn.Conv2d:
    return _Nearest(inputs, outputs, 3, padding=1, padding_mode="reflect")


def _transposed(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)


class Johnson(nn.Module):
    """The generator: `forward(batch_NCHW, styles_ND)` as in `Compact`, for sizes of at least 16 pixels."""

    def __init__(self, config: JohnsonConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or JohnsonConfig()
        w = config.width
        self.down = nn.ModuleList(
            [_convolution(3, w, 9), _convolution(w, 2 * w, 3, 2), _convolution(2 * w, 4 * w, 3, 2)]
        )
        ways = [(4 * w, config.inner_channels), (config.inner_channels, 4 * w)] * config.blocks
        self.residual = nn.ModuleList(_convolution(inputs, outputs, 3) for inputs, outputs in ways)
        rise = _transposed if self.config.upsampling == "transposed" else _nearest
        self.up = nn.ModuleList([rise(4 * w, 2 * w), rise(2 * w, w)])
        self.paint = _convolution(w, 3, 9)

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints RGB in [0, 1] of any size; the result, of the same shape, may leave [0, 1] a little."""
        height, width = batch_NCHW.shape[-2:]
        # Reflection reaches no further than the picture does.
        left, top = min(self.config.margin, width - 1), min(self.config.margin, height - 1)
        sides = (
            left,
            min(left + -(width + 2 * left) % 4, width - 1),
            top,
            min(top + -(height + 2 * top) % 4, height - 1),
        )
        x = F.pad(batch_NCHW, sides, mode="reflect") - 0.5
        norms = iter(styles_ND.split([2 * channels for channels in self.config.norms], dim=1))
        for convolution in self.down:
            x = F.relu(_modulate(convolution(x), next(norms)))
        for block in range(self.config.blocks):
            y = F.relu(_modulate(self.residual[2 * block](x), next(norms)))
            x = x + _modulate(self.residual[2 * block + 1](y), next(norms))
        for convolution in self.up:
            x = F.relu(_modulate(convolution(x), next(norms)))
        return self._bounded(self.paint(x))[..., top : top + height, left : left + width]

    def _margins(self, side: int) -> tuple[int, int]:
        """How far a side is continued before and after; together a multiple of four, as both halvings need."""
        before = min(self.config.margin, (side - 1) // 4 * 4)  # a reflection reaches no further than the picture
        return before, before + -(side + 2 * before) % 4

    def _bounded(self, x: Tensor) -> Tensor:
        if self.config.output == "tanh":
            return 0.5 + _TANH_REACH * torch.tanh(x)
        return torch.sigmoid(x) if self.config.output == "sigmoid" else x + 0.5


def initial_style(config: JohnsonConfig) -> Tensor:
    """Where training starts (D,): unit scales and no shifts."""
    return torch.cat([torch.cat([torch.ones(channels), torch.zeros(channels)]) for channels in config.norms])


def _modulate(x: Tensor, style_ND: Tensor) -> Tensor:
    scale, shift = style_ND[..., None, None].chunk(2, dim=1)
    return F.instance_norm(x, eps=_EPSILON) * scale + shift
