"""Where a flat picture hangs before a head, and how many pixels it deserves there. Metres, radians, column vectors."""

import math

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import UsageError
from artem_vr.frame import EyeView, Size

Matrix = NDArray[np.float64]

_SMALLEST: Size = (64, 32)


def check_field_of_view(fov: float) -> None:
    """Raises `UsageError` unless it lies between 0 and pi, both excluded."""
    if not 0 < fov < math.pi:
        raise UsageError(f"a field of view of {math.degrees(fov):g} degrees: choose one between 0 and 180")


def screen_size(picture: Size, eye_size: Size, eye_fov: float, fov: float) -> Size:
    """The resolution for a flat picture that fills `fov` radians of an eye's `eye_fov`, both across.

    Neither more than `picture` has nor more than the eye's pixels there, of the picture's shape; even numbers, and at
    least 64x32. Raises `UsageError` for sizes and angles that make no sense.
    """
    check_field_of_view(fov)
    check_field_of_view(eye_fov)
    if min(*picture, *eye_size) < 1:
        raise UsageError(f"a picture of {picture} for an eye of {eye_size} pixels: neither may be without any")
    # On a flat picture and a flat image of it, pixels are even in the tangent of the angle.
    pixels = eye_size[0] * math.tan(fov / 2) / math.tan(eye_fov / 2)
    scale = min(1.0, pixels / picture[0])
    # A hundredth of a pixel is what the division may have lost.
    width, height = (2 * int((length * scale + 0.01) / 2) for length in picture)
    return max(width, _SMALLEST[0]), max(height, _SMALLEST[1])


def eye_offset(head_44: Matrix, eye: EyeView) -> Matrix:
    """How an eye stands off the middle of the head (4, 4): a shift in the head's own directions."""
    place = -eye.view_44[:3, :3].T.astype(np.float64) @ eye.view_44[:3, 3]
    shift = np.eye(4)
    shift[:3, 3] = head_44[:3, :3].T @ (place - head_44[:3, 3])
    return shift


def sight_rays(eye: EyeView) -> Matrix:
    """Where an eye looks in the world, for the pixels of its image: rows (3, 3).

    The ray through the image's lower left corner, and what is added to it on the way to the right edge and to the
    top. Their lengths mean nothing.
    """
    projection = eye.projection_44.astype(np.float64)
    low, extent = np.array([0.0, 0.0, -1.0]), np.zeros((2, 3))
    for axis in range(2):
        low[axis] = (projection[axis, 2] - 1) / projection[axis, axis]
        extent[axis, axis] = 2 / projection[axis, axis]
    return np.asarray(np.stack([low, *extent]) @ eye.view_44[:3, :3], np.float64)
