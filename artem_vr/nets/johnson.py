"""The reference generator: the transformer network of Johnson, Alahi and Fei-Fei 2016 with instance normalisation.

Down by two strided convolutions, residual blocks, up by nearest-neighbour upsampling and convolutions (Odena et al.
2016), at any width. Its normalisations are conditional (Dumoulin et al. 2017), with the style vector as an input, so
that it can be compared with the compact network on the same bank. Width 32 with five blocks is the published one
(32, 64 and 128 channels, 9x9 convolutions at both ends): weights and one style vector are its 1,679,235 parameters.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class JohnsonConfig:
    """The shape of the network: channels at full resolution (doubled at each of two halvings) and residual blocks."""

    width: int = 32
    blocks: int = 5

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 0:
            raise ValueError("width must be at least 1 and blocks at least 0")

    @property
    def norms(self) -> list[int]:
        """The channels of each normalisation, in the order of the style vector."""
        w = self.width
        return [w, 2 * w, 4 * w] + [4 * w] * (2 * self.blocks) + [2 * w, w]

    @property
    def style_size(self) -> int:
        """The length D of a style vector: scales and shifts of every norm."""
        return 2 * sum(self.norms)

    def to_metadata(self) -> dict[str, int]:
        """The fields as a flat dictionary, for the model card."""
        return asdict(self)


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, padding_mode="reflect")


class Johnson(nn.Module):
    """The generator: `forward(batch_NCHW, styles_ND)` as in `Compact`, for sizes of at least 16 pixels."""

    def __init__(self, config: JohnsonConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or JohnsonConfig()
        w = config.width
        self.down = nn.ModuleList(
            [_convolution(3, w, 9), _convolution(w, 2 * w, 3, 2), _convolution(2 * w, 4 * w, 3, 2)]
        )
        self.residual = nn.ModuleList(_convolution(4 * w, 4 * w, 3) for _ in range(2 * config.blocks))
        self.up = nn.ModuleList([_convolution(4 * w, 2 * w, 3), _convolution(2 * w, w, 3)])
        self.paint = _convolution(w, 3, 9)

    def forward(self, batch_NCHW: Tensor, styles_ND: Tensor) -> Tensor:
        """Paints RGB in [0, 1] of any size; the result, of the same shape, may leave [0, 1] a little."""
        height, width = batch_NCHW.shape[-2:]
        x = F.pad(batch_NCHW, (0, -width % 4, 0, -height % 4), mode="reflect") - 0.5
        norms = iter(styles_ND.split([2 * channels for channels in self.config.norms], dim=1))
        for convolution in self.down:
            x = F.relu(_modulate(convolution(x), next(norms)))
        for block in range(self.config.blocks):
            y = F.relu(_modulate(self.residual[2 * block](x), next(norms)))
            x = x + _modulate(self.residual[2 * block + 1](y), next(norms))
        for convolution in self.up:
            x = F.relu(_modulate(convolution(F.interpolate(x, scale_factor=2.0, mode="nearest")), next(norms)))
        return (self.paint(x) + 0.5)[..., :height, :width]


def initial_style(config: JohnsonConfig) -> Tensor:
    """Where training starts (D,): unit scales and no shifts."""
    return torch.cat([torch.cat([torch.ones(channels), torch.zeros(channels)]) for channels in config.norms])


def _modulate(x: Tensor, style_ND: Tensor) -> Tensor:
    scale, shift = style_ND[..., None, None].chunk(2, dim=1)
    return F.instance_norm(x, eps=_EPSILON) * scale + shift
