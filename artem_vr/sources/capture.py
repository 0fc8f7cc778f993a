"""Cameras of this machine: which there are, and opening one."""

import logging
import sys
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import InputError
from artem_vr.frame import Size

_PROBED = 4
_RAW_LIMIT = 640 * 480
"""Pixels that fit through USB 2 uncompressed at 30 frames a second."""

_log = logging.getLogger(__name__)


class Capture(Protocol):
    """An open camera."""

    size: Size
    fps: float

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Waits for the next picture: True and uint8 BGR (H, W, 3), or False. May raise anything."""

    def release(self) -> None:
        """Gives the device back."""


class Webcam:
    """A `cv2.VideoCapture` that is open. `size` and `fps` are what the device agreed to."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.size: Size = (int(device.get(cv2.CAP_PROP_FRAME_WIDTH)), int(device.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        self.fps = float(device.get(cv2.CAP_PROP_FPS))

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Waits for the next picture."""
        good, picture = self._device.read()
        return bool(good), picture

    def release(self) -> None:
        """Gives the device back."""
        self._device.release()


def open_webcam(index: int, size: Size | None = None, fps: float | None = None) -> Webcam:
    """Opens camera number `index` and asks it for a size (of the whole picture, both eyes) and a frame rate.

    The device decides; what it gives stands in the result and in the log. Raises `InputError` when there is no such
    camera or it is in use.
    """
    if not _may_exist(index):
        raise InputError(no_camera(index))
    device = cv2.VideoCapture(index, _backend())
    if not device.isOpened():
        device.release()
        raise InputError(no_camera(index))
    if size is not None:
        if size[0] * size[1] > _RAW_LIMIT:
            # Set before the size, for the device's list of sizes depends on it.
            device.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG")))
        device.set(cv2.CAP_PROP_FRAME_WIDTH, float(size[0]))
        device.set(cv2.CAP_PROP_FRAME_HEIGHT, float(size[1]))
    if fps is not None:
        device.set(cv2.CAP_PROP_FPS, fps)
    device.set(cv2.CAP_PROP_BUFFERSIZE, 1.0)  # waiting pictures are old pictures
    webcam = Webcam(device)
    _log.info("camera %d gives %dx%d at %g frames a second", index, *webcam.size, webcam.fps)
    return webcam


def list_cameras() -> list[tuple[int, str]]:
    """Number and name of every camera. Where the system does not list them, the first few numbers are tried."""
    if sys.platform.startswith("linux"):
        return _listed_by_linux(Path("/sys/class/video4linux"))
    found = []
    for index in range(_PROBED):
        device = cv2.VideoCapture(index, _backend())
        if device.isOpened():
            found.append((index, f"camera {index}"))
        device.release()
    return found


def no_camera(index: int) -> str:
    """One line for a camera that cannot be opened."""
    cameras = list_cameras()
    if any(number == index for number, _ in cameras):
        return f"camera {index} cannot be opened: is another program using it? Or try --source scene"
    names = ", ".join(f"{number} ({name})" for number, name in cameras) or "none"
    return f"no camera {index}: cameras found: {names}; or try --source scene"


def _may_exist(index: int) -> bool:
    # Asking OpenCV for a device that is not there prints warnings.
    return index >= 0 and (not sys.platform.startswith("linux") or Path(f"/dev/video{index}").exists())


def _backend() -> int:
    if sys.platform.startswith("linux"):
        return int(cv2.CAP_V4L2)
    # On Windows, DirectShow opens in a moment where Media Foundation can take half a minute.
    return int(cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY)


def _listed_by_linux(folder: Path) -> list[tuple[int, str]]:
    found = []
    for entry in folder.glob("video*"):
        # A camera has a second node for its metadata, with index 1.
        if _text(entry / "index") == "0" and entry.name[5:].isdecimal():
            found.append((int(entry.name[5:]), _text(entry / "name") or entry.name))
    return sorted(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
