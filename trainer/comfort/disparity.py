"""Files that say how far to the left each pixel of a left picture lies in the right one."""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import InputError

SUFFIXES = (".npy", ".npz", ".pfm", ".png")
_PNG_STEPS = 256.0
"""16-bit pictures count disparity in 256ths of a pixel, and 0 is unknown, as those of KITTI do."""
_PFM_HEADER = re.compile(rb"^Pf\s+(\d{1,6})\s+(\d{1,6})\s+([-+]?[0-9.eE+-]{1,20})\s", re.DOTALL)


def read_disparity(path: Path) -> NDArray[np.float32]:
    """Disparity in pixels (H, W), not a number where it is unknown. Nothing is unpickled.

    Reads NumPy arrays (.npy, and .npz with a single one), portable float maps (.pfm) and 16-bit pictures (.png).
    Raises `InputError` for anything else.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a disparity is a file of kind {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"disparity {path} does not exist: check the path")
    read = {".npy": _numpy, ".npz": _numpy, ".pfm": _pfm, ".png": _png}[path.suffix.lower()]
    try:
        values = read(path)
    except (OSError, ValueError, EOFError, KeyError, cv2.error) as error:
        raise InputError(f"{path} holds no disparity: {' '.join(str(error).split())}") from error
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise InputError(f"{path} holds no disparity: it is of shape {values.shape}, not one number a pixel")
    disparity = values.astype(np.float32)
    disparity[~(np.isfinite(disparity) & (disparity > 0))] = np.nan
    if np.isnan(disparity).all():
        raise InputError(f"{path} holds no disparity: not a pixel has one above 0")
    return disparity


def _numpy(path: Path) -> NDArray[np.generic]:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        if len(loaded.files) != 1:
            raise ValueError(f"it has {len(loaded.files)} arrays, not one")
        return np.asarray(loaded[loaded.files[0]])


def _pfm(path: Path) -> NDArray[np.generic]:
    data = path.read_bytes()
    header = _PFM_HEADER.match(data)
    if header is None:
        raise ValueError("it is no grey portable float map")
    width, height, scale = int(header[1]), int(header[2]), float(header[3])
    # A negative scale says that the least significant byte comes first. The bottom row does.
    values = np.frombuffer(data, "<f4" if scale < 0 else ">f4", width * height, header.end())
    return values.reshape(height, width)[::-1]


def _png(path: Path) -> NDArray[np.generic]:
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise ValueError("it is no 16-bit picture")
    return np.asarray(values / _PNG_STEPS)
