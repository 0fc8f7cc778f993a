"""What training minimises. All terms are dimensionless, so that their weights mean the same for any network.

Every loss is one value a picture (N,), for the batch holds pictures of different styles.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1e-4
_STEP_EPSILON = 1e-6
_FAINTEST_DETAIL = (0.5 / 255) ** 2
_DARK_NOISE = 1e-4
_PHOTO_EDGE = 0.05
_NEAR_COLOUR = 0.1
_LUMINANCE = (0.299, 0.587, 0.114)


def gram(features_NCHW: Tensor) -> Tensor:
    """The Gram matrix of each picture's features (N, C, C), divided by H x W (Gatys, Ecker and Bethge 2016, eq. 3)."""
    return _mean_products(_places_first(features_NCHW))


@dataclass(frozen=True, slots=True)
class Moments:
    """What of a tap's activations is style: their mean (N, C) and covariance (N, C, C) over all places."""

    mean_NC: Tensor
    covariance_NCC: Tensor

    @classmethod
    def of(cls, features_NCHW: Tensor) -> "Moments":
        """The moments of activations, in float32.

        The mean is taken off before the product and not after it: in bfloat16 a Gram matrix is right to half a
        percent of itself, which may be more than all of a small covariance.
        """
        flat = _places_first(features_NCHW)
        mean_NC = flat.sum(1, dtype=torch.float32) / flat.shape[1]
        return cls(mean_NC, _mean_products(flat - mean_NC[:, None].to(flat.dtype)))

    @classmethod
    def stack(cls, parts: list["Moments"]) -> "Moments":
        """Joins moments along the first axis."""
        return cls(torch.cat([part.mean_NC for part in parts]), torch.cat([part.covariance_NCC for part in parts]))

    def __getitem__(self, index: Tensor) -> "Moments":
        return Moments(self.mean_NC[index], self.covariance_NCC[index])


def style_loss(
    features: dict[str, Tensor], targets: dict[str, Moments], tap_weights: dict[str, float] | None = None
) -> Tensor:
    """Mean over the taps of |m - t|^2 / |t|^2 + |C - T|^2 / |T|^2: means m and covariances C against a painting's.

    With `tap_weights` it is the weighted mean. A Gram matrix is the covariance plus the outer product of the mean,
    and activations after a ReLU have large means: normalised as a whole, a picture that has the painting's colours
    and none of its strokes is already within a few percent of it. Apart, the strokes count as much as the colours
    (on moments as style: Li, Wang, Liu and Hou 2017, "Demystifying Neural Style Transfer").
    """
    weights = {tap: 1.0 if tap_weights is None else tap_weights[tap] for tap in targets}
    terms = []
    for tap, target in targets.items():
        found = Moments.of(features[tap])
        mean = (found.mean_NC - target.mean_NC).square().sum(1) / target.mean_NC.square().sum(1)
        spread = (found.covariance_NCC - target.covariance_NCC).square().sum((1, 2))
        terms.append(weights[tap] * (mean + spread / target.covariance_NCC.square().sum((1, 2))))
    return torch.stack(terms).sum(0) / sum(weights.values())


def content_loss(features: Tensor, targets: Tensor) -> Tensor:
    """One minus the correlation of one tap's activations (N, C, H, W), averaged over the channels.

    0 for the same structure, 1 for an unrelated one. It is half the mean squared difference of instance-normalised
    activations: each channel's mean and contrast belong to the style (Huang and Belongie 2017 move them) and are
    taken out, so that content and style do not pull at the same thing.
    """
    found, wanted = (_places_first(x).float() for x in (features, targets))
    places = found.shape[1]
    found_mean, wanted_mean = (x.sum(1) / places for x in (found, wanted))
    together = (found * wanted).sum(1) / places - found_mean * wanted_mean
    found_spread = found.square().sum(1) / places - found_mean.square()
    wanted_spread = wanted.square().sum(1) / places - wanted_mean.square()
    scale = ((found_spread + _EPSILON) * (wanted_spread + _EPSILON)).sqrt()
    return 1 - ((together + _EPSILON) / scale).mean(1)


def gram_loss(features: dict[str, Tensor], targets: dict[str, Tensor], tap_weights: dict[str, float]) -> Tensor:
    """Weighted sum over the taps of the mean squared difference of Gram matrices, each divided by C x H x W.

    Johnson, Alahi and Fei-Fei 2016, eq. 3 and 4, but for the mean over the matrix where theirs is a sum; its scale is
    that of the activations. `targets` holds a painting's `gram` (N, C, C) for each tap.
    """
    terms = []
    for tap, target in targets.items():
        difference = (gram(features[tap]) - target) / target.shape[1]
        terms.append(tap_weights[tap] * difference.square().mean((1, 2)))
    return torch.stack(terms).sum(0)


def feature_loss(features: Tensor, targets: Tensor) -> Tensor:
    """The mean squared difference of one tap's activations (N, C, H, W): Johnson et al. 2016, eq. 2."""
    return (features.float() - targets.float()).square().mean((1, 2, 3))


def statistics_loss(features: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference of the channels' means and of their deviations: Huang and Belongie 2017, eq. 13.

    Both are activations (N, C, H, W) of one tap, those of the targets of any height and width.
    """
    (spread, mean), (wanted_spread, wanted_mean) = (
        torch.var_mean(x.float(), (2, 3), correction=0) for x in (features, targets)
    )
    deviation = (spread + _STEP_EPSILON).sqrt() - (wanted_spread + _STEP_EPSILON).sqrt()
    return (mean - wanted_mean).square().mean(1) + deviation.square().mean(1)


def tone_loss(painted_NCHW: Tensor, photos_NCHW: Tensor, cell: int = 8) -> Tensor:
    """One minus the correlation of coarse luminance: what is bright stays brighter than what is dark.

    The normalised content does not see a light sky above a dark hill turn into a dark one above a light one; people
    do. Luminance is averaged over cells of `cell` x `cell` pixels, so that strokes are free.
    """
    painted, photos = (_coarse_luminance(picture, cell) for picture in (painted_NCHW, photos_NCHW))
    scale = (painted.square().mean(1) + _DARK_NOISE).sqrt() * (photos.square().mean(1) + _DARK_NOISE).sqrt()
    return 1 - (painted * photos).mean(1) / scale


def patch_loss(painted_NCHW: Tensor, photos_NCHW: Tensor, cell: int = 8) -> Tensor:
    """Mean step of colour between neighbouring cells of `cell` x `cell` pixels, where the photograph has none.

    Style statistics ask for a little red somewhere, and do not say where: the cheapest answer is a red spot on any
    wall. Steps count by exp(-|step of the photograph| / 0.05), so that colours change at its edges (the edge-aware
    smoothness of Godard, Mac Aodha and Brostow 2017, there for disparity).
    """
    painted, photos = F.avg_pool2d(painted_NCHW, cell), F.avg_pool2d(photos_NCHW, cell)
    total = torch.zeros(len(painted), device=painted.device)
    for axis in (2, 3):
        step = painted.diff(dim=axis).square().sum(1).add(_EPSILON).sqrt()
        flat = torch.exp(-photos.diff(dim=axis).abs().mean(1) / _PHOTO_EDGE)
        total = total + (step * flat).mean((1, 2))
    return total


def palette_of(painting_1CHW: Tensor, colours: int = 512, cell: int = 4) -> Tensor:
    """Colours of a painting (colours, 3): means of cells of `cell` x `cell` pixels, evenly spread over it."""
    cells = F.avg_pool2d(painting_1CHW, cell).flatten(2)[0].T
    return cells[torch.linspace(0, len(cells) - 1, colours, device=cells.device).round().long()]


def palette_loss(painted_NCHW: Tensor, palettes_NKC: Tensor, cell: int = 8) -> Tensor:
    """Mean distance in RGB, beyond 0.1, of cells of `cell` x `cell` pixels from the nearest colour of the painting.

    Covariances hardly see a small spot of a colour that the painting does not have; people see nothing else.
    """
    cells_NPC = F.avg_pool2d(painted_NCHW, cell).flatten(2).transpose(1, 2)
    nearest = torch.cdist(cells_NPC, palettes_NKC).amin(2)
    return F.relu(nearest - _NEAR_COLOUR).mean(1)


def total_variation(batch_NCHW: Tensor) -> Tensor:
    """Mean absolute step to the right and lower neighbour, of values in [0, 1] (anisotropic TV, Rudin et al. 1992)."""
    horizontal = (batch_NCHW[..., :, 1:] - batch_NCHW[..., :, :-1]).abs().mean((1, 2, 3))
    vertical = (batch_NCHW[..., 1:, :] - batch_NCHW[..., :-1, :]).abs().mean((1, 2, 3))
    return horizontal + vertical


def grid_energy(batch_NCHW: Tensor, period: int = 4, window: int = 16) -> Tensor:
    """How much of a picture repeats every `period` pixels: what a pixel shuffle leaves behind as a grid.

    The fine detail (the picture less its 3x3 mean) is averaged per phase of the period over windows of
    `window` x `window` periods. Real detail nearly averages out there; a grid does not. The result is the mean square
    of what is left, times the number of phases: 5e-4 for a comb of single pixels 6/255 high on a flat ground. It is
    zero for a flat picture and for a ramp away from its ends; photographs hold 1e-4 in the median (1e-5 to 1e-3 at
    256 px), of which a grid adds to its own, so that a photograph's value is the floor and not zero.
    """
    detail = batch_NCHW - F.avg_pool2d(F.pad(batch_NCHW, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    phases = F.pixel_unshuffle(detail, period)
    local = F.avg_pool2d(phases, min(window, *phases.shape[-2:]))
    n, c = batch_NCHW.shape[:2]
    local = local.reshape(n, c, period**2, -1)
    return (local - local.mean(2, keepdim=True)).square().mean((1, 2, 3)) * period**2


def grid_share(batch_NCHW: Tensor, period: int = 8, window: int = 7) -> Tensor:
    """The share of a picture's detail that repeats every `period` pixels, from 0 to 1.

    `grid_energy` is an amplitude: the faint grid on a plain sky, which everybody sees, is nothing in it beside what
    rough ground holds by chance. Here each window of `window` x `window` periods counts alike: the detail (the picture
    less its mean over a period and one pixel more) is averaged per phase, and the mean square of that is taken relative
    to the detail's own. Noise has 1 / window^2, photographs little more; a sky with a grid of any contrast on it has
    nearly 1. A grid of any period that divides `period` counts too.
    """
    reach = period // 2
    padded = F.pad(batch_NCHW, (reach, reach, reach, reach), mode="reflect")
    detail = batch_NCHW - F.avg_pool2d(padded, 2 * reach + 1, stride=1)
    height, width = (side // period * period for side in detail.shape[-2:])
    phases = F.pixel_unshuffle(detail[..., :height, :width], period)
    window = min(window, *phases.shape[-2:])
    shape = (*batch_NCHW.shape[:2], period**2, -1)
    repeats = F.avg_pool2d(phases, window).reshape(shape).square().mean(2)
    contrast = F.avg_pool2d(phases.square(), window).reshape(shape).mean(2)
    return (repeats / (contrast + _FAINTEST_DETAIL)).mean((1, 2))


def weave(batch_NCHW: Tensor, window: int = 32) -> Tensor:
    """How much of a picture's detail is one wave, of any length and direction, from 0 to 1.

    What a network makes of a plain sky tends to one ripple all over it. In windows of `window` x `window` pixels, which
    count alike, the power P of the detail's spectrum is measured by sum P^2 / (sum P)^2, one over the number of waves
    that share in it. Noise has 0.004, photographs and paintings 0.014 to
    0.024, a single wave, which the window's Hann weights spread a little, 0.22.
    """
    reach = 4
    padded = F.pad(batch_NCHW.float(), (reach, reach, reach, reach), mode="reflect")
    detail = batch_NCHW - F.avg_pool2d(padded, 2 * reach + 1, stride=1)
    height, width = (side // window * window for side in detail.shape[-2:])
    tiles = detail[..., :height, :width].unfold(2, window, window).unfold(3, window, window)
    hann = torch.hann_window(window, device=detail.device)
    power = torch.fft.rfft2(tiles * (hann[:, None] * hann)).abs().square()
    faintest = _FAINTEST_DETAIL * window**2 * hann.square().sum() ** 2 / 2
    share = power.square().sum((-2, -1)) / (power.sum((-2, -1)) + faintest).square()
    return share.mean((1, 2, 3))


def lattice(batch_NCHW: Tensor, period: int = 4, window: int = 8) -> Tensor:
    """How unevenly fine contrast is spread over the phases of a period: the pinstripes that `grid_energy` cannot see.

    Strokes whose contrast is always greatest on every fourth column average to nothing and still make a lattice. The
    absolute steps to the right and lower neighbour are averaged per phase over windows of `window` x `window`
    periods; the result is their variance over the phases relative to their squared mean, summed over both
    directions. Photographs hold 0.02 to 0.05 of chance, which is the floor; every fourth column alone gives 3.
    """
    grey = batch_NCHW.mean(1, keepdim=True)
    total = torch.zeros(len(grey), device=grey.device)
    for axis in (2, 3):
        steps = grey.diff(dim=axis).square().add(_STEP_EPSILON).sqrt()
        height, width = (side // period * period for side in steps.shape[-2:])
        phases = F.pixel_unshuffle(steps[..., :height, :width], period)
        local = F.avg_pool2d(phases, min(window, *phases.shape[-2:]))
        mean = local.mean(1, keepdim=True)
        total = total + (local - mean).square().mean((1, 2, 3)) / (mean.square().mean((1, 2, 3)) + _STEP_EPSILON)
    return total


def overflow(batch_NCHW: Tensor) -> Tensor:
    """Mean distance by which values leave [0, 1]: the display clamps them, and a clamped value learns nothing."""
    return F.relu((batch_NCHW - 0.5).abs() - 0.5).mean((1, 2, 3))


def _places_first(features_NCHW: Tensor) -> Tensor:
    """Features as (N, H x W, C), which is how they lie in memory.

    Sums over places then run along whole rows of channels, forwards and backwards: a mean over two dimensions of
    four, whose gradient is spread over them again, took twice as long.
    """
    return features_NCHW.permute(0, 2, 3, 1).flatten(1, 2)


def _mean_products(flat_NPC: Tensor) -> Tensor:
    """The mean over places of the products of channels (N, C, C), in float32.

    The product runs in the features' own precision: in bfloat16, which sums in float32, it takes half the time, and the
    style loss is off by less than a hundredth of a percent of itself (what bfloat16 convolutions before it do to the
    features is more: a tenth to one and a half percent).
    """
    return (flat_NPC.transpose(1, 2) @ flat_NPC).float() / flat_NPC.shape[1]


def _coarse_luminance(batch_NCHW: Tensor, cell: int) -> Tensor:
    weights = batch_NCHW.new_tensor(_LUMINANCE)[None, :, None, None]
    coarse = F.avg_pool2d((batch_NCHW * weights).sum(1, keepdim=True), cell).flatten(1)
    return coarse - coarse.mean(1, keepdim=True)
