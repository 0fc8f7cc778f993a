"""Compares stereo pairs on a thread of its own, so that no frame waits for it, and joins them to what is painted."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import GlFrame, Size, TensorFrame
from artem_vr.stereo_matching import laid_out, match

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Matched:
    """A picture for the network, and the distances (2, H, W) in it where it is one of a pair that was compared.

    They are those of `stereo_matching.laid_out`, at the picture's size.
    """

    tensor: TensorFrame
    metres_EHW: Floats | None


class PairMatcher:
    """Holds a picture back until its pair is compared: paint that comes of it knows then what both eyes see alike.

    One pair at a time is compared. Of those that come meanwhile only the newest waits; pictures of the others are left
    out. All calls are made on one thread, `start` before the frame is handed to a bridge.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="match")
        self._started: tuple[GlFrame, Size] | None = None
        self._jobs: list[_Job] = []
        self._last: Matched | None = None

    def start(self, frame: GlFrame, net_size: Size) -> None:
        """Begins to compare the pair of `frame`. The same again is free, and so is a frame without a pair."""
        started = self._started
        if frame.pair_EHWC is None or (started and started[0] is frame and started[1] == net_size):
            return
        for job in self._jobs:
            if job.future.cancel():  # it had not begun
                job.tensor = None  # which a bridge may wait for to use its memory again
        self._started = frame, net_size
        frame_size = frame.color[0].size
        future = self._thread.submit(_distances, frame.pair_EHWC, net_size, frame_size, frame.content)
        self._jobs.append(_Job(frame.sequence, net_size, future))

    def matched(self, tensor: TensorFrame | None, patience: float | None = 0.0) -> Matched | None:
        """The newest picture whose pair is compared, or `tensor` if none is to be; None before the first.

        `tensor` is what a bridge has given. The comparison of its pair is waited for by so many seconds at most, or for
        as long as it takes.
        """
        if tensor is None:
            return self._newest()
        job = next((job for job in reversed(self._jobs) if job.fits(tensor)), None)
        if job is not None and not job.future.cancelled():
            job.tensor = tensor
            wait([job.future], patience)
        elif job is None and (self._last is None or self._last.tensor is not tensor):
            self._jobs.clear()
            self._last = Matched(tensor, None)
        return self._newest()

    def _newest(self) -> Matched | None:
        for place in reversed(range(len(self._jobs))):
            job = self._jobs[place]
            if job.tensor is not None and job.future.done():
                self._last = Matched(job.tensor, job.future.result())
                del self._jobs[: place + 1]
                break
        return self._last

    def close(self) -> None:
        """Waits for the pair that is being compared. May be called twice."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._jobs.clear()
        self._started = self._last = None


@dataclass(slots=True, eq=False)
class _Job:
    """A pair that is compared, and its picture for the network when that has come."""

    sequence: int
    net_size: Size
    future: "Future[Floats]"
    tensor: TensorFrame | None = None

    def fits(self, tensor: TensorFrame) -> bool:
        _, height, width, _ = tensor.pixels_EHWC.shape
        return self.sequence == tensor.sequence and self.net_size == (width, height)


def _distances(
    pair_EHWC: NDArray[np.uint8], net_size: Size, frame_size: Size, content: tuple[int, int, int, int] | None
) -> Floats:
    return laid_out(match(pair_EHWC), net_size, frame_size, content)
