"""Decoded pictures kept in memory, as many as fit."""

from collections import OrderedDict
from threading import Lock
from typing import Any

from numpy.typing import NDArray


class PictureCache:
    """Arrays by name, together at most `capacity` bytes: the one that was asked for longest ago goes first.

    Safe to share between threads. What is kept is not copied and must not be changed.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def get(self, name: str) -> NDArray[Any] | None:
        """The array of that name, if it is still there."""
        with self._lock:
            if (found := self._kept.get(name)) is not None:
                self._kept.move_to_end(name)
            return found

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Keeps an array, unless it alone is too large."""
        if array.nbytes > self._capacity:
            return
        with self._lock:
            if (old := self._kept.pop(name, None)) is not None:
                self.bytes -= old.nbytes
            self._kept[name] = array
            self.bytes += array.nbytes
            while self.bytes > self._capacity:
                self.bytes -= self._kept.popitem(last=False)[1].nbytes
