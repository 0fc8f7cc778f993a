"""Reading pictures while remembering which cannot be used, so that no single file ends a training."""

from collections import Counter
from collections.abc import Iterable
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from trainer.data.cache import PictureCache
from trainer.data.decode import UnusablePictureError, decode_rgb
from trainer.data.sources import Picture

SHORTEST_SIDE = 32
"""A picture with a side below this many pixels is too small: no crop of a recipe is smaller."""
_LONGEST_SHAPE = 16
_EXAMPLES = 3


class PictureReader:
    """Decodes pictures, by way of a cache of `cache_bytes`. Safe to share between threads.

    What it returns for a picture depends on its file alone, never on what was read before.
    """

    def __init__(self, cache_bytes: int = 0) -> None:
        self._cache = PictureCache(cache_bytes)
        self._lock = Lock()
        self._read: set[str] = set()
        self._skipped: dict[str, str] = {}

    @property
    def pictures_read(self) -> int:
        """How many different pictures were asked for, usable or not."""
        return len(self._read)

    @property
    def pictures_skipped(self) -> int:
        """How many of them cannot be used."""
        return len(self._skipped)

    def read(self, picture: Picture) -> NDArray[Any] | None:
        """The picture as uint8 RGB (H, W, 3), not to be changed, or None when it cannot be used."""
        if picture.name in self._skipped:
            return None
        rgb = self._cache.get(picture.name)
        if rgb is None:
            try:
                with picture.open() as file:
                    rgb = decode_rgb(file, SHORTEST_SIDE)
                _expect_shape(*rgb.shape[:2])
            except (UnusablePictureError, OSError) as error:
                self._note(picture.name, error.reason if isinstance(error, UnusablePictureError) else "unreadable")
                return None
            self._cache.put(picture.name, rgb)
            self._note(picture.name)
        return rgb

    def skipped(self, names: Iterable[str] | None = None) -> str:
        """Why pictures were skipped, all or those named: "broken 2, too small 1: a.jpg, b.jpg, c.jpg"."""
        with self._lock:
            found = {
                name: self._skipped[name]
                for name in (self._skipped if names is None else names)
                if name in self._skipped
            }
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(Counter(found.values()).items()))
        examples = [_printable(name) for name in sorted(found)]
        more = ", ..." if len(examples) > _EXAMPLES else ""
        return f"{reasons}: {', '.join(examples[:_EXAMPLES])}{more}"

    def _note(self, name: str, reason: str | None = None) -> None:
        with self._lock:
            self._read.add(name)
            if reason is not None:
                self._skipped[name] = reason


def _expect_shape(height: int, width: int) -> None:
    # Enlarged until its short side holds a crop, a strip would not fit into memory.
    if max(height, width) > _LONGEST_SHAPE * min(height, width):
        raise UnusablePictureError("too narrow", f"{width}x{height} pixels")


def _printable(name: str) -> str:
    # Archives come from strangers: a name must not write to the terminal what it likes.
    return "".join(sign if sign.isprintable() else "?" for sign in name)
