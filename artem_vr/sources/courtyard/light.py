"""The evening sun, the sky's light and the haze: constants and the colours that vertices get from them.

The scene stands still under a fixed sun, so that all light is worked out here, once, in NumPy; a shader only chooses
between a vertex's colour in the shade and its colour in the sun. Colours are stored as square roots of light, close
to sRGB: a product of roots is the root of the product, and no fragment needs a power.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.paint import Layer

_TOWARDS = np.array([-0.56, 0.50, -0.66])
SUN_WAY = (_TOWARDS / np.linalg.norm(_TOWARDS)).astype(np.float32)
"""Unit vector towards the sun."""

SUN_LIGHT = np.array([1.95, 1.45, 0.86], np.float32)
SKY_LIGHT = np.array([0.35, 0.42, 0.62], np.float32)
BOUNCE_LIGHT = np.array([0.40, 0.29, 0.19], np.float32)

RANGE = 1.5
"""Vertex colours are stored as bytes of colour / RANGE."""

_THIN = (Layer.LEAF, Layer.STRIPES)


def vertex_light(mesh: Mesh, occlusion_N: ArrayLike = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A mesh's colours (N, 3) in the shade and in the sun, in [0, RANGE], square-root encoded, tint included.

    `occlusion_N` is the share of the sky that a vertex sees. Leaves and cloth let some sun through from behind.
    """
    normal = mesh.normal_N3
    open_N1 = np.broadcast_to(np.asarray(occlusion_N, np.float32), normal.shape[:1])[:, None]
    up = normal[:, 1:2] * 0.5 + 0.5
    toward = normal @ SUN_WAY
    thin = np.isin(mesh.layer_N, [float(layer) for layer in _THIN])
    direct = np.where(thin, 0.25 + 0.75 * np.abs(toward) * (0.6 + 0.4 * (toward > 0)), np.maximum(toward, 0))[:, None]
    ambient = (BOUNCE_LIGHT * (1 - up) * (0.35 + 0.65 * open_N1) + SKY_LIGHT * (0.35 + 0.65 * up) * open_N1) * 1.15
    shade = np.sqrt(ambient + 0.015) * mesh.tint_N3
    sun = np.sqrt(ambient + 0.015 + SUN_LIGHT * direct) * mesh.tint_N3
    return np.clip(shade, 0, RANGE).astype(np.float32), np.clip(sun, 0, RANGE).astype(np.float32)


def haze_color(direction_N3: ArrayLike) -> NDArray[np.float32]:
    """The colour of far air in a direction (unit vectors (..., 3)), sRGB in [0, 1]. `courtyard_haze.glsl` agrees."""
    direction = np.asarray(direction_N3, np.float32)
    flat = SUN_WAY * [1, 0, 1] / np.linalg.norm(SUN_WAY[[0, 2]])
    toward = np.clip(direction @ flat.astype(np.float32), 0, 1)[..., None]
    cool, warm = np.array([0.66, 0.76, 0.90], np.float32), np.array([1.0, 0.86, 0.64], np.float32)
    return (cool + (warm - cool) * toward**2).astype(np.float32)
