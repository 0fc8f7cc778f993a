"""A camera for tests that plays numbered pictures at real-time pace, and can fail in every way a camera does."""

import threading
from typing import Literal

import numpy as np
from media_samples import numbered
from numpy.typing import NDArray

from artem_vr.errors import InputError
from artem_vr.frame import Size

Failure = Literal["false", "raise", "hang"]


class FakeCamera:
    """The device. `open` is what a `CameraSource` takes; `unplug` and `plug` may be called at any time."""

    def __init__(self, size: Size = (64, 48), fps: float = 200.0) -> None:
        self.size, self.fps = size, fps
        self.opened = self.released = 0
        self.count = 0
        self.failure: Failure | None = None
        self.freed = threading.Event()

    def open(self) -> "FakeCapture":
        if self.failure is not None:
            raise InputError("no camera 7: cameras found: none; or try --source scene")
        self.opened += 1
        return FakeCapture(self)

    def unplug(self, failure: Failure) -> None:
        self.freed.clear()
        self.failure = failure

    def plug(self, size: Size | None = None) -> None:
        self.size = size or self.size
        self.failure = None

    def free(self) -> None:
        """Lets reads that hang return."""
        self.freed.set()


class FakeCapture:
    """One opening of the device."""

    def __init__(self, camera: FakeCamera) -> None:
        self._camera = camera
        self.size, self.fps = camera.size, camera.fps
        self._pace = threading.Event()

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        camera = self._camera
        self._pace.wait(1 / self.fps)
        if camera.failure == "raise":
            raise RuntimeError("device disappeared")
        if camera.failure == "hang":
            camera.freed.wait(30)
        if camera.failure is not None:
            return False, None
        camera.count += 1
        return True, numbered(camera.count % 30, camera.size)[..., ::-1]

    def release(self) -> None:
        self._camera.released += 1
