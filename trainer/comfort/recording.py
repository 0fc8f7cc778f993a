"""Pictures of both eyes with all that is known about them, so that every mode can be shown the very same ones."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EyeView, Size
from artem_vr.reprojection import distances


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What both eyes see at one moment.

    `rgb_EHWC` is uint8 (2, H, W, 3), top row first; `depth_EHW` is OpenGL window depth in [0, 1], float32, for the
    projection in `eyes`; None where it is not known.
    """

    rgb_EHWC: NDArray[np.uint8]
    eyes: tuple[EyeView, EyeView]
    depth_EHW: NDArray[np.float32] | None = None

    @property
    def is_pair(self) -> bool:
        """Whether the eyes see two pictures of which no depth is known."""
        return self.depth_EHW is None and not np.array_equal(*self.rgb_EHWC)

    def distance(self, eye: int) -> NDArray[np.float64]:
        """Metres along the axis of the left (0) or right (1) eye (H, W). Raises `ValueError` where nothing is known."""
        if self.depth_EHW is None:
            raise ValueError("this picture has no depth")
        return distances(self.depth_EHW[eye], self.eyes[eye].projection_44)


@dataclass(frozen=True)
class Recording:
    """Views at an even rate of `fps` a second."""

    views: list[View]
    fps: float

    @cached_property
    def eye_size(self) -> Size:
        """The (width, height) of one eye."""
        height, width = self.views[0].rgb_EHWC.shape[1:3]
        return width, height

    def with_pictures(self, pictures_TEHWC: list[NDArray[np.uint8]]) -> "Recording":
        """The same moments with other pictures."""
        return Recording(
            [replace(view, rgb_EHWC=rgb) for view, rgb in zip(self.views, pictures_TEHWC, strict=True)], self.fps
        )


def resized(rgb_HWC: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A picture at another (width, height), each pixel the mean of what it covers."""
    return np.asarray(cv2.resize(rgb_HWC, size, interpolation=cv2.INTER_AREA), np.uint8)
