"""Who has the processor, and Python, first, where a frame loop shares them with a network.

A headset that misses a frame is felt; paint that is a frame older is hardly seen.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

NICENESS = 10
"""How far threads stand back (see `nice(2)`): with 10 they get a tenth of a contested core."""


TURN = 0.0005
"""For how many seconds a thread may go on in Python while another one waits for it."""


@contextlib.contextmanager
def short_turns(seconds: float = TURN) -> Iterator[None]:
    """Meanwhile threads take turns in Python ten times as fast as by default.

    By default one that comes back from the GPU or from the network's own threads waits for Python for 5 ms if another
    one is busy there, and a painting comes back several times.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def let_others_first(niceness: int = NICENESS) -> None:
    """Lowers the priority of the calling thread, and of those that it starts from now on. On Linux only."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):  # it is only a courtesy
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
