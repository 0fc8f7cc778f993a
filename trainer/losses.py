"""What training minimises. All terms are dimensionless, so that their weights mean the same for any network.

Every loss is one value a picture (N,), for the batch holds pictures of different styles.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1e-8


def gram(features_NCHW: Tensor) -> Tensor:
    """The Gram matrix of each picture's features (N, C, C), divided by H x W (Gatys, Ecker and Bethge 2016, eq. 3).

    The product runs in the features' own precision on their channels-last layout: in bfloat16, which sums in
    float32, it takes half the time, and the style loss is off by less than a hundredth of a percent of itself (what
    bfloat16 convolutions before it do to the features is more: a tenth to one and a half percent).
    """
    flat = features_NCHW.permute(0, 2, 3, 1).flatten(1, 2)
    return (flat.transpose(1, 2) @ flat).float() / flat.shape[1]


def style_loss(
    features: dict[str, Tensor], targets: dict[str, Tensor], tap_weights: dict[str, float] | None = None
) -> Tensor:
    """Mean over the taps of |G - T|^2 / |T|^2: how far the Gram matrices G are from the painting's T (N, C, C).

    With `tap_weights` it is the weighted mean.
    """
    weights = {tap: 1.0 if tap_weights is None else tap_weights[tap] for tap in targets}
    terms = [
        weights[tap] * (gram(features[tap]) - target).square().sum((1, 2)) / target.square().sum((1, 2))
        for tap, target in targets.items()
    ]
    return torch.stack(terms).sum(0) / sum(weights.values())


def content_loss(features: Tensor, targets: Tensor) -> Tensor:
    """|F - T|^2 / |T|^2 of one tap's activations (N, C, H, W) (Johnson et al. 2016, eq. 2, made scale-free)."""
    features, targets = features.float(), targets.float()
    return (features - targets).square().sum((1, 2, 3)) / (targets.square().sum((1, 2, 3)) + _EPSILON)


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


def overflow(batch_NCHW: Tensor) -> Tensor:
    """Mean distance by which values leave [0, 1]: the display clamps them, and a clamped value learns nothing."""
    return F.relu((batch_NCHW - 0.5).abs() - 0.5).mean((1, 2, 3))
