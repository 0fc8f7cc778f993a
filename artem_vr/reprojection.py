"""Where what one view sees lies in another one, by depth: the geometry of everything that carries paint.

Arrays have the top row first, as images do. A place in a picture is (x, y) in [0, 1], x to the right and y *down*, the
corners at 0 and 1, so that pixel (row, column) has its centre at ((column + 0.5) / width, (row + 0.5) / height). A
distance is in metres along the view's axis (not along the ray), that is the clip coordinate w.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EyeView, Size

Floats = NDArray[np.float64]

DEPTH_TOLERANCE = 0.02
"""How far, as a share of the distance, a surface may lie from where it is expected and still be taken for the same."""
STEEPEST = 0.25
"""The most by which a surface may fall away from one texel to the next, as a share of its distance."""
MOST_SLACK = DEPTH_TOLERANCE + STEEPEST
"""Both together, which eight bits stand for."""


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """For each pixel of a picture: its place (H, W, 2) in another view, and its distance (H, W) from that one.

    Distances are not positive for what lies behind the other view.
    """

    place_HW2: Floats
    distance_HW: Floats


def distances(window_depth_HW: NDArray[np.floating], projection_44: NDArray[np.floating]) -> Floats:
    """OpenGL window depth in [0, 1] as distances in metres, for a perspective projection."""
    projection = projection_44.astype(np.float64)
    return np.asarray(projection[2, 3] / (2 * window_depth_HW.astype(np.float64) - 1 + projection[2, 2]))


def carry(distance_HW: NDArray[np.floating], from_view: EyeView, to_view: EyeView) -> Carried:
    """Where the pixels of `from_view`, at these distances, are seen by `to_view`."""
    height, width = distance_HW.shape
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = 1 - (np.arange(height) + 0.5) / height * 2
    matrix = carrying_matrix(from_view, to_view)
    w = distance_HW.astype(np.float64)
    clip = (
        w[..., None] * (matrix[:, 0] * x[None, :, None] + matrix[:, 1] * y[:, None, None] + matrix[:, 2]) + matrix[:, 3]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.stack([(clip[..., 0] / clip[..., 2] + 1) / 2, (1 - clip[..., 1] / clip[..., 2]) / 2], -1)
    return Carried(place, clip[..., 2])


def carrying_matrix(from_view: EyeView, to_view: EyeView) -> Floats:
    """The matrix (3, 4) that takes (x w, y w, w, 1) to (x' w', y' w', w').

    x and y are the normalised device coordinates of a pixel of `from_view` and w is its distance; the primed ones are
    those of `to_view`. Window depth is in neither, so that a distance may come from anywhere.
    """
    from_projection, to_projection = (view.projection_44.astype(np.float64) for view in (from_view, to_view))
    # Of a perspective projection: clip x = P00 x + P02 z, clip y = P11 y + P12 z, w = -z, all of eye coordinates.
    unproject = np.zeros((4, 4))
    unproject[0, 0], unproject[0, 2] = 1 / from_projection[0, 0], from_projection[0, 2] / from_projection[0, 0]
    unproject[1, 1], unproject[1, 2] = 1 / from_projection[1, 1], from_projection[1, 2] / from_projection[1, 1]
    unproject[2, 2], unproject[3, 3] = -1, 1
    moved = to_view.view_44.astype(np.float64) @ np.linalg.inv(from_view.view_44.astype(np.float64))
    return np.asarray(to_projection[[0, 1, 3]] @ moved @ unproject)


def unprojection(projection_44: NDArray[np.floating]) -> tuple[float, float]:
    """The (x, y) for which x / (2 depth - 1 + y) is the distance of a window depth: see `distances`."""
    return float(projection_44[2, 3]), float(projection_44[2, 2])


def to_texels(from_view: EyeView, to_view: EyeView, size: Size) -> Floats:
    """`carrying_matrix` between places that shaders know: it takes (u w, v w, w, 1) to (s w', t w', w').

    u and v go from 0 to 1 across the picture of `from_view`, upwards; s and t are texels of a picture of `size`
    (width, height) of `to_view`, also upwards, and whole numbers at the texels' centres.
    """
    matrix = carrying_matrix(from_view, to_view)
    from_uv = np.array([[2, 0, -1, 0], [0, 2, -1, 0], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64)
    width, height = size
    texels = np.array([[width / 2, 0, width / 2 - 0.5], [0, height / 2, height / 2 - 0.5], [0, 0, 1]])
    return np.asarray(texels @ matrix @ from_uv)


def column_major(matrix: Floats) -> tuple[float, ...]:
    """A matrix as OpenGL takes it."""
    return tuple(matrix.T.ravel().tolist())


def seen(carried: Carried, other_distance_HW: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which pixels (H, W) the other view sees, whose own distances are (h, w): inside of it, and not hidden there.

    What is compared is the nearest of its pixels.
    """
    height, width = other_distance_HW.shape
    x, y = carried.place_HW2[..., 0], carried.place_HW2[..., 1]
    inside = (carried.distance_HW > 0) & (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    column, row = (np.where(inside, place * size, 0).astype(np.intp) for place, size in ((x, width), (y, height)))
    there = other_distance_HW[row, column]
    return np.asarray(inside & (np.abs(there - carried.distance_HW) <= DEPTH_TOLERANCE * carried.distance_HW))


def under_texels(picture_HW: NDArray[np.floating], size: Size) -> NDArray[np.floating]:
    """The pixels under the centres of the texels of a picture of `size` (width, height): (h, w).

    Where a centre lies between two pixels it is the one to the right or, as OpenGL counts, above.
    """
    width, height = size
    columns, rows = (
        np.floor((np.arange(small, dtype=np.float32) + 0.5) * np.float32(full / small) + 0.01).astype(np.intp)
        for small, full in ((width, picture_HW.shape[1]), (height, picture_HW.shape[0]))
    )
    return picture_HW[::-1][np.ix_(rows, columns)][::-1]


def block_slack(metres_hw: Floats) -> Floats:
    """How far from where it is expected a surface may lie, as a share of its distance, for blocks of 2x2 texels (h, w).

    A block is named after its texel of the lowest row and column, as they count; its neighbours are the next ones. That
    is `DEPTH_TOLERANCE`, and what the surface falls away from one texel to the next. Across an edge inside the block
    the texels on both sides of it tell that; to what is behind the eye, for it is not known, nothing falls
    away. In 255ths of `MOST_SLACK`, as `shaders/depth_blocks.frag` writes it.
    """
    height, width = metres_hw.shape

    def at(rows: int, columns: int) -> Floats:
        beside = np.ix_((np.arange(height) + rows).clip(0, height - 1), (np.arange(width) + columns).clip(0, width - 1))
        return np.asarray(metres_hw[beside])

    def apart(one: Floats, other: Floats) -> Floats:
        return np.where(np.minimum(one, other) > 0, abs(one - other), 0)

    a, b, c, d = at(0, 0), at(0, 1), at(1, 0), at(1, 1)
    across = np.minimum(apart(b, a), apart(d, c)), np.maximum(apart(a, at(0, -1)), apart(b, at(0, 2)))
    along = np.minimum(apart(c, a), apart(d, b)), np.maximum(apart(a, at(-1, 0)), apart(c, at(2, 0)))
    slope = np.minimum(*across) + np.minimum(*along)
    nearest = np.minimum(np.minimum(a, b), np.minimum(c, d))
    slack = DEPTH_TOLERANCE + np.minimum(slope / nearest, STEEPEST)
    return np.asarray(np.floor(slack * 255 / MOST_SLACK + 0.5) * MOST_SLACK / 255)
