"""All materials as one texture array, painted by NumPy at start-up and mipmapped.

Plain materials are bright and get their colour from the tint of the mesh.
"""

from collections.abc import Callable

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard import pictures_built as built
from artem_vr.sources.courtyard import pictures_loose as loose
from artem_vr.sources.courtyard.noise import Colors
from artem_vr.sources.courtyard.paint import Layer

SIZE = 512

_PAINTERS: dict[Layer, Callable[[int, np.random.Generator], Colors]] = {
    Layer.PLASTER: built.plaster,
    Layer.FLAGSTONE: built.flagstone,
    Layer.TERRACOTTA: built.terracotta,
    Layer.MOSAIC: built.mosaic,
    Layer.STONE: built.stone,
    Layer.ASHLAR: built.ashlar,
    Layer.WOOD: loose.wood,
    Layer.ROOF: built.roof,
    Layer.FOLIAGE: loose.foliage,
    Layer.AZULEJO: built.azulejo,
    Layer.WATER: loose.water,
    Layer.STRIPES: loose.stripes,
    Layer.HILL: loose.hill,
    Layer.FACADE: built.facade,
    Layer.SLATS: loose.slats,
    Layer.CLOTH: loose.cloth,
    Layer.POT: loose.pot,
    Layer.SKIN: loose.skin,
    Layer.STREAM: loose.stream,
}


def paint_layers(size: int = SIZE) -> NDArray[np.uint8]:
    """All pictures: uint8 sRGBA (layers, size, size, 4), row 0 the lower edge."""
    pictures = np.full((len(_PAINTERS), size, size, 4), 255, np.uint8)
    for layer, painter in _PAINTERS.items():
        rgb = painter(size, np.random.default_rng(100 + int(layer)))
        pictures[layer, ..., :3] = (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pictures


def texture_array(ctx: moderngl.Context, software: bool) -> moderngl.TextureArray:
    """The pictures on the device: trilinear and anisotropic on hardware, the nearest mipmap on software."""
    pictures = paint_layers()
    layers, height, width, _ = pictures.shape
    texture = ctx.texture_array((width, height, layers), 4, pictures.tobytes())
    texture.build_mipmaps()
    mipmap = moderngl.LINEAR_MIPMAP_NEAREST if software else moderngl.LINEAR_MIPMAP_LINEAR
    texture.filter = (mipmap, moderngl.LINEAR)
    if not software:
        texture.anisotropy = 8.0
    return texture
