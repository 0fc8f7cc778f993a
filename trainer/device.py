"""Where a training runs: on the processor or on an NVIDIA GPU."""

import torch

from artem_vr.errors import UsageError


def training_device(name: str) -> torch.device:
    """The device of a recipe's `device`: "auto" is a GPU where there is one. Raises `UsageError` for a missing one."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError("device = cuda, but no NVIDIA GPU was found: --set device=cpu, or see 'artem-vr doctor'")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and there) else "cpu")
