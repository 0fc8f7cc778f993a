"""What this machine is, as far as the system tells without a heavy import."""

import ctypes.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor's name, the cores this process may use, and its instruction sets (empty where not known)."""

    name: str
    cores: int
    instruction_sets: frozenset[str]


def processor(cpuinfo: Path = _CPUINFO) -> Processor:
    """Describes the host's processor; `cpuinfo` is Linux's table of processors."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    name, flags = platform.processor() or platform.machine(), frozenset[str]()
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return Processor(name, cores, flags)
    for line in lines:
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "model name":
            name = value
        elif key in {"flags", "Features"}:
            flags = frozenset(value.split())
    return Processor(name, cores, flags)


def has_nvidia_driver() -> bool:
    """True where an NVIDIA GPU may be usable, as far as can be told without CUDA."""
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None


def has_screen() -> bool:
    """True where a window can be expected to open."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
