"""What surfaces are made of: layers of the texture array, and a layer with its tint and scale."""

from dataclasses import dataclass, replace
from enum import IntEnum, auto

Rgb = tuple[float, float, float]


class Layer(IntEnum):
    """The pictures of the texture array, in its order; the last have none."""

    PLASTER = 0
    FLAGSTONE = auto()
    TERRACOTTA = auto()
    MOSAIC = auto()
    STONE = auto()
    ASHLAR = auto()
    WOOD = auto()
    ROOF = auto()
    FOLIAGE = auto()
    AZULEJO = auto()
    WATER = auto()
    STRIPES = auto()
    HILL = auto()
    FACADE = auto()
    SLATS = auto()
    CLOTH = auto()
    POT = auto()
    SKIN = auto()
    STREAM = auto()
    LEAF = auto()

    @property
    def has_picture(self) -> bool:
        """False where the colours of the vertices are all there is."""
        return self is not Layer.LEAF


BARE = (Layer.SKIN, Layer.LEAF)
"""What is drawn without its picture where it stands still: small things, too many for a look-up a pixel."""


_METRES = {
    Layer.PLASTER: 3.0,
    Layer.FLAGSTONE: 2.2,
    Layer.TERRACOTTA: 1.6,
    Layer.MOSAIC: 1.0,
    Layer.STONE: 1.4,
    Layer.ASHLAR: 2.4,
    Layer.WOOD: 1.0,
    Layer.ROOF: 1.0,
    Layer.FOLIAGE: 1.1,
    Layer.AZULEJO: 0.75,
    Layer.WATER: 1.6,
    Layer.STRIPES: 1.0,
    Layer.HILL: 26.0,
    Layer.FACADE: 7.0,
    Layer.SLATS: 0.6,
    Layer.CLOTH: 0.5,
    Layer.POT: 0.6,
}


@dataclass(frozen=True, slots=True)
class Paint:
    """A layer, multiplied by an sRGB tint. `metres` is the length of one repeat of the picture on the surface."""

    layer: Layer
    tint: Rgb = (1.0, 1.0, 1.0)
    metres: float = 0.0

    @property
    def repeats_per_metre(self) -> float:
        """How often the picture repeats on one metre."""
        return 1.0 / (self.metres or _METRES.get(self.layer, 1.0))

    def tinted(self, tint: Rgb) -> "Paint":
        """The same material in another colour."""
        return replace(self, tint=tint)
