"""How a picture holds the eyes: one picture for both, or two side by side."""

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import InputError


def eyes_from_picture(rgb_HWC: NDArray[np.uint8], stereo: bool) -> NDArray[np.uint8]:
    """The eye images (E, H, W, 3) of a picture: E = 1, or, for side-by-side `stereo`, E = 2 with the left half first.

    An odd width loses its middle column. Raises `InputError` when there is nothing to halve.
    """
    if not stereo:
        return rgb_HWC[None]
    half = rgb_HWC.shape[1] // 2
    if half == 0:
        raise InputError("a side-by-side stereo picture is at least 2 pixels wide: leave stereo off for this one")
    return np.stack([rgb_HWC[:, :half], rgb_HWC[:, -half:]])
