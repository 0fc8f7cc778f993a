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
"""Which eyes, 0 (left) or 1 (right), in rising order; once for each scale at which they are painted."""
BOTH: Views = (0, 1)
Point = tuple[float, float]
"""A place in an eye's picture, in parts of its width and height, from its lower left corner."""
Window = tuple[float, float, float, float]
"""A part of an eye's picture: its lower left corner, width and height, in parts of the whole, as in `Point`."""
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
Windows = tuple[Window, ...]
"""For each picture of a batch the part of the eye's picture that it shows; none at all where each shows the whole."""


@dataclass(frozen=True, slots=True)
class EyeView:
    """Where one eye is and how it projects.

    `view_44` takes world to eye coordinates, `projection_44` eye to clip coordinates.
    """

    view_44: NDArray[np.float32]
    projection_44: NDArray[np.float32]

    def through(self, window: Window) -> "EyeView":
        """The same eye, which sees this part of its picture alone."""
        if window == WHOLE:
            return self
        projection = self.projection_44.astype(np.float64)
        for axis in range(2):
            low, length = window[axis], window[axis + 2]
            centre = 2 * low + length - 1  # in normalised device coordinates
            projection[axis] = (projection[axis] - centre * projection[3]) / length
        return EyeView(self.view_44, projection.astype(np.float32))


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """What a display asks for: frame number `sequence`, to be seen at `time`, for these two eyes.

    `gaze` is where in its picture each eye looks, where a display can tell.
    """

    sequence: int
    time: float
    eyes: tuple[EyeView, EyeView]
    eye_size: Size
    gaze: tuple[Point, Point] | None = None


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

    Foveated, each eye has a picture at every scale, E = 2, 4 or 6: first come those of the whole, then finer and finer
    ones, of the same size in pixels but of a smaller part, of which `windows` tells for each picture.
    """

    sequence: int
    captured_at: float
    pixels_EHWC: Any
    eyes: tuple[EyeView, EyeView]
    views: Views = BOTH
    posed: bool = False
    windows: Windows = ()

    @property
    def scales(self) -> int:
        """At how many scales each eye is there: 1 where its whole picture is all there is."""
        return len(self.views) // self.eye_count

    @property
    def eye_count(self) -> int:
        """How many eyes there are pictures of, which is how many show a whole one."""
        return len(set(self.views))

    def window(self, place: int) -> Window:
        """Which part of its eye's picture the one at this place of the batch shows."""
        return self.windows[place] if self.windows else WHOLE

    def view(self, place: int) -> EyeView:
        """How the picture at this place of the batch was seen."""
        return self.eyes[self.views[place]].through(self.window(place))

    def other(self, place: int) -> int:
        """The place of the other eye's picture of the same scale; the same place where there is one eye alone."""
        scale, eye = divmod(place, self.eye_count)
        return scale * self.eye_count + self.eye_count - 1 - eye


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
