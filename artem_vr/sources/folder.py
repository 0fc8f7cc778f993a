"""The pictures of a folder, one after the other."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import UsageError
from artem_vr.media.kinds import list_pictures
from artem_vr.media.picture import read_picture
from artem_vr.sources.playback import Playback, TimedPicture


class FolderSource(Playback):
    """The pictures of a folder in natural order (frame2 before frame10), `fps` of them a second.

    See `Playback` for `loop` and `live`. A picture that cannot be read is left out. Raises `InputError` when the
    folder has none that can.
    """

    def __init__(
        self, path: Path | str, stereo: bool = False, fps: float = 24.0, loop: bool = True, live: bool = True
    ) -> None:
        if not fps > 0:
            raise UsageError(f"a folder plays at more than 0 pictures a second, not {fps:g}")
        self._paths, self._fps = list_pictures(Path(path)), fps
        super().__init__(f"folder:{path}", self._pictures, stereo, loop, live)

    def _pictures(self) -> Iterator[TimedPicture]:
        for index, path in enumerate(self._paths):
            yield TimedPicture(index / self._fps, (index + 1) / self._fps, partial(_pixels, path))


def _pixels(path: Path) -> NDArray[np.uint8]:
    return read_picture(path).rgb_HWC
