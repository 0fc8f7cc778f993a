"""Where a gaze meets the eyes' pictures: geometry alone, which knows nothing of OpenXR."""

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EyeView, Point


def gaze_points(direction_3: NDArray[np.float64], eyes: tuple[EyeView, EyeView]) -> tuple[Point, Point] | None:
    """The place in each eye's picture, in [0, 1] from its lower left corner, that lies in this direction.

    `direction_3` points from the eyes to what they look at, in the space that `eyes` stand in; its length does not
    matter. A headset tells one gaze for both eyes and not how far it reaches, so each eye looks along it: exact for
    what is far, and half an inter-pupillary distance off for what is near (3.6 degrees at half a metre). What lies
    beyond a picture's edge is put onto the edge. None when an eye would have to look backwards.
    """
    left, right = (_point(direction_3, eye) for eye in eyes)
    return None if left is None or right is None else (left, right)


def _point(direction_3: NDArray[np.float64], eye: EyeView) -> Point | None:
    if not np.isfinite(direction_3).all():
        return None
    seen_3 = eye.view_44[:3, :3].astype(np.float64) @ direction_3
    # A direction is a point at infinity: its fourth coordinate is 0, and where the eye stands drops out.
    x, y, _, w = eye.projection_44[:, :3].astype(np.float64) @ seen_3
    if w <= 0:
        return None
    across, up = (np.clip((x / w, y / w), -1.0, 1.0) + 1.0) / 2.0
    return float(across), float(up)
