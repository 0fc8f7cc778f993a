"""Conditional instance normalisation (Dumoulin, Shlens and Kudlur 2017, eq. 5), plain, and with steady statistics.

Plain, each channel of a picture is normalised by its own mean and deviation. In a video they jump when something
bright comes into view, and the paint of everything else jumps with them. Steady, they are those of all the pixels seen
lately, of each picture the fewer the older it is. With a part `share` of the pixels from this picture and the rest from
before, and the difference d = own mean - previous mean,

    mean     = previous mean + share * d
    variance = previous variance + share * (own variance - previous variance) + share * (1 - share) * d^2

which is how statistics of two sets of pixels are those of their union (the last term is what lies between the two). So
a variance is never negative, and when the mean jumps, the deviation grows with it: new pixels are not blown up by what
was normal before. With a share of 1 it is the plain normalisation.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-5

Modulation = tuple[Tensor, Tensor]
"""The scale and shift (N, C, 1, 1) of one normalisation."""

_SPLITTER = 2.0**16 + 1.0


class PlainNorms:
    """The normalisations of a network in the order in which it calls them, by each picture's own statistics."""

    def __init__(self, modulations: Iterable[Modulation]) -> None:
        self._modulations = iter(modulations)

    def __call__(self, x: Tensor) -> Tensor:
        """The next one, of x (N, kC, H, W): the k places of squares have one scale and shift, and each its own mean."""
        scale, shift = next(self._modulations)
        places = x.shape[1] // scale.shape[1]
        if places > 1:
            scale, shift = scale.repeat(1, places, 1, 1), shift.repeat(1, places, 1, 1)
        return F.instance_norm(x, eps=EPSILON) * scale + shift


class SteadyNorms:
    """The same with steady statistics, see this module's docstring.

    previous_NS: float32, the means of all normalisations and then all variances; `sizes` says how many each has.
    share_N1: from 0 (the previous ones alone) to 1 (each picture's own alone). `for_bfloat16`: what is in float32 here
    will be computed in bfloat16 by a runtime that this is only written down for.
    """

    def __init__(
        self,
        modulations: Iterable[Modulation],
        previous_NS: Tensor,
        share_N1: Tensor,
        sizes: list[int],
        for_bfloat16: bool = False,
    ) -> None:
        self._modulations = iter(modulations)
        parts = previous_NS.split(sizes * 2, dim=1)
        self._previous = zip(parts[: len(sizes)], parts[len(sizes) :], strict=True)
        self._share = share_N1
        self._for_bfloat16 = for_bfloat16
        self._means: list[Tensor] = []
        self._variances: list[Tensor] = []
        self._grounds: list[Tensor] = []

    def __call__(self, x: Tensor) -> Tensor:
        """The next one, as `PlainNorms`."""
        # All in rows, not in maps of one pixel: a runtime that fuses would do these few sums again for every pixel.
        mean, variance = self._mixed(*own_statistics(x))
        scale, shift = (part.flatten(1) for part in next(self._modulations))
        places = x.shape[1] // scale.shape[1]
        if places > 1:
            scale, shift = scale.repeat(1, places), shift.repeat(1, places)
        gain = scale / (variance + EPSILON).sqrt()
        # The very factor that x will be multiplied by. After some convolutions the mean is sixty times the deviation,
        # and were the ground for a gain with more digits, rounding would shift all paint, at every picture otherwise.
        gain = eight_bits(gain) if self._for_bfloat16 else gain.to(x.dtype).float()
        ground = shift - mean * gain
        self._means.append(mean)
        self._variances.append(variance)
        self._grounds.append(ground)
        return x * gain.to(x.dtype)[..., None, None] + ground.to(x.dtype)[..., None, None]

    def _mixed(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        previous_mean, previous_variance = next(self._previous)
        share, between = self._share, mean - previous_mean
        within = previous_variance + share * (variance - previous_variance)
        return previous_mean + share * between, within + share * (1.0 - share) * (between * between)

    def used(self) -> Tensor:
        """The statistics that were used (N, S): once all are called, the `previous_NS` of the next pictures."""
        return torch.cat(self._means + self._variances, dim=1)

    def grounds(self) -> Tensor:
        """What was added to each channel so far (N, S / 2)."""
        return torch.cat(self._grounds, dim=1)


def own_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (N, C) of every channel of x (N, C, H, W) over the picture, summed up in float32.

    The picture is summed up as a list of pixels, the way that convolutions leave it in memory on processors. Taken
    over height and width, OpenVINO would first copy it plane by plane (measured: a tenth of the network's time).
    """
    pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
    mean = pixels.mean(1, dtype=torch.float32)
    length = torch.linalg.vector_norm(pixels, dim=1, dtype=torch.float32)
    return mean, (length * length / pixels.shape[1] - mean * mean).clamp_min(0.0)


def eight_bits(x: Tensor) -> Tensor:
    """float32 numbers rounded to what bfloat16 has of them (Dekker 1971): no runtime takes that for a mere cast."""
    larger = x * _SPLITTER
    return larger - (larger - x)
