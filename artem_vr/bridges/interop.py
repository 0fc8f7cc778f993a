"""OpenGL buffers that tensors look at: what a bridge asks of an interop, and the plain twin of the one of CUDA.

A buffer belongs to OpenGL or to tensors, never to both: `map` hands it to the tensors, `unmap` gives it back.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import moderngl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artem_vr.errors import GraphicsError

_TRIED_BYTES, _TRIED_VALUE = 4096, 171


class SharedBuffer(Protocol):
    """A buffer of OpenGL whose memory a tensor can look at. Every call needs the context to be current."""

    @property
    def buffer(self) -> moderngl.Buffer:
        """The buffer, which OpenGL must leave alone while it is mapped."""

    @property
    def is_held(self) -> bool:
        """True while any tensor, also a view of one, looks at the memory that was mapped last."""

    def map(self) -> Tensor:
        """All bytes, uint8 (N,), as OpenGL's commands until now leave them; for work on the interop's stream."""

    def unmap(self) -> None:
        """Gives the buffer back: OpenGL's next commands find what the stream's work until now has written.

        Nothing happens when it is not mapped.
        """

    def release(self) -> None:
        """Unmaps the buffer and frees it. May be called twice."""


class Interop(Protocol):
    """Shares buffers of one OpenGL context with one device, on a stream of its own."""

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""

    def share(self, ctx: moderngl.Context, size: int) -> SharedBuffer:
        """A new buffer of `size` bytes, shared once and for all. Raises `GraphicsError`."""

    def work(self) -> Any:
        """A context in which torch works on the interop's stream, after the caller's work and before its next."""

    def announce(self) -> None:
        """Tells the engine that what the stream does until now comes before anything it reads."""

    def keep_for(self, tensor: Tensor) -> None:
        """The memory of `tensor` is reused after the stream's work until now, wherever the tensor came from."""

    def finish(self) -> None:
        """Waits for the stream. For the end alone: it is no part of a frame."""


def try_out(interop: Interop, ctx: moderngl.Context) -> None:
    """Shares a buffer, writes to it and frees it: what a driver refuses is better known before the first frame.

    Raises `GraphicsError`, or torch's `RuntimeError`.
    """
    shared = interop.share(ctx, _TRIED_BYTES)
    try:
        with interop.work():
            memory = shared.map()  # looked at until it is given back
            memory.fill_(_TRIED_VALUE)
            shared.unmap()
        found = shared.buffer.read()
    finally:
        shared.release()
    if found != bytes([_TRIED_VALUE]) * _TRIED_BYTES:
        raise GraphicsError("OpenGL does not see what CUDA writes into its buffers: update the NVIDIA driver")


class HostSharedBuffer:
    """The twin of a registered buffer: its bytes are fetched into host memory, and written back."""

    def __init__(self, buffer: moderngl.Buffer) -> None:
        self.buffer = buffer
        self._memory: weakref.ref[NDArray[np.uint8]] | None = None
        self._is_mapped = self._is_released = False

    @property
    def is_held(self) -> bool:
        """See `SharedBuffer`."""
        return self._memory is not None and self._memory() is not None

    def map(self) -> Tensor:
        """See `SharedBuffer`."""
        if self._is_mapped:
            raise RuntimeError("the buffer is mapped already")  # as CUDA answers
        memory: NDArray[np.uint8] = np.empty(self.buffer.size, np.uint8)
        self.buffer.read_into(memory)
        # A tensor keeps the array for as long as anything looks at its memory.
        self._memory, self._is_mapped = weakref.ref(memory), True
        return torch.from_numpy(memory)

    def unmap(self) -> None:
        """See `SharedBuffer`."""
        memory = self._memory() if self._is_mapped and self._memory is not None else None
        if memory is not None:
            self.buffer.write(memory)
        self._is_mapped = False

    def release(self) -> None:
        """See `SharedBuffer`."""
        if not self._is_released:
            self.unmap()
            self.buffer.release()
            self._is_released = True


class HostInterop:
    """The plain twin of `artem_vr.bridges.cuda_interop.CudaInterop`: the same bridge, on any machine."""

    device = torch.device("cpu")

    def share(self, ctx: moderngl.Context, size: int) -> SharedBuffer:
        """See `Interop`."""
        return HostSharedBuffer(ctx.buffer(reserve=size, dynamic=True))

    @contextmanager
    def work(self) -> Iterator[None]:
        """The host does one thing after the other."""
        yield

    def announce(self) -> None:
        """Nothing: what is there may be read."""

    def keep_for(self, tensor: Tensor) -> None:
        """Nothing: nothing is under way."""

    def finish(self) -> None:
        """Nothing: all is done."""
