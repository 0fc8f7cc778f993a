"""OpenGL buffers registered with CUDA, through the runtime of `cuda.bindings`: the same under EGL, GLX and WGL.

What may wait for what is all that matters here. Mapping on a stream makes its next work wait for OpenGL's commands so
far; unmapping makes OpenGL's next commands, all of them and not only those on this buffer, wait for the stream's work
so far. So buffers are mapped on a stream that never waits for the engine's: a long painting would hold up all pictures.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import moderngl
import torch
from torch import Tensor

from artem_vr.bridges.interop import SharedBuffer
from artem_vr.cuda_runtime import checked, devices_that_draw, load_runtime
from artem_vr.errors import GraphicsError

_FIRST = -1
"""The stream's priority: its few small kernels go before those of a painting."""

Announce = Callable[[torch.cuda.Event], None]


class _DeviceMemory:
    """Some bytes on the device, in the form in which torch takes other people's memory.

    A tensor of them keeps this object for as long as anything looks at its memory.
    """

    def __init__(self, pointer: int, size: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (size,), "typestr": "|u1", "data": (pointer, False), "strides": None, "version": 3,
        }  # fmt: skip


class CudaSharedBuffer:
    """A registered buffer. See `artem_vr.bridges.interop.SharedBuffer`."""

    def __init__(self, runtime: Any, stream: Any, device: torch.device, buffer: moderngl.Buffer) -> None:
        self.buffer = buffer
        self._runtime, self._stream, self._device = runtime, stream, device
        self._memory: weakref.ref[_DeviceMemory] | None = None
        self._is_mapped = False
        flags = int(runtime.cudaGraphicsRegisterFlags.cudaGraphicsRegisterFlagsNone)
        self._resource = checked(
            runtime, "to register an OpenGL buffer", runtime.cudaGraphicsGLRegisterBuffer(buffer.glo, flags)
        )

    @property
    def is_held(self) -> bool:
        """See `SharedBuffer`."""
        return self._memory is not None and self._memory() is not None

    def map(self) -> Tensor:
        """See `SharedBuffer`. Raises `GraphicsError`."""
        runtime, resource = self._runtime, self._resource
        checked(runtime, "to map an OpenGL buffer", runtime.cudaGraphicsMapResources(1, resource, self._stream))
        self._is_mapped = True
        # The place may be another one each time.
        pointer, size = checked(
            runtime, "to find a mapped buffer", runtime.cudaGraphicsResourceGetMappedPointer(resource)
        )
        if int(size) < self.buffer.size:
            raise GraphicsError(f"CUDA maps {size} bytes of an OpenGL buffer of {self.buffer.size}")
        memory = _DeviceMemory(int(pointer), self.buffer.size)
        self._memory = weakref.ref(memory)
        return torch.as_tensor(memory, device=self._device)

    def unmap(self) -> None:
        """See `SharedBuffer`. Raises `GraphicsError`."""
        if self._is_mapped:
            self._is_mapped = False
            unmapped = self._runtime.cudaGraphicsUnmapResources(1, self._resource, self._stream)
            checked(self._runtime, "to unmap an OpenGL buffer", unmapped)

    def release(self) -> None:
        """See `SharedBuffer`. Raises `GraphicsError`, but frees the buffer all the same."""
        if self._resource is None:
            return
        try:
            self.unmap()
        finally:
            resource, self._resource = self._resource, None
            unregistered = self._runtime.cudaGraphicsUnregisterResource(resource)
            self.buffer.release()
            checked(self._runtime, "to unregister an OpenGL buffer", unregistered)


class CudaInterop:
    """Shares buffers of the current OpenGL context with CUDA device `index`. See `artem_vr.bridges.interop.Interop`.

    `announce_to` gets an event each time: what it hands in is read by the engine after that. Raises `GraphicsError`
    where the context draws on another device, or `cuda.bindings` is not installed.
    """

    def __init__(self, index: int, announce_to: Announce) -> None:
        self._runtime = runtime = load_runtime()
        self._announce_to = announce_to
        self.device = torch.device("cuda", index)
        # The bindings hold a runtime of their own, with a device of its own for each thread.
        checked(runtime, "to choose the device", runtime.cudaSetDevice(index))
        drawing = devices_that_draw(runtime)
        if index not in drawing:
            where = ", ".join(map(str, drawing)) or "none"
            raise GraphicsError(
                f"OpenGL draws on CUDA device {where}, the engine runs on {index}: without a window, set "
                "GLCONTEXT_DEVICE_INDEX to the number of that GPU in EGL's list (0, 1, ...)"
            )
        self._stream = torch.cuda.Stream(self.device, priority=_FIRST)
        self._handle = runtime.cudaStream_t(self._stream.cuda_stream)

    def share(self, ctx: moderngl.Context, size: int) -> SharedBuffer:
        """See `Interop`."""
        buffer = ctx.buffer(reserve=size, dynamic=True)
        try:
            return CudaSharedBuffer(self._runtime, self._handle, self.device, buffer)
        except BaseException:
            buffer.release()
            raise

    @contextmanager
    def work(self) -> Iterator[None]:
        """See `Interop`. The caller's stream is the render thread's, which has little to do and none of it long."""
        caller = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(caller)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            caller.wait_stream(self._stream)

    def announce(self) -> None:
        """See `Interop`."""
        self._announce_to(self._stream.record_event())

    def keep_for(self, tensor: Tensor) -> None:
        """See `Interop`."""
        tensor.record_stream(self._stream)

    def finish(self) -> None:
        """See `Interop`."""
        self._stream.synchronize()
