"""What every engine demands of the arrays it is handed, so that a mistake is one line and not a runtime's crash."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import EngineError
from artem_vr.ports import Share

SMALLEST_SIDE = 8
"""Fewer pixels than this leave the networks a feature map of one pixel, which no normalisation can handle."""


def check_batch(pixels_EHWC: Any, styles_ED: Any, style_size: int) -> None:
    """Raises `EngineError` unless the arrays fit `artem_vr.ports.Engine.paint`."""
    if not isinstance(pixels_EHWC, np.ndarray) or not isinstance(styles_ED, np.ndarray):
        raise EngineError("the engine takes NumPy arrays: this bridge and this engine do not go together")
    if pixels_EHWC.dtype != np.uint8 or pixels_EHWC.ndim != 4 or pixels_EHWC.shape[3] != 3:
        raise EngineError(
            f"the engine takes uint8 pictures (E, H, W, 3), not {pixels_EHWC.dtype} of shape {pixels_EHWC.shape}"
        )
    count, height, width, _ = pixels_EHWC.shape
    if count < 1 or min(height, width) < SMALLEST_SIDE:
        raise EngineError(f"the engine needs at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels, not {width}x{height}")
    if styles_ED.dtype.kind != "f" or styles_ED.shape != (count, style_size):
        raise EngineError(
            f"the engine takes a style vector a picture, ({count}, {style_size}), "
            f"not {styles_ED.dtype} of shape {styles_ED.shape}"
        )


def steady_inputs(
    previous_ES: Any, share: Share, count: int, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What `artem_vr.ports.SteadyEngine.paint_steady` was given, as inputs of the network: (E, S) and (E, 1).

    Raises `EngineError` unless it fits. `size` is how many statistics the network has; 0 if none.
    """
    if not size:
        raise EngineError("this kind of network has no statistics to hold steady: paint it plainly")
    if previous_ES is None:
        previous_ES, share = np.zeros((count, size), np.float32), 1.0
    if getattr(previous_ES, "shape", None) != (count, size):
        raise EngineError(f"the engine takes statistics ({count}, {size}), not {getattr(previous_ES, 'shape', None)}")
    shares = np.asarray(share, np.float32)
    if shares.shape not in ((), (count,)):
        raise EngineError(f"the engine takes one share, or one for each of {count} pictures, not {shares.shape}")
    if not (shares.min() >= 0 and shares.max() <= 1):
        raise EngineError(f"a share is between 0 and 1, not {share}")
    shares_E1 = np.broadcast_to(shares.reshape(-1, 1), (count, 1)).copy()
    return np.require(previous_ES, np.float32, ["C", "W"]), shares_E1
