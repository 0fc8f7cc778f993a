"""Cameras without a camera: pictures compressed as webcams compress them (MJPG), due at an even rate.

A frame costs what it costs with a real one on USB: waiting until it is there, and decoding it.
"""

import threading
import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FPS = 30.0
QUALITY = 90
_PICTURES = 3
_GRAIN = 6


def noise_picture(size: tuple[int, int], seed: int) -> Picture:
    """A soft coloured picture with grain, (H, W, 3) bytes: what a camera indoors sees, as far as a decoder can tell."""
    width, height = size
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(2, height // 24), max(2, width // 24), 3), np.uint8)
    soft = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = random.integers(-_GRAIN, _GRAIN + 1, soft.shape, np.int16)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


class SimulatedCamera:
    """`size` (width, height) pixels at `fps`, as `cv2.VideoCapture` with a buffer of one frame gives them."""

    def __init__(self, size: tuple[int, int], fps: float = FPS, seed: int = 0) -> None:
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        pictures = (noise_picture(size, seed + number) for number in range(_PICTURES))
        self._coded = [cv2.imencode(".jpg", picture, options)[1] for picture in pictures]
        self._fps, self._start, self._last = fps, time.perf_counter(), -1

    def wait(self) -> int:
        """Waits until a frame is due that was not read before; returns its number. Those missed are gone."""
        newest = int((time.perf_counter() - self._start) * self._fps)
        if newest <= self._last:
            newest = self._last + 1
            time.sleep(max(0.0, self._start + newest / self._fps - time.perf_counter()))
        self._last = newest
        return newest

    def decode(self) -> Picture:
        """The frame that was waited for: BGR (H, W, 3), as OpenCV gives it."""
        decoded = cv2.imdecode(self._coded[self._last % _PICTURES], cv2.IMREAD_COLOR)
        return np.asarray(decoded, np.uint8)


class NewestFrame:
    """Cameras read on a thread of their own: the loop takes the newest pictures, and waits only for new ones."""

    def __init__(self, cameras: Sequence[SimulatedCamera]) -> None:
        self._cameras = cameras
        self._changed = threading.Condition()
        self._pictures: list[Picture] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self._thread.start()

    def read(self) -> list[Picture]:
        """One picture of each camera, newer than those of the last call."""
        with self._changed:
            self._changed.wait_for(lambda: self._pictures is not None)
            pictures, self._pictures = self._pictures, None
        return pictures or []

    def close(self) -> None:
        """Ends the thread."""
        self._closed = True
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            for camera in self._cameras:
                camera.wait()
            pictures = [camera.decode() for camera in self._cameras]
            with self._changed:
                self._pictures = pictures
                self._changed.notify_all()
