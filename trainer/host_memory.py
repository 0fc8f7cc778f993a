"""Memory of the host that stays with the process."""

import ctypes
import sys
from contextlib import suppress

# From malloc.h: how large a block must be to be mapped on its own, and how much free memory goes back.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MAP_THRESHOLD = 32 << 20  # the C library refuses more
_NEVER = (1 << 31) - 1


def keep_freed_memory() -> None:
    """Lets the C library keep what is freed, for the next step asks for just the same again.

    A training step allocates some hundred megabytes in blocks of a few megabytes, and gives them all back. Left alone,
    the library returns them to the system, which has to hand out every page anew and clear it: a twentieth of a step's
    time on two cores, and two thirds of its slowest element-wise operations'. Does nothing where there is no glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
