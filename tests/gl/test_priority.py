"""Software OpenGL stands back behind the network."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os
from pathlib import Path
from artem_vr.gl.context import create_headless_context, is_software
from artem_vr.gl.priority import stand_back

ctx = create_headless_context()
if not is_software(ctx):
    print("hardware")
else:
    count = stand_back(7)
    tasks = Path("/proc/self/task").iterdir()
    threads = [int(task.name) for task in tasks if (task / "comm").read_text().startswith("llvmpipe")]
    niceness = {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}
    print(count, len(threads), niceness, os.getpriority(os.PRIO_PROCESS, 0))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="thread priorities are Linux's own")
def test_only_the_drawing_threads_are_lowered():
    # In a process of its own: a thread's priority cannot be raised again.
    shown = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    if shown.strip() == "hardware":
        pytest.skip("a graphics card draws here")
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert shown.strip() == f"{os.cpu_count()} {os.cpu_count()} {{{7}}} {own}"
