import os
import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import torch
from trainer.host_memory import keep_freed_memory

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed_memory()
def step():
    blocks = [torch.ones(3 << 20) for _ in range(16)]  # 12 MiB each: more than the library keeps by itself
    del blocks
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    # Where nothing is asked of it, the library maps every block on its own: it would come to that by itself, or not,
    # depending on what else lies in memory.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
    result = subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True, env=env)
    return int(result.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library: nothing is asked of it")
def test_freed_memory_is_used_again() -> None:
    kept, left = page_faults("keep"), page_faults("leave")
    assert left > 100_000  # three steps of sixteen blocks of 3,072 pages
    assert kept < 0.2 * left
