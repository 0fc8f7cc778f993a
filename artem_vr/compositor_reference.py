"""The compositor's upsampling in NumPy, written to be read: what the shaders are tested against."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from artem_vr import brightness
from artem_vr.brightness import NO_VEIL, Veil
from artem_vr.compositor import FAST_RANGE_SIGMA, RANGE_FLOOR, RANGE_SIGMA, SPATIAL_SIGMA
from artem_vr.foveation import ramp
from artem_vr.frame import WHOLE, Window

Floats = NDArray[np.float64]
Weight = Callable[[Floats], Floats]

LUMA = np.array(brightness.LUMA, np.float64)


def composite(
    frame_HWC: NDArray[np.uint8],
    paint_hwC: NDArray[np.uint8],
    guide_hw: NDArray[np.uint8],
    strength: float = 1.0,
    upsampling: str = "joint",
    veil: Veil = NO_VEIL,
    window: Window = WHOLE,
    below_HWC: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The frame (H, W, 3) changed by `strength` to the paint (h, w, 3), upscaled as the compositor does it.

    guide_hw: the luma of the pixels that the paint was made from. upsampling: "joint", "joint-fast" or "bilinear".
    Over the result lies `veil`. Paint of a `window` of the frame alone is laid over `below_HWC`, fading in from its
    edge. Returns uint8 (H, W, 3).
    """
    frame, paint, guide = (np.asarray(image, np.float64) / 255 for image in (frame_HWC, paint_hwC, guide_hw))
    spatial, range_weight, reach, clamp_base = _VARIANTS[upsampling]
    height, width = guide.shape
    left, low, across, up = window
    y, base_y = _positions(frame.shape[0], height, clamp_base, 1 - low - up, up)
    x, base_x = _positions(frame.shape[1], width, clamp_base, left, across)
    luma_HW = frame @ LUMA
    total_HWC, weights_HW = np.zeros_like(frame), np.zeros_like(luma_HW)
    for dy in range(1 - reach, 1 + reach):
        for dx in range(1 - reach, 1 + reach):
            texels = np.ix_(_texels(base_y + dy, height), _texels(base_x + dx, width))
            weight_HW = np.outer(spatial(y - base_y - dy), spatial(x - base_x - dx))
            weight_HW = weight_HW * range_weight(guide[texels] - luma_HW)
            total_HWC += weight_HW[..., None] * paint[texels]
            weights_HW += weight_HW
    result_HWC = frame + strength * (total_HWC / weights_HW[..., None] - frame)
    result_HWC += veil.amount * (veil.level - result_HWC)
    if below_HWC is not None:
        places_HW2 = np.stack(
            np.meshgrid(_places(frame.shape[1], left, across), _places(frame.shape[0], 1 - low - up, up)), -1
        )
        below = below_HWC / 255
        result_HWC = below + ramp(places_HW2)[..., None] * (result_HWC - below)
    return np.rint(result_HWC * 255).clip(0, 255).astype(np.uint8)


def _positions(length: int, texels: int, clamp_base: bool, first: float, extent: float) -> tuple[Floats, Floats]:
    """Where pixel centres lie between the centres of texels of a part of them, and the texel before each."""
    # Beyond the part nothing is shown of it.
    position = _places(length, first, extent).clip(0, 1) * texels - 0.5
    base = np.floor(position)
    return position, base.clip(0, texels - 2) if clamp_base else base


def _places(length: int, first: float, extent: float) -> Floats:
    """Where pixel centres lie in a part of them, from 0 to 1 across it."""
    return np.asarray(((np.arange(length, dtype=np.float64) + 0.5) / length - first) / extent)


def _texels(index: Floats, count: int) -> NDArray[np.intp]:
    return index.clip(0, count - 1).astype(np.intp)


def _gaussian(difference: Floats, sigma: float) -> Floats:
    return np.asarray(np.exp(-0.5 * (difference / sigma) ** 2), np.float64)


def _tent(away: Floats) -> Floats:
    # Beyond the outermost texel centres the outermost texel counts fully.
    return np.asarray((1 - np.abs(away)).clip(0, 1), np.float64)


_VARIANTS: dict[str, tuple[Weight, Weight, int, bool]] = {
    "joint": (
        lambda away: _gaussian(away, SPATIAL_SIGMA),
        lambda difference: _gaussian(difference, RANGE_SIGMA) + RANGE_FLOOR,
        2,
        False,
    ),
    "joint-fast": (_tent, lambda difference: 1 / (1 + (difference / FAST_RANGE_SIGMA) ** 2) ** 2, 1, True),
    "bilinear": (_tent, np.ones_like, 1, True),
}
"""Spatial weight, range weight, texels to each side, and whether the first texel is kept inside the picture."""
