"""Perceptual networks: VGG features (Simonyan and Zisserman 2014) and their distilled relatives, from a file.

Tap names are relu1_1 to relu5_1, as in Johnson et al. 2016. A file holds 3x3 convolutions named conv1_1, conv1_2,
conv2_1 and so on, a 1x1 convolution conv0 that does the preprocessing, and, in a distilled network, 1x1 heads
(conv1_1_head) that map a tap to the width of the original. trainer/perceptual_files.py makes such files of
torchvision's VGG-16 and VGG-19.

Every file is run with reflect padding. torchvision pads with zeros, so that its own activations are others at the
borders of a picture, and only there.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from artem_vr.errors import InputError

_THINNED_TAPS = {"relu1_1", "relu2_1"}
_LAYER = re.compile(r"conv(\d)_(\d)$")


class PerceptualNetwork(nn.Module):
    """Frozen features of pictures: `forward(batch_NCHW, taps)` gives a dictionary from tap to activation (N,C,H,W)."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        layers = sorted(name[: -len(".weight")] for name in weights if _LAYER.match(name.removesuffix(".weight")))
        lacking = {f"{name}.{part}" for name in ("conv0", "conv1_1", *layers) for part in ("weight", "bias")} - set(
            weights
        )
        if lacking:
            raise InputError(f"not a perceptual network: {', '.join(sorted(lacking))} missing")
        self.layers = layers
        self.taps = [f"relu{name[4:]}" for name in layers if name.endswith("_1")]
        for name, tensor in weights.items():
            self.register_buffer(name.replace(".", "_"), tensor.float().contiguous(memory_format=_format(tensor)))

    @classmethod
    def load(cls, path: Path) -> "PerceptualNetwork":
        """Reads a safetensors file. Raises `InputError` when it is missing, corrupt or something else."""
        if not path.exists():
            raise InputError(
                f"there is no perceptual network {path}: set data.root or data.perceptual (--set data.root=PATH), or "
                "name one of small, vgg16 and vgg19 there (--set data.perceptual=vgg19)"
            )
        try:
            weights = load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"cannot read the perceptual network {path}: {error}") from error
        try:
            return cls(weights)
        except InputError as error:
            raise InputError(f"{path} is {error}") from error

    def forward(self, batch_NCHW: Tensor, taps: Iterable[str], phase: int | None = None) -> dict[str, Tensor]:
        """Activations at `taps` for RGB in [0, 1]. Runs no deeper than the deepest tap.

        With a `phase` (a step's number) the two largest taps are thinned: every second row and column, beginning at
        one of four places in turn. Means over them are the same in the mean, for a quarter of the work.
        """
        wanted = set(taps)
        found: dict[str, Tensor] = {}
        x = self._convolve("conv0", batch_NCHW)
        for name in self.layers:
            if wanted <= found.keys():
                break
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(self._convolve(name, F.pad(x, (1, 1, 1, 1), mode="reflect")))
            tap = f"relu{name[4:]}"
            if tap in wanted:
                head, thin = f"{name}_head", _thinned(tap, x, phase)
                found[tap] = F.relu(self._convolve(head, thin)) if hasattr(self, f"{head}_weight") else thin
        if missing := wanted - found.keys():
            raise InputError(
                f"the perceptual network has no {', '.join(sorted(missing))}: it ends at {self.layers[-1]}"
            )
        return found

    def _convolve(self, name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"))


def _thinned(tap: str, x: Tensor, phase: int | None) -> Tensor:
    if phase is None or tap not in _THINNED_TAPS:
        return x
    return x[..., phase % 2 :: 2, phase // 2 % 2 :: 2]


def _format(tensor: Tensor) -> torch.memory_format:
    return torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
