"""A world of a tilted wall and a box in front of it, whose pictures, distances and paint are known for every view."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import FAR, NEAR, Pose, stereo_views
from artem_vr.carried_reference import PaintedView
from artem_vr.frame import WHOLE, EyeView, Size, Window
from artem_vr.reprojection import Floats, under_texels

Image = NDArray[np.uint8]
Colour = Callable[[Floats, NDArray[np.bool_]], Floats]
"""From places in the world (H, W, 3) and what of it is the box (H, W), colours from 0 to 1 (H, W, 3)."""

NORMAL, OFFSET = np.array([0.25, 0.1, 1.0]), -6.0
BOX_LOW, BOX_HIGH = np.array([-0.7, 0.9, -3.4]), np.array([0.4, 2.1, -2.8])


def eyes_like_a_headsets(pose: Pose, size: Size) -> tuple[EyeView, EyeView]:
    """Eyes that see further outwards than inwards, and further down than up."""
    views = []
    for view, (left, right) in zip(stereo_views(pose, size), ((-0.95, 0.7), (-0.7, 0.95)), strict=True):
        down, up = -0.9, 0.75
        projection = np.array(view.projection_44)
        projection[0, 0], projection[0, 2] = 2 / (right - left), (right + left) / (right - left)
        projection[1, 1], projection[1, 2] = 2 / (up - down), (up + down) / (up - down)
        views.append(EyeView(view.view_44, projection))
    return views[0], views[1]


@dataclass(frozen=True)
class Seen:
    """What a view sees: places in the world (H, W, 3), distances (H, W), and which pixels are of the box."""

    place_HW3: Floats
    metres_HW: Floats
    box_HW: NDArray[np.bool_]

    def picture(self, colour: Colour) -> Image:
        return np.rint(colour(self.place_HW3, self.box_HW).clip(0, 1) * 255).astype(np.uint8)

    def depth(self, view: EyeView) -> NDArray[np.float32]:
        """OpenGL's window depth."""
        projection = view.projection_44.astype(np.float64)
        return ((1 - projection[2, 2] + projection[2, 3] / self.metres_HW) / 2).astype(np.float32)


def look(view: EyeView, size: Size, has_box: bool = True) -> Seen:
    width, height = size
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 2 - 1, 1 - (np.arange(height) + 0.5) / height * 2)
    projection, to_world = view.projection_44.astype(np.float64), np.linalg.inv(view.view_44.astype(np.float64))
    rays = np.stack(
        [(x + projection[0, 2]) / projection[0, 0], (y + projection[1, 2]) / projection[1, 1], -np.ones_like(x)], -1
    )
    rays, eye = rays @ to_world[:3, :3].T, to_world[:3, 3]
    metres = (OFFSET - NORMAL @ eye) / (rays @ NORMAL)
    with np.errstate(divide="ignore"):
        ends = np.sort(np.stack([(corner - eye) / rays for corner in (BOX_LOW, BOX_HIGH)]), axis=0)
    enter, leave = ends[0].max(-1), ends[1].min(-1)
    box = (enter < leave) & (enter > NEAR) & (enter < metres) & has_box
    metres = np.where(box, enter, metres)
    assert metres.min() > NEAR and metres.max() < FAR
    return Seen(eye + rays * metres[..., None], metres, box)


def plain(place: Floats, box: NDArray[np.bool_]) -> Floats:
    """A gently shaded wall and a lighter box."""
    shade = 0.35 + 0.1 * np.sin(place @ [1.7, 2.3, 0.9])
    return np.where(box[..., None], [0.75, 0.7, 0.6], [0.5, 0.9, 0.8]) * (shade + 0.35 * box)[..., None]


def paint(place: Floats, box: NDArray[np.bool_]) -> Floats:
    """Stripes and rings of many colours that stick to the world, quite unlike what they are painted on."""
    waves = np.sin(place @ np.array([[2.5, 0.5, 1.5], [1.0, 3.0, 0.5], [0.5, 1.0, 2.0]]) + 3 * box[..., None])
    return 0.5 + 0.3 * waves


def checks(place: Floats, box: NDArray[np.bool_]) -> Floats:
    """A checkerboard of 80 cm on the wall as it is seen from the front; the box is grey."""
    odd = (np.floor(place[..., 0] / 0.8) + np.floor(place[..., 1] / 0.8)) % 2
    return np.where(box, 0.5, odd)[..., None] * np.ones(3)


def shrunk(picture: Image, size: Size) -> Image:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def part(picture: Any, window: Window) -> Any:
    """The pixels (h, w, ...) of a picture that a window shows, whose borders lie between pixels."""
    height, width = picture.shape[:2]
    left, low, across, up = (round(share * side) for share, side in zip(window, (width, height) * 2, strict=True))
    return np.ascontiguousarray(picture[height - low - up : height - low, left : left + across])


def painted_view(
    view: EyeView, size: Size, net_size: Size, paint: Colour = paint, has_box: bool = True, window: Window = WHOLE
) -> PaintedView:
    """What a network would make of this view, or of a window of it, if it painted like that."""
    seen = look(view, size, has_box)
    guide = cv2.cvtColor(shrunk(part(seen.picture(plain), window), net_size), cv2.COLOR_RGB2GRAY)
    metres = np.asarray(under_texels(part(seen.metres_HW, window), net_size))
    painted = shrunk(part(seen.picture(paint), window), net_size)
    return PaintedView(painted, np.asarray(guide, np.uint8), view.through(window), metres)
