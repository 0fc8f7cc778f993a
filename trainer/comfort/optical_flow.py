"""Where the pixels of a picture lie in the one before where nothing but pictures is known: by optical flow."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.config import default_net_size
from artem_vr.errors import InputError
from artem_vr.media.kinds import list_pictures
from artem_vr.media.picture import read_picture
from trainer.comfort.correspondence import Correspondence, eroded
from trainer.comfort.measurement import Pairs
from trainer.comfort.recording import Recording, View, resized
from trainer.comfort.scene import RATE

MOST_FRAMES = 120
_RELATIVE, _ABSOLUTE = 0.01, 0.5
"""How far, squared, a pixel may come out beside itself on its way there and back: of the squared way, and in pixels."""


def read_frames(folder: Path) -> Recording:
    """The pictures of a folder in natural order, `MOST_FRAMES` at most, at the size at which they are painted.

    All get the size of the first one, and both eyes see the same. Raises `InputError` unless there are two or more.
    """
    paths = list_pictures(folder)[:MOST_FRAMES]
    if len(paths) < 2:
        raise InputError(f"{folder} holds one picture: a sequence takes two or more")
    first = read_picture(paths[0])
    size = default_net_size(first.size)
    eyes = stereo_views(Pose((0.0, 0.0, 0.0)), size)
    views = []
    for path in paths:
        rgb_HWC = resized(read_picture(path).rgb_HWC, size)
        views.append(View(np.stack([rgb_HWC, rgb_HWC]), eyes))
    return Recording(views, RATE)


def pairs_by_flow(recording: Recording) -> Pairs:
    """Each frame with the one before."""
    pictures = [view.rgb_EHWC[0] for view in recording.views]
    steps = {number: by_flow(pictures[number], pictures[number - 1]) for number in range(1, len(pictures))}
    return Pairs(0, steps)


def by_flow(rgb_HWC: NDArray[np.uint8], other_HWC: NDArray[np.uint8]) -> Correspondence:
    """By dense inverse search (Kroeger et al. 2016), seen where the way there and back comes out where it began.

    The latter is the check of Sundaram, Brox and Keutzer (2010). Both pictures are uint8 of one size.
    """
    one, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (rgb_HWC, other_HWC))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = one.shape
    there_HW2, back_HW2 = (
        search.calc(*pair, np.zeros((height, width, 2), np.float32)) for pair in ((one, other), (other, one))
    )
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    column, row = column + there_HW2[..., 0], row + there_HW2[..., 1]
    returned_HW2 = cv2.remap(back_HW2, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    off, way = (np.square(each).sum(-1) for each in (there_HW2 + returned_HW2, there_HW2))
    inside = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
    seen_HW = inside & (off <= _RELATIVE * (way + np.square(returned_HW2).sum(-1)) + _ABSOLUTE)
    place_HW2 = np.stack([(column + 0.5) / width, (row + 0.5) / height], -1).astype(np.float32)
    return Correspondence(place_HW2, eroded(seen_HW))
