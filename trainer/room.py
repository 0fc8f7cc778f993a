"""Whether a run's folder can take what the run will write: better said before it starts than after hours."""

import shutil
import tempfile
from pathlib import Path

from torch import nn

from artem_vr.errors import UsageError

_BYTES = 4
_PER_CHECKPOINT = 3
"""Numbers that a checkpoint holds of every weight: itself and two moments."""
_CHECKPOINTS = 2
"""The old one is there until the new one is whole."""
_JOURNAL = 32 << 20
"""Bytes for losses, plots and sample grids."""


def check_room(folder: Path, module: nn.Module) -> None:
    """Makes the folder, writes to it and looks at the free space. Raises `UsageError` when a run would not fit."""
    check_writable(folder)
    free = shutil.disk_usage(folder).free
    weights = sum(parameter.numel() for parameter in module.parameters())
    needed = _JOURNAL + _BYTES * _PER_CHECKPOINT * _CHECKPOINTS * weights
    if free < needed:
        raise UsageError(
            f"{folder} has {free >> 20} MB free, and a run of this network writes up to {needed >> 20} MB: free some "
            "space, or name another folder with --output"
        )


def check_writable(folder: Path) -> None:
    """Makes the folder and writes to it, leaving nothing else behind. Raises `UsageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; name another folder with --output") from error
