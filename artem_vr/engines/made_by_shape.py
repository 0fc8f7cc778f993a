"""What an engine makes once for each shape of the batch: compiled networks, sessions."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Shape = tuple[int, ...]
T = TypeVar("T")


class MadeByShape(Generic[T]):
    """Makes what is asked for, once, and keeps the `kept` shapes used last. Any thread may ask.

    While one thread makes something, others get what is there already; whoever asks for the same waits for it.
    """

    def __init__(self, make: Callable[[Shape], T], kept: int) -> None:
        self._make, self._kept = make, kept
        self._lock = threading.Lock()
        self._made: OrderedDict[Shape, Future[T]] = OrderedDict()

    def get(self, shape: Shape) -> T:
        """What belongs to the shape. Raises what making it raises, and makes it anew the next time."""
        with self._lock:
            future = self._made.pop(shape, None)
            is_new = future is None
            if future is None:
                future = Future()
                while len(self._made) >= self._kept:
                    self._made.popitem(last=False)
            self._made[shape] = future
        if is_new:
            self._fill(shape, future)
        return future.result()

    def _fill(self, shape: Shape, future: "Future[T]") -> None:
        try:
            future.set_result(self._make(shape))
        except BaseException as error:
            with self._lock:
                if self._made.get(shape) is future:
                    del self._made[shape]
            future.set_exception(error)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._made.clear()
