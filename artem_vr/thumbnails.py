"""A small picture for each style: a corner of the built-in scene in its painter's hands, or the picture that it is.

`scripts/style_thumbnails.py` makes those that ship with the program.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr import resources
from artem_vr.media.picture import read_picture

SIDE = 128
"""Pixels along each side of a thumbnail."""


def thumbnail_path(style: str) -> Path:
    """Where the thumbnail of a shipped style of that name is, or would be."""
    return resources.assets() / "thumbnails" / f"{style}.jpg"


def load_thumbnail(style: str) -> NDArray[np.uint8] | None:
    """The small picture of a style: uint8 RGB (h, w, 3), square, at most `SIDE` pixels a side, top row first.

    `style` is a name of the shipped bank, "original", or the path of a picture, of which the middle is taken. None for
    everything else. Never raises. A large picture takes as long as reading it does.
    """
    try:
        # A path with folders in it is never a name: "../x" leads nowhere.
        shipped = thumbnail_path(style)
        path = shipped if Path(style).name == style and shipped.is_file() else Path(style).expanduser()
        return _square(read_picture(path).rgb_HWC) if path.is_file() else None
    except Exception:  # whatever is wrong with the file, nobody should miss more than a small picture
        return None


def _square(rgb_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest square in the middle, shrunk to `SIDE` pixels unless it has less."""
    height, width = rgb_HWC.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = rgb_HWC[top : top + side, left : left + side]
    if side > SIDE:
        middle = np.asarray(cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(middle)
