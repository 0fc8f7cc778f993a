"""Lets a frame loop have the processor first, where a network shares it.

A headset that misses a frame is felt; paint that is a frame older is hardly seen.
"""

import contextlib
import os
import sys
import threading

NICENESS = 10
"""How far threads stand back (see `nice(2)`): with 10 they get a tenth of a contested core."""


def let_others_first(niceness: int = NICENESS) -> None:
    """Lowers the priority of the calling thread, and of those that it starts from now on. On Linux only."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):  # it is only a courtesy
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
