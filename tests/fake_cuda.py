"""A pretended CUDA for tests on machines without a GPU: its streams and events write down what they are asked for.

Work is done at once, on the processor. The pretended runtime maps OpenGL's buffers into host memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import moderngl
import numpy as np
import pytest
import torch


class FakeEvent:
    def __init__(self, cuda: "FakeCuda", enable_timing: bool = False, blocking: bool = False) -> None:
        self.cuda, self.enable_timing, self.name = cuda, enable_timing, f"event {len(cuda.events)}"
        cuda.events.append(self)

    def record(self, stream: "FakeStream") -> None:
        self.cuda.log.append(f"{stream.name} records {self.name}")

    def synchronize(self) -> None:
        self.cuda.log.append(f"host waits for {self.name}")

    def elapsed_time(self, other: "FakeEvent") -> float:
        assert self.enable_timing and other.enable_timing
        return 1.5


class FakeStream:
    def __init__(self, cuda: "FakeCuda", name: str) -> None:
        self.cuda, self.name, self.cuda_stream = cuda, name, 1000 + len(cuda.streams)

    def wait_stream(self, other: "FakeStream") -> None:
        self.cuda.log.append(f"{self.name} waits for {other.name}")

    def wait_event(self, event: FakeEvent) -> None:
        self.cuda.log.append(f"{self.name} waits for {event.name}")

    def record_event(self) -> FakeEvent:
        event = FakeEvent(self.cuda)
        event.record(self)
        return event

    def synchronize(self) -> None:
        self.cuda.log.append(f"host waits for {self.name}")


class FakeCuda:
    """Takes the place of what the program uses of `torch.cuda`. Streams are named in the order they are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.events: list[FakeEvent] = []
        self.streams: list[FakeStream] = []
        self.default = FakeStream(self, "default")
        self._current = [self.default]
        for name, value in {
            "Stream": self._stream, "Event": lambda **options: FakeEvent(self, **options), "stream": self._within,
            "device": self._within, "current_stream": lambda device=None: self._current[-1], "graph": self._capture,
            "CUDAGraph": lambda: SimpleNamespace(replay=lambda: self.log.append(f"replay on {self._current[-1].name}")),
            "is_available": lambda: True, "current_device": lambda: 0, "empty_cache": lambda: self.log.append("freed"),
        }.items():  # fmt: skip
            monkeypatch.setattr(torch.cuda, name, value)

    def _stream(self, device: Any = None, priority: int = 0) -> FakeStream:
        self.streams.append(FakeStream(self, f"stream {len(self.streams)}"))
        return self.streams[-1]

    @contextmanager
    def _within(self, stream: Any) -> Iterator[None]:
        self._current.append(stream if isinstance(stream, FakeStream) else self._current[-1])
        yield
        self._current.pop()

    @contextmanager
    def _capture(self, graph: Any, stream: FakeStream, capture_error_mode: str) -> Iterator[None]:
        self.log.append(f"capture on {stream.name}, {capture_error_mode}")
        yield


class Error(IntEnum):
    cudaSuccess = 0
    cudaErrorUnknown = 999


class FakeRuntime:
    """What the program uses of `cuda.bindings.runtime`, with the same signatures and results."""

    cudaGraphicsRegisterFlags = SimpleNamespace(cudaGraphicsRegisterFlagsNone=0)
    cudaGLDeviceList = SimpleNamespace(cudaGLDeviceListAll=1)
    cudaStream_t = staticmethod(lambda address: ("stream", address))

    def __init__(self, ctx: moderngl.Context, log: list[str], devices: tuple[int, ...] = (0,)) -> None:
        self.ctx, self.log, self.devices = ctx, log, devices
        self.fails: set[str] = set()
        self.buffers: dict[int, moderngl.Buffer] = {}
        self.mapped: dict[int, np.ndarray] = {}

    def _answer(self, name: str, *values: Any) -> tuple[Any, ...]:
        if name in self.fails:
            return (Error.cudaErrorUnknown, *(None for _ in values))
        self.log.append(name)
        return (Error.cudaSuccess, *values)

    def cudaGetErrorString(self, error: Error) -> tuple[Error, bytes]:  # noqa: N802
        return Error.cudaSuccess, b"unknown error"

    def cudaSetDevice(self, index: int) -> tuple[Any, ...]:  # noqa: N802
        return self._answer("set device")

    def cudaGLGetDevices(self, count: int, which: int) -> tuple[Any, ...]:  # noqa: N802
        return self._answer("get devices", len(self.devices), [*self.devices, *[0] * (count - len(self.devices))])

    def cudaGraphicsGLRegisterBuffer(self, glo: int, flags: int) -> tuple[Any, ...]:  # noqa: N802
        return self._answer("register", glo)

    def cudaGraphicsMapResources(self, count: int, glo: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
        assert count == 1 and stream[0] == "stream" and glo not in self.mapped
        if "map" not in self.fails:
            self.mapped[glo] = np.frombuffer(bytearray(self.buffers[glo].read()), np.uint8)
        return self._answer("map")

    def cudaGraphicsResourceGetMappedPointer(self, glo: int) -> tuple[Any, ...]:  # noqa: N802
        return self._answer("pointer", self.mapped[glo].ctypes.data, self.mapped[glo].nbytes)

    def cudaGraphicsUnmapResources(self, count: int, glo: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
        assert count == 1 and stream[0] == "stream"
        self.buffers[glo].write(self.mapped.pop(glo))
        return self._answer("unmap")

    def cudaGraphicsUnregisterResource(self, glo: int) -> tuple[Any, ...]:  # noqa: N802
        assert glo not in self.mapped
        return self._answer("unregister")


def host_tensor(memory: Any, device: Any) -> torch.Tensor:
    """What `torch.as_tensor` makes of device memory, made of host memory: it keeps `memory` as that would."""
    keeper = SimpleNamespace(memory=memory, __array_interface__=memory.__cuda_array_interface__)
    return torch.from_numpy(np.asarray(keeper))
