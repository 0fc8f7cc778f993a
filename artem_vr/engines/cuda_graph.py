"""The engine for NVIDIA GPUs: the whole network recorded once as a CUDA graph, and played with no Python in between.

Pixels and style vectors are the graph's inputs, at fixed places that are written before each painting; so other styles
and strengths record nothing anew. Convolutions compute in half precision. The statistics of the normalisations are
summed up in float32 all the same, as torch does for inputs of half precision, and their epsilon is added there.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from artem_vr.engines.arguments import check_batch, steady_inputs
from artem_vr.engines.bytes_network import BytesNetwork, statistics_size
from artem_vr.engines.loading import load_network
from artem_vr.engines.replay import Player, Work, open_player
from artem_vr.errors import EngineError
from artem_vr.nets.compact import SquareConvolution, evened
from artem_vr.ports import Share
from artem_vr.styles import StyleBank

_DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
_KEPT_SHAPES = 8


class CudaGraphEngine:
    """Paints NumPy arrays, and tensors of its own device in place: each comes back as what it was.

    device: "cuda", "cuda:N", or "cpu" for the plain twin, which records nothing. precision: "f16", "bf16" or "f32".
    `last_gpu_ms` is how long the device took for the last painting, copies included; None before the first. Raises
    `EngineError`.
    """

    name = "cuda-graph"

    def __init__(self, bank: StyleBank, device: str = "cuda", precision: str = "f16") -> None:
        if precision not in _DTYPES:
            raise EngineError(f"the cuda-graph engine has no precision '{precision}': choose auto, f16, bf16 or f32")
        self.device, self.precision = device.partition(":")[0], precision
        self._player: Player = open_player(device)
        self._dtype = _DTYPES[precision]
        self._style_size = bank.styles_SD.shape[1]
        self._kept: OrderedDict[tuple[int, ...], _Recording] = OrderedDict()
        self._kept_steady: OrderedDict[tuple[int, ...], _Recording] = OrderedDict()
        self.recordings = 0
        self.last_gpu_ms: float | None = None
        try:
            with self._player.timed():
                network = evened_once(load_network(bank)).to(device=self._player.device, dtype=self._dtype)
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        except RuntimeError as error:
            raise EngineError(f"cannot use the device '{device}': {' '.join(str(error).split())[:200]}") from error
        self._network: BytesNetwork | None = BytesNetwork(network)
        self._statistics_size = statistics_size(network)

    @property
    def device_index(self) -> int | None:
        """The number of the CUDA device; None for the plain twin."""
        return self._player.device.index

    def read_after(self, event: Any) -> None:
        """See `artem_vr.ports.DeviceEngine`."""
        self._player.read_after(event)

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint` and `artem_vr.ports.DeviceEngine`; tensors may have any strides."""
        with self._ready(pixels_EHWC, styles_ED) as network:
            return self._paint(network, pixels_EHWC, styles_ED, None)[0]

    @property
    def can_be_steady(self) -> bool:
        """See `artem_vr.ports.SteadyEngine`."""
        return self._statistics_size > 0

    def paint_steady(
        self, pixels_EHWC: Any, styles_ED: NDArray[np.float32], previous_ES: NDArray[np.float32] | None, share: Share
    ) -> tuple[Any, NDArray[np.float32]]:
        """See `artem_vr.ports.SteadyEngine`. The steady way is a recording of its own for each shape."""
        with self._ready(pixels_EHWC, styles_ED) as network:
            steady = steady_inputs(previous_ES, share, len(pixels_EHWC), self._statistics_size)
            painted, used = self._paint(network, pixels_EHWC, styles_ED, steady)
            return painted, used if used is not None else steady[0]

    def on_host(self, pixels_EHWC: Any) -> NDArray[np.uint8]:
        """See `artem_vr.ports.SteadyEngine`; tensors are read when a painting would read them."""
        if not isinstance(pixels_EHWC, Tensor):
            return np.asarray(pixels_EHWC)
        with self._player.timed():
            copy: NDArray[np.uint8] = pixels_EHWC.cpu().numpy()
        return copy

    @contextmanager
    def _ready(self, pixels_EHWC: Any, styles_ED: Any) -> Iterator[BytesNetwork]:
        """The network, for what fits it; whatever fails there is one line."""
        if self._network is None:
            raise EngineError("the engine is closed")
        self._check(pixels_EHWC, styles_ED)
        try:
            yield self._network
        except RuntimeError as error:
            text = " ".join(str(error).split())[:300]
            raise EngineError(f"the network failed on {self.device}: {text} (--engine torch may do)") from error

    def _check(self, pixels_EHWC: Any, styles_ED: Any) -> None:
        if not isinstance(pixels_EHWC, Tensor):
            check_batch(pixels_EHWC, styles_ED, self._style_size)
            return
        if pixels_EHWC.device != self._player.device:
            raise EngineError(f"the engine takes arrays on {self._player.device} or the host, not {pixels_EHWC.device}")
        numbers = np.uint8 if pixels_EHWC.dtype is torch.uint8 else np.float32
        # What is demanded is of shape and kind alone, so an array that takes no memory can stand in.
        check_batch(np.broadcast_to(np.zeros((), numbers), pixels_EHWC.shape), styles_ED, self._style_size)

    @torch.inference_mode()
    def _paint(
        self, network: BytesNetwork, pixels_EHWC: Any, styles_ED: NDArray[np.float32], steady: Any
    ) -> tuple[Any, NDArray[np.float32] | None]:
        # Tensors have no read-only kind: torch warns about such arrays, so they are copied.
        styles = torch.from_numpy(np.require(styles_ED, requirements=["C", "W"]))
        is_tensor = isinstance(pixels_EHWC, Tensor)
        pixels = pixels_EHWC if is_tensor else torch.from_numpy(np.require(pixels_EHWC, requirements=["C", "W"]))
        recording = self._recording(network, tuple(pixels.shape), steady is not None)
        # Until this block is over, both inputs are in use: it ends when the device is done.
        with self._player.timed():
            recording.take(pixels, styles)
            if steady is not None:
                recording.take_steady(*map(torch.from_numpy, steady))
            painted = recording.play()
            # Memory of its own: the next painting goes to the same place.
            painted = painted.clone() if is_tensor else painted.to("cpu", copy=True)
            used = None if steady is None else recording.used.to("cpu", copy=True).numpy()
        self.last_gpu_ms = self._player.last_ms
        return (painted if is_tensor else painted.numpy()), used

    def _recording(self, network: BytesNetwork, shape: tuple[int, ...], is_steady: bool) -> "_Recording":
        kept = self._kept_steady if is_steady else self._kept
        recording = kept.pop(shape, None)
        if recording is None:
            while len(kept) >= _KEPT_SHAPES:
                kept.popitem(last=False)
            sizes = self._style_size, self._statistics_size if is_steady else 0
            with self._player.timed():
                recording = _Recording(network, self._player, shape, sizes, self._dtype)
            self.recordings += 1
        kept[shape] = recording
        return recording

    def close(self) -> None:
        """Frees the graphs, their memory and the weights. May be called twice."""
        if self._network is not None:
            self._kept.clear()
            self._kept_steady.clear()
            self._network = None
            self._player.free()


class _Recording:
    """The network for one shape: where its inputs are, and what plays it.

    `sizes` are how many numbers style vectors and statistics have; no statistics is the plain way. `used` is where
    playing the steady way leaves them.
    """

    def __init__(
        self,
        network: BytesNetwork,
        player: Player,
        shape: tuple[int, ...],
        sizes: tuple[int, int],
        dtype: torch.dtype,
    ) -> None:
        on_gpu = player.device.type == "cuda"
        style_shape = shape[0], sizes[0]
        self._pixels = pixels = torch.zeros(shape, dtype=torch.uint8, device=player.device)
        self._styles = styles = torch.zeros(style_shape, dtype=dtype, device=player.device)
        # From memory that does not move, so that the copy does not make the host wait for what goes before it.
        self._pinned_styles = torch.zeros(style_shape, dtype=dtype, pin_memory=on_gpu)
        if not sizes[1]:
            self.play: Work = player.recorded(lambda: network(pixels, styles).contiguous())
            return
        previous, used = (torch.zeros(shape[0], sizes[1], device=player.device) for _ in range(2))
        share = torch.ones(shape[0], 1, device=player.device)
        self._previous, self._share, self.used = previous, share, used

        def paint_steady() -> Tensor:
            painted, statistics = network.forward_steady(pixels, styles, previous, share)
            used.copy_(statistics)
            return painted.contiguous()

        self.play = player.recorded(paint_steady)

    def take(self, pixels: Tensor, styles: Tensor) -> None:
        """Writes the inputs that both ways have."""
        self._pixels.copy_(pixels, non_blocking=True)
        self._pinned_styles.copy_(styles)
        self._styles.copy_(self._pinned_styles, non_blocking=True)

    def take_steady(self, previous: Tensor, share: Tensor) -> None:
        """Writes those of the steady way."""
        self._previous.copy_(previous)
        self._share.copy_(share)


def evened_once(network: nn.Module) -> nn.Module:
    """The network with its square convolutions' weights evened for good, and not at every painting anew."""
    for name, child in list(network.named_children()):
        if isinstance(child, SquareConvolution):
            plain = nn.Conv2d(
                child.in_channels, child.out_channels, 3, padding=1, bias=False, padding_mode="replicate", device="meta"
            )
            plain.weight = nn.Parameter(evened(child.weight).detach(), requires_grad=False)
            setattr(network, name, plain.eval())
        else:
            evened_once(child)
    return network
