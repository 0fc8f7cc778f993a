"""What every painter is shown: the walk, the still view in a camera's noise, and the turn, recorded once."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from artem_vr.frame import Size
from trainer.comfort.correspondence import Correspondence, by_depth
from trainer.comfort.flicker import with_noise
from trainer.comfort.head_paths import standing, turning, walking
from trainer.comfort.measurement import Pairs
from trainer.comfort.modes import SLOW
from trainer.comfort.pairs import pairs_by_depth
from trainer.comfort.recording import Recording
from trainer.comfort.scene import SceneRecorder


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is looked at: frames of each recording, and the (width, height) of an eye, which is painted as it is.

    The first `settling` frames of a recording are shown and not measured. `leap` is how many frames the longer time
    is, and `seldom` every how many frames that and the other eye are compared.
    """

    walk: int = 150
    still: int = 32
    turn: int = 40
    eye_size: Size = (320, 352)
    settling: int = 6
    leap: int = 15
    seldom: int = 5

    @property
    def recorded(self) -> int:
        """How many views are drawn."""
        return self.walk + 1 + self.turn


@dataclass(frozen=True, slots=True)
class Turn:
    """A fast turn of the head, and the frames that are looked at: every third once paint is shown at its due time."""

    recording: Recording

    @property
    def measured(self) -> range:
        """The numbers of the frames."""
        return range(SLOW.late, len(self.recording.views), 3)

    def where(self, number: int, painted: int) -> Correspondence:
        """Where the pixels of a frame lie in the one that was painted."""
        view, other = self.recording.views[number], self.recording.views[painted]
        return by_depth(view.distance(0), view.eyes[0], other.distance(0), other.eyes[0])


@dataclass(frozen=True, slots=True)
class Material:
    """The recordings; `still` has its noise already."""

    effort: Effort
    walk: Recording
    pairs: Pairs
    still: Recording
    turn: Turn


def record_material(effort: Effort, advance: Callable[[int], None] = lambda views: None) -> Material:
    """Draws the scene and works out where everything is. Raises `GraphicsError` without OpenGL."""
    with closing(SceneRecorder(effort.eye_size)) as recorder:
        walk = recorder.record(walking, effort.walk, advance)
        one = recorder.record(standing, 1, advance)
        turn = recorder.record(turning, effort.turn, advance)
    random = np.random.default_rng(0)
    still = Recording(one.views * effort.still, one.fps)
    noisy = still.with_pictures([with_noise(view.rgb_EHWC, random) for view in still.views])
    pairs = pairs_by_depth(walk, effort.settling, effort.leap, effort.seldom)
    return Material(effort, walk, pairs, noisy, Turn(turn))
