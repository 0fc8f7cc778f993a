"""Where the head was a moment ago: what a camera that rides on it saw, it saw from there."""

import bisect
from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import UsageError

_MOST_POSES = 4096
"""However fast a display runs: two seconds at 2000 frames a second."""


class HeadHistory:
    """The head's poses of the last `seconds`. Raises `UsageError` unless these are more than 0."""

    def __init__(self, seconds: float = 2.0) -> None:
        if not seconds > 0:
            raise UsageError(f"a history of {seconds:g} seconds remembers nothing: choose more than 0")
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=_MOST_POSES)
        self._heads: deque[NDArray[np.float64]] = deque(maxlen=_MOST_POSES)

    def add(self, time: float, head_44: NDArray[np.floating]) -> None:
        """Notes the head's pose at `time` in seconds: (4, 4), head to world, a rotation and a place in metres.

        Times ascend. A time that was there already gets the new pose; where the clock goes back, what had been
        predicted for later is forgotten.
        """
        while self._times and self._times[-1] >= time:
            self._times.pop()
            self._heads.pop()
        self._times.append(time)
        self._heads.append(np.array(head_44, np.float64))
        # One that is older than asked for stays, so that the oldest moment asked for still lies between two.
        while len(self._times) > 2 and self._times[1] <= time - self._seconds:
            self._times.popleft()
            self._heads.popleft()

    def at(self, time: float) -> NDArray[np.float32]:
        """The head's pose at `time` in seconds: (4, 4) float32, head to world.

        Between two poses the place moves along the line and the orientation along the shortest turn; before the
        oldest and after the newest it is theirs. Raises `LookupError` while there is none.
        """
        if not self._times:
            raise LookupError("no pose of the head is known yet: add one first")
        after = bisect.bisect_right(self._times, time)
        if after == 0 or after == len(self._times):
            return self._heads[min(after, len(self._times) - 1)].astype(np.float32)
        earlier, later = self._times[after - 1], self._times[after]
        return _between(self._heads[after - 1], self._heads[after], (time - earlier) / (later - earlier))

    def clear(self) -> None:
        """Forgets everything, as when the world gets another origin."""
        self._times.clear()
        self._heads.clear()


def _between(first_44: NDArray[np.float64], second_44: NDArray[np.float64], share: float) -> NDArray[np.float32]:
    """The pose at `share` (0 to 1) of the way."""
    # The axis of the turn, as long as its angle: a share of it is a share of the turn.
    turn, _ = cv2.Rodrigues(first_44[:3, :3].T @ second_44[:3, :3])
    partly, _ = cv2.Rodrigues(turn * share)
    pose = np.eye(4)
    pose[:3, :3] = first_44[:3, :3] @ partly
    pose[:3, 3] = (1 - share) * first_44[:3, 3] + share * second_44[:3, 3]
    return pose.astype(np.float32)
