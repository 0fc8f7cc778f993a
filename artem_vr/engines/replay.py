"""Work on a device that is recorded once and played again, with the time it took: CUDA graphs, and their plain twin."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from artem_vr.errors import EngineError

Work = Callable[[], Tensor]
_WARM_UPS = 3
"""Runs before a recording: cuDNN tries its algorithms, and what libraries set up at first use is no part of it."""


class Player(Protocol):
    """Where an engine works. Only the thread that paints calls it, but for `read_after`."""

    @property
    def device(self) -> torch.device:
        """The device."""

    @property
    def last_ms(self) -> float | None:
        """How long the device took for what was last `timed`, in milliseconds."""

    def recorded(self, work: Work) -> Work:
        """`work` to be done again and again within `timed`: from the same memory, and perhaps into the same."""

    def read_after(self, event: Any) -> None:
        """What is timed from now on begins after `event`. Any thread may call it."""

    def timed(self) -> AbstractContextManager[None]:
        """A context in which torch works on this player's stream. When it ends, the work is done."""

    def free(self) -> None:
        """Gives back to the device what nothing uses any more."""


class CudaPlayer:
    """CUDA graphs, on a stream of their own.

    Whoever leaves `timed` has waited for the device, asleep and without Python's lock: that is the thread that paints,
    and nobody else waits for it, on the processor or on the GPU.
    """

    def __init__(self, index: int) -> None:
        self.device = torch.device("cuda", index)
        self.last_ms: float | None = None
        self._stream = torch.cuda.Stream(self.device)
        # Not the stream that others' events are waited for on: those would become a part of the recording.
        self._recording = torch.cuda.Stream(self.device)
        self._begin, self._end = (torch.cuda.Event(enable_timing=True, blocking=True) for _ in range(2))
        self._ready: torch.cuda.Event | None = None

    def recorded(self, work: Work) -> Work:
        """See `Player`. The memory it works in is freed with the function that this returns."""
        graph = torch.cuda.CUDAGraph()
        recording = self._recording
        # What cuDNN finds to be fastest now is what the recording takes.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            recording.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(recording):
                for _ in range(_WARM_UPS):
                    work()
            # Meanwhile another thread maps OpenGL's buffers, which a recording must not mind.
            with torch.cuda.graph(graph, stream=recording, capture_error_mode="thread_local"):
                result = work()
            torch.cuda.current_stream(self.device).wait_stream(recording)

        def play() -> Tensor:
            graph.replay()
            return result

        return play

    def read_after(self, event: torch.cuda.Event) -> None:
        """See `Player`. The newest event is enough: they come from one stream, in its order."""
        self._ready = event

    @contextmanager
    def timed(self) -> Iterator[None]:
        """See `Player`."""
        ready = self._ready
        with torch.cuda.device(self.device), torch.cuda.stream(self._stream):
            if ready is not None:
                self._stream.wait_event(ready)
            self._begin.record(self._stream)
            try:
                yield
            finally:
                # Whatever happened: inputs that are still being copied must not go before.
                self._end.record(self._stream)
                self._end.synchronize()
        self.last_ms = self._begin.elapsed_time(self._end)

    def free(self) -> None:
        """See `Player`."""
        torch.cuda.empty_cache()


class HostPlayer:
    """The plain twin: nothing is recorded, and playing is doing it anew."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.last_ms: float | None = None

    def recorded(self, work: Work) -> Work:
        """See `Player`. As with its twin, what one playing gives lies where the next one writes."""
        result = work()
        return lambda: result.copy_(work())

    def read_after(self, event: Any) -> None:
        """Nothing: what is there may be read."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """See `Player`."""
        begin = time.perf_counter()
        yield
        self.last_ms = 1e3 * (time.perf_counter() - begin)

    def free(self) -> None:
        """Nothing: the host does that by itself."""


def open_player(device: str) -> Player:
    """CUDA graphs on 'cuda' or 'cuda:N', their plain twin on 'cpu'. Raises `EngineError` where there is no GPU."""
    if device == "cpu":
        return HostPlayer()
    if not torch.cuda.is_available():
        raise EngineError(f"no NVIDIA GPU was found for device '{device}': use --device cpu, or see 'artem-vr doctor'")
    try:
        index = torch.device(device).index
        return CudaPlayer(torch.cuda.current_device() if index is None else index)
    except RuntimeError as error:
        raise EngineError(f"cannot use the device '{device}': {' '.join(str(error).split())[:200]}") from error
