"""The reference engine: PyTorch, on any device it knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artem_vr.engines.arguments import check_batch, steady_inputs
from artem_vr.engines.bytes_network import BytesNetwork, statistics_size
from artem_vr.engines.loading import load_network
from artem_vr.errors import EngineError
from artem_vr.ports import Share
from artem_vr.styles import StyleBank


class TorchEngine:
    """Runs the bank's network in float32 on the host or, in half precision if asked for, on a GPU."""

    name = "torch"

    def __init__(self, bank: StyleBank, device: str = "cpu", precision: str = "f32") -> None:
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise EngineError("no NVIDIA GPU was found for device 'cuda': use --device cpu, or see 'artem-vr doctor'")
        if precision not in {"f32", "f16", "bf16"}:
            raise EngineError(f"unknown precision '{precision}': choose f32, f16 or bf16")
        self.device, self.precision = device, precision
        self._dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[precision]
        self._style_size = bank.styles_SD.shape[1]
        try:
            network = load_network(bank).to(device=device, dtype=self._dtype)
        except (RuntimeError, AssertionError) as error:  # the latter from a torch that was built without the device
            raise EngineError(f"cannot use the device '{device}': {' '.join(str(error).split())[:200]}") from error
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._statistics_size = statistics_size(network)
        self._network: BytesNetwork | None = BytesNetwork(network)

    @property
    def can_be_steady(self) -> bool:
        """See `artem_vr.ports.SteadyEngine`."""
        return self._statistics_size > 0

    @torch.inference_mode()
    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        with self._ready(pixels_EHWC, styles_ED) as network:
            return network(*self._inputs(pixels_EHWC, styles_ED)).contiguous().cpu().numpy()

    @torch.inference_mode()
    def paint_steady(
        self, pixels_EHWC: Any, styles_ED: NDArray[np.float32], previous_ES: NDArray[np.float32] | None, share: Share
    ) -> tuple[Any, NDArray[np.float32]]:
        """See `artem_vr.ports.SteadyEngine`; takes and gives NumPy arrays."""
        with self._ready(pixels_EHWC, styles_ED) as network:
            steady = steady_inputs(previous_ES, share, len(pixels_EHWC), self._statistics_size)
            statistics = (torch.from_numpy(array).to(self.device) for array in steady)
            painted, used = network.forward_steady(*self._inputs(pixels_EHWC, styles_ED), *statistics)
            return painted.contiguous().cpu().numpy(), used.cpu().numpy()

    def on_host(self, pixels_EHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `artem_vr.ports.SteadyEngine`."""
        return pixels_EHWC

    @contextmanager
    def _ready(self, pixels_EHWC: Any, styles_ED: Any) -> Iterator[BytesNetwork]:
        """The network, for what fits it; whatever fails there is one line."""
        if self._network is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        try:
            yield self._network
        except RuntimeError as error:
            raise EngineError(f"the network failed on {self.device}: {' '.join(str(error).split())[:300]}") from error

    def _inputs(self, pixels_EHWC: Any, styles_ED: Any) -> tuple[Tensor, Tensor]:
        # Tensors have no read-only kind: torch warns about such arrays, so they are copied.
        pixels = torch.from_numpy(np.require(pixels_EHWC, requirements=["C", "W"])).to(self.device)
        return pixels, torch.from_numpy(np.require(styles_ED, requirements=["C", "W"])).to(self.device, self._dtype)

    def close(self) -> None:
        """Frees the weights."""
        self._network = None
