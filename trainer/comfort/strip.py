"""A strip of crops around one point of the world, through time and through both eyes: what swims is seen there."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EYES
from artem_vr.reprojection import carry, seen
from trainer.comfort.recording import Recording

SIDE = 72
"""Of a crop, in pixels."""
_TIMES, _EVERY = 8, 4
_NEAR_ENOUGH = 30.0

Place = tuple[int, int]


class Strip:
    """Where the point is in every frame that is looked at, and the crops that were taken there, by the row's name."""

    def __init__(self, recording: Recording, first: int) -> None:
        self.fps = recording.fps
        last = len(recording.views) - 1
        self.frames = sorted({min(first + index * _EVERY, last) for index in range(_TIMES)})
        self.crops: dict[str, dict[tuple[int, int], NDArray[np.uint8]]] = {}
        self._places = _followed(recording, self.frames)
        take = self.taker("source")
        for number in self.frames:
            take(number, recording.views[number].rgb_EHWC)

    def taker(self, row: str) -> Callable[[int, NDArray[np.uint8]], None]:
        """What is to be told each frame's number and pixels (2, H, W, 3), and keeps crops under this name."""
        taken: dict[tuple[int, int], NDArray[np.uint8]] = {}
        self.crops[row] = taken

        def take(number: int, rgb_EHWC: NDArray[np.uint8]) -> None:
            if number in self.frames:
                for eye in range(EYES):
                    taken[number, eye] = _crop(rgb_EHWC[eye], self._places[number, eye])

        return take


def _followed(recording: Recording, frames: list[int]) -> dict[tuple[int, int], Place]:
    """The (row, column) of one point, by frame and eye: the richest in detail that is seen in all of them."""
    views = recording.views
    start = views[frames[0]]
    distance_HW = start.distance(0)
    width, height = recording.eye_size
    usable = distance_HW < _NEAR_ENOUGH
    places: dict[tuple[int, int], NDArray[np.intp]] = {}
    margin = min(SIDE, width, height) // 2
    for number in frames:
        for eye in range(EYES):
            other = views[number]
            carried = carry(distance_HW, start.eyes[0], other.eyes[eye])
            visible = seen(carried, other.distance(eye))
            place = np.where(visible[..., None], carried.place_HW2, 0.5) * (width, height)
            places[number, eye] = place.astype(np.intp)
            x, y = places[number, eye][..., 0], places[number, eye][..., 1]
            inside = (x >= margin) & (x <= width - margin) & (y >= margin) & (y <= height - margin)
            usable &= visible & inside
    detail_HW = _detail(start.rgb_EHWC[0])
    row, column = np.unravel_index(int(np.where(usable, detail_HW, -1).argmax()), usable.shape)
    return {key: (int(place[row, column, 1]), int(place[row, column, 0])) for key, place in places.items()}


def _detail(rgb_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much brightness changes around each pixel (H, W)."""
    luma = cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.hypot(cv2.Sobel(luma, -1, 1, 0), cv2.Sobel(luma, -1, 0, 1))
    return np.asarray(cv2.blur(np.minimum(edges, 200), (SIDE // 2, SIDE // 2)), np.float32)


def _crop(rgb_HWC: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
    height, width = rgb_HWC.shape[:2]
    side = min(SIDE, height, width)
    top, left = (
        min(max(middle - side // 2, 0), size - side) for middle, size in zip(place, (height, width), strict=True)
    )
    return rgb_HWC[top : top + side, left : left + side].copy()
