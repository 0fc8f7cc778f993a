"""A bank's network as ONNX, for runtimes and hardware that PyTorch and OpenVINO do not serve.

The file takes and gives what engines do: `pixels`, uint8 RGB (N, H, W, 3), and `styles`, float32 (N, D), in; `painted`,
like the pixels, out. N, H and W are free. The compact network works at sizes that are multiples of eight, johnson at
multiples of four: whoever uses the file pads. Its metadata holds the model card.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from artem_vr.engines.bytes_network import fast_bytes_network
from artem_vr.engines.loading import load_network
from artem_vr.engines.onnx_graph import free_graph
from artem_vr.errors import EngineError, UsageError
from artem_vr.styles import StyleBank
from trainer.replacing import replacing

_CHECKED = ((1, 64, 48), (2, 40, 72), (3, 16, 16))  # pictures, height, width
_MEAN_LEVELS, _MOST_LEVELS = 0.05, 2
"""How far ONNX Runtime may be from PyTorch, of 255: sums in another order, rounded to bytes."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how far ONNX Runtime was from PyTorch on noise, in levels of 255."""

    path: Path
    mean_levels: float
    most_levels: int


def export_onnx(bank: StyleBank, path: Path) -> Exported:
    """Writes the file once ONNX Runtime has painted with it what PyTorch does, at sizes it was not made with.

    Raises `ModelError` when the bank does not load, `EngineError` when the two differ, and `UsageError` when the
    packages are missing or the file cannot be written.
    """
    onnx = _onnx()
    network = fast_bytes_network(load_network(bank)).eval()
    model = _converted(network, bank.styles_SD)
    for key, value in (("format", "artem-vr-onnx-1"), ("card", bank.card.model_dump_json())):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    data = model.SerializeToString()
    mean, most = _compare(network, data, bank.styles_SD)
    if mean > _MEAN_LEVELS or most > _MOST_LEVELS:
        raise EngineError(
            f"ONNX Runtime paints another picture than PyTorch ({mean:.2f} levels of 255 in the mean, {most} at most): "
            f"nothing was written; report this with the versions of torch and onnx {onnx.__version__}"
        )
    with replacing(path, "the network") as temporary:
        temporary.write_bytes(data)
    return Exported(path, mean, most)


def _onnx() -> Any:
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"the package {error.name} is missing: pip install 'artem-vr[onnx]'") from error
    return onnx


def _converted(network: nn.Module, styles_SD: NDArray[np.float32]) -> Any:
    """The network as an ONNX model, left free in pictures and size."""
    return free_graph(network, styles_SD.shape[1])


@torch.inference_mode()
def _compare(network: nn.Module, data: bytes, styles_SD: NDArray[np.float32]) -> tuple[float, int]:
    """The mean and the largest difference between the two runtimes over several sizes, in levels of 255."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    differences = []
    for number, (count, height, width) in enumerate(_CHECKED):
        pixels = _noise(count, height, width)
        styles = styles_SD[(number + np.arange(count)) % len(styles_SD)]
        expected = network(pixels, torch.from_numpy(styles)).numpy().astype(int)
        painted = session.run(["painted"], {"pixels": pixels.numpy(), "styles": styles})[0]
        if painted.shape != expected.shape:
            raise EngineError(f"ONNX Runtime paints {painted.shape} where PyTorch paints {expected.shape}")
        differences.append(np.abs(painted - expected).ravel())
    every = np.concatenate(differences)
    return float(every.mean()), int(every.max())


def _noise(count: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, height, width, 3), generator=torch.Generator().manual_seed(0)).byte()
