"""Lets the network have the processor first where the processor draws as well.

Software OpenGL draws on threads of its own, as many as there are cores. Beside them the network would get half of each
core and its paint would be several frames old. A frame drawn a little later shows fresher paint.
"""

import os
import sys
from pathlib import Path

from artem_vr.thread_priority import NICENESS

_DRAWING_THREADS = ("llvmpipe",)
_THREADS = Path("/proc/self/task")


def stand_back(niceness: int = NICENESS) -> int:
    """Lowers the priority of this process's software OpenGL threads; returns how many there were.

    Does nothing where a graphics card draws, and on systems other than Linux, where threads have no names to go by.
    """
    if not sys.platform.startswith("linux"):
        return 0
    count = 0
    for thread in _THREADS.iterdir():
        try:
            if (thread / "comm").read_text().startswith(_DRAWING_THREADS):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)
                count += 1
        except OSError:
            continue  # the thread has just ended, or the system does not allow it: it is only a courtesy
    return count
