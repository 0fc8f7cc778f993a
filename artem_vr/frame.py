"""The frames that travel down the pipeline. Their type says where the pixels are.

Sizes are (width, height) in pixels, as OpenGL and video formats give them; array shapes are height first.
Matrices are 4x4 float32 with column vectors, right-handed, -Z forward, metres, OpenGL clip space.
Times are seconds on the monotonic clock (`time.monotonic`).
"""

from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
EYES = 2
Views = tuple[int, ...]
"""Which eyes, 0 (left) or 1 (right), in rising order."""
BOTH: Views = (0, 1)


@dataclass(frozen=True, slots=True)
class EyeView:
    """Where one eye is and how it projects.

    `view_44` takes world to eye coordinates, `projection_44` eye to clip coordinates.
    """

    view_44: NDArray[np.float32]
    projection_44: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """What a display asks for: frame number `sequence`, to be seen at `time`, for these two eyes."""

    sequence: int
    time: float
    eyes: tuple[EyeView, EyeView]
    eye_size: Size


@dataclass(frozen=True, slots=True, eq=False)
class HostFrame:
    """Pixels in host memory: `rgb_EHWC` is uint8 sRGB, top row first, E = 2 (left, right) or 1 (seen by both).

    A source that has nothing newer returns the very same object again, so that nobody uploads it twice.
    """

    sequence: int
    captured_at: float
    rgb_EHWC: NDArray[np.uint8]
    eyes: tuple[EyeView, EyeView]


@dataclass(frozen=True, slots=True, eq=False)
class GlFrame:
    """Pixels in OpenGL textures, bottom row first, one colour texture an eye and, where known, one depth texture.

    The textures belong to whoever made the frame and are overwritten by its next frame. `sequence` counts the
    source's pictures: two frames with the same number hold the same pixels. `depth` holds OpenGL window depth in
    [0, 1], for the projection in `eyes`. `content` is where the picture stands in both textures (x, y, width, height
    in texels from the lower left corner) when it has another shape than they: what surrounds it is plain ground, which
    no network sees and nobody paints. None when the picture fills them. `posed` says that the picture was taken from
    the poses in `eyes`, also where nothing is known of its depth; pictures and films were not. `pair_EHWC` is what the
    two eyes see in host memory, as in `HostFrame`, where that is two pictures of which nothing else is known.
    """

    sequence: int
    captured_at: float
    color: tuple[moderngl.Texture, moderngl.Texture]
    eyes: tuple[EyeView, EyeView]
    depth: tuple[moderngl.Texture, moderngl.Texture] | None = None
    content: tuple[int, int, int, int] | None = None
    posed: bool = False
    pair_EHWC: NDArray[np.uint8] | None = None

    @property
    def has_poses(self) -> bool:
        """Whether `eyes` say how the picture was taken, as they do of everything that has depth."""
        return self.posed or self.depth is not None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TensorFrame:
    """Network-sized pixels where the engine wants them: `pixels_EHWC` is uint8 sRGB, top row first, E = 1 or 2.

    A NumPy array for engines on the host; an array of the engine's own device for a bridge without host copies.
    `views` says which of `eyes` each picture of the batch shows, in rising order; `posed` whether these are poses
    that it was taken from (`GlFrame.has_poses`).
    """

    sequence: int
    captured_at: float
    pixels_EHWC: Any
    eyes: tuple[EyeView, EyeView]
    views: Views = BOTH
    posed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PaintedFrame:
    """What the stylizer gives: the painted pixels, the pixels they were painted from, and the style they are in.

    `painted_EHWC` has the type and layout of `source.pixels_EHWC`. `revision` is the stylizer's count of style
    changes at the time of painting. `milliseconds` is how long the engine took.
    """

    source: TensorFrame
    painted_EHWC: Any
    revision: int
    milliseconds: float = field(default=0.0)
