"""Calibrates a finished bank for int8: between which bounds the inputs of its convolutions lie on photographs.

The weights stay as they are, and so does what every engine paints unless it is asked for int8 (see
`artem_vr.engines.int8`). Bounds are found by nncf, over all styles: the mean over pictures of each one's least and
largest value. What lies outside is cut off, and that is better than coarser steps for all the rest (measured on the
first bank: 2.2 levels of 255 off in the mean, and 4.2 with bounds that cut off nothing).

Some convolutions bear rounding badly: on plain ground the first features differ by less than one step, and what was
faint structure becomes patches. Those are found by rounding each one alone, and left as they were.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor, nn

from artem_vr.engines.bytes_network import BytesNetwork, fast_bytes_network
from artem_vr.engines.conversion import converted
from artem_vr.engines.int8 import LEVELS, WEIGHT_LEVELS, Ranges, matched, weight_bounds
from artem_vr.engines.loading import load_network
from artem_vr.errors import EngineError, UsageError
from artem_vr.nets.compact import Compact
from artem_vr.nets.johnson import Johnson
from artem_vr.styles import StyleBank
from trainer.data.crops import Photos
from trainer.export import export
from trainer.quiet import errors_only
from trainer.trained import TrainedBank

HEIGHT, WIDTH = 480, 640
"""The size that photographs are brought to: that of the preview's window."""
COMPARED = 12
"""How many pictures at least are painted to see what rounding does, of other photographs than those for the bounds.

Every style is among them: some bear half as much as others.
"""
BEARABLE = 12.0
"""In levels of 255, the 99.9th percentile: a convolution that alone changes the picture by more is not rounded.

In the first bank those are the two that read the stem's features, with 35 and 20; the others are at 11 and below.
Without the two, int8 is off by 20 instead of 35, and takes 0.69 instead of 0.65 of what bfloat16 takes.
"""
_PIXELS = (-0.5, 0.5)
"""What the first convolution of these networks is given: bytes about mid-grey, each of which is a level of its own."""
_PERCENTILE = 99.9

Picture = NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Quantized:
    """What was found: the bounds by the convolutions' names, and the names of those that are left out.

    `mean_levels` and `most_levels` say how far int8 is from float32 on photographs it was not calibrated on: the mean
    difference of two bytes and its 99.9th percentile.
    """

    ranges: dict[str, tuple[float, float]]
    left_out: tuple[str, ...]
    mean_levels: float
    most_levels: float


def quantize(
    bank_path: Path,
    output_path: Path,
    photos_folder: Path,
    count: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> Quantized:
    """Writes a bank with the same weights and styles that can be run in int8, calibrated on `count` photographs.

    Styles that were added to the bank are calibrated for but stay in their own files, which fit the new bank too.
    progress: told how much is done, and of how much.

    Raises `ModelError` when the bank does not load, `InputError` when the photographs cannot be read, and `UsageError`
    when nncf is missing, the count is below 1, or the file cannot be written.
    """
    if count < 1:
        raise UsageError(f"cannot calibrate on {count} photographs: choose at least 1, or better 100")
    _nncf()  # missing, it should be so before all photographs are read
    bank = StyleBank.load(bank_path)
    photos, random = Photos.find(photos_folder), np.random.default_rng(seed)
    found = quantized(
        bank,
        [_fitted(photos.draw(random)) for _ in range(count)],
        [_fitted(photos.validation_from(index)) for index in range(max(COMPARED, len(bank.names)))],
        progress,
    )
    own = len(bank.names) - bank.added
    card = bank.card.model_copy(
        update={
            "styles": bank.card.styles[:own],
            "description": f"{bank.card.description} Calibrated for int8 on {count} photographs.".strip(),
        }
    )
    plain = replace(bank, card=card, styles_SD=bank.styles_SD[:own], added=0)
    export(TrainedBank(plain), card, output_path, found.ranges)
    return found


def quantized(
    bank: StyleBank, photos: Sequence[Picture], compared: Sequence[Picture], progress: Progress | None = None
) -> Quantized:
    """The bounds for a bank, from `photos`, and how far int8 is off on those `compared`.

    Pictures are uint8 RGB (H, W, 3), all of one size, at least one of either; each is painted in one style, and those
    take turns. Raises `ModelError` when the bank's weights do not fit, `UsageError` when nncf is missing, and
    `EngineError` for a network whose convolutions are not found again in OpenVINO's graph, or bear no rounding at all.
    """
    network = load_network(bank)
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    total, done, output = len(photos) + len(names), 0, sys.stdout

    def advance() -> None:
        nonlocal done
        done = min(done + 1, total)
        if progress is not None:
            with redirect_stdout(output):  # of all that happens while nncf is silenced, this alone is for the reader
                progress(done, total)

    ranges = _calibrated(network, _pairs(bank, photos), advance)
    pairs = _pairs(bank, compared)
    exact = _painted(network, pairs)
    left_out = []
    for name in names:
        if _apart(_painted(rounded(network, {name: ranges[name]}), pairs), exact)[1] > BEARABLE:
            left_out.append(name)
        advance()
    kept = {name: ranges[name] for name in names if name not in left_out}
    if not kept:
        raise EngineError(f"no convolution of {bank.path} bears eight bits: leave the bank in float32 or bf16")
    mean, most = _apart(_painted(rounded(network, kept), pairs), exact)
    return Quantized(kept, tuple(left_out), mean, most)


def rounded(network: nn.Module, ranges: Ranges) -> nn.Module:
    """A copy that computes in float32 what int8 computes: inputs and weights of the convolutions named are rounded."""
    twin = deepcopy(network)
    for name, (low, high) in ranges.items():
        module: Any = twin.get_submodule(name)

        def convolve(
            x: Tensor, weight: Tensor, bias: Tensor | None, module: Any = module, low: float = low, high: float = high
        ) -> Tensor:
            bounds = torch.from_numpy(weight_bounds(weight.detach().numpy()))
            inputs = _rounded(x, torch.tensor(low), torch.tensor(high), LEVELS)
            # The class's own method: layers give it the weights that they use, whatever they keep.
            return nn.Conv2d._conv_forward(module, inputs, _rounded(weight, -bounds, bounds, WEIGHT_LEVELS), bias)

        module._conv_forward = convolve
    return twin


def _rounded(x: Tensor, low: Tensor, high: Tensor, levels: int) -> Tensor:
    step = (high - low) / (levels - 1)
    return ((x.clamp(low, high) - low) / step).round() * step + low


def _calibrated(
    network: nn.Module, pairs: Sequence[tuple[Picture, NDArray[np.float32]]], advance: Callable[[], None]
) -> dict[str, tuple[float, float]]:
    """The bounds of every convolution's input, in the units of the torch modules."""
    nncf = _nncf()
    (pixels_NHWC, style_ND), *_ = pairs
    model = converted(fast_bytes_network(network), pixels_NHWC.shape, style_ND.shape[1])
    convolutions = {node.get_friendly_name() for _, node, _ in matched(model, network)}
    others = [node.get_friendly_name() for node in model.get_ordered_ops()]

    def inputs(pair: tuple[Picture, NDArray[np.float32]]) -> list[NDArray[Any]]:
        advance()
        return list(pair)

    with _quiet():
        calibrated = nncf.quantize(
            model,
            nncf.Dataset(pairs, inputs),
            subset_size=len(pairs),
            target_device=nncf.TargetDevice.CPU,
            preset=nncf.QuantizationPreset.MIXED,  # bounds that need not be symmetric: half of the layers follow a ReLU
            ignored_scope=nncf.IgnoredScope(names=[n for n in others if n not in convolutions], validate=False),
            # The normalisation that follows takes away what rounding does to a channel's mean.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.DISABLE, disable_bias_correction=True
            ),
        )
    nodes = [node for node in calibrated.get_ordered_ops() if node.get_friendly_name() in convolutions]
    found: dict[str, tuple[float, float]] = {}
    # nncf rounds weights too, but leaves them and their order; they are compared in the graph that it was given.
    for (name, _, factor), node in zip(matched(model, network), nodes, strict=True):
        low, high = _bounds(name, node)
        sees_pixels = not found and isinstance(network, Compact | Johnson)
        found[name] = _PIXELS if sees_pixels else _with_zero(low / factor, high / factor)
    return found


def _bounds(name: str, node: Any) -> tuple[float, float]:
    source = node.input_value(0).get_node()
    while source.get_type_name() != "FakeQuantize":
        if source.get_input_size() == 0 or source.get_type_name() in {"Convolution", "MVN"}:
            raise EngineError(f"nncf found no range of what goes into {name}: use nncf 3 and OpenVINO 2025 or later")
        source = source.input_value(0).get_node()
    low, high = (np.asarray(source.input_value(index).get_node().data).ravel()[0] for index in (1, 2))
    return float(low), float(high)


def _with_zero(low: float, high: float) -> tuple[float, float]:
    """The bounds moved by less than a step so that zero is a level: of nothing comes nothing, as in the identity."""
    low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / (LEVELS - 1)
    below = round(-low / step)
    return -below * step, (LEVELS - 1 - below) * step


def _pairs(bank: StyleBank, pictures: Sequence[Picture]) -> list[tuple[Picture, NDArray[np.float32]]]:
    """Every picture (1, H, W, 3) with a style (1, D), all styles in turn."""
    count = len(bank.styles_SD)
    return [(picture[None], bank.styles_SD[[index % count]]) for index, picture in enumerate(pictures)]


@torch.inference_mode()
def _painted(network: nn.Module, pairs: Sequence[tuple[Picture, NDArray[np.float32]]]) -> list[NDArray[Any]]:
    paint = BytesNetwork(network).eval()
    return [paint(torch.from_numpy(pixels), torch.from_numpy(style)).numpy().astype(int) for pixels, style in pairs]


def _apart(painted: list[NDArray[Any]], exact: list[NDArray[Any]]) -> tuple[float, float]:
    """The mean difference of two bytes, and its 99.9th percentile."""
    apart = np.abs(np.stack(painted) - np.stack(exact))
    return float(apart.mean()), float(np.percentile(apart, _PERCENTILE))


def _fitted(rgb: NDArray[Any]) -> Picture:
    """The middle of a photograph at the size for calibration."""
    return np.array(ImageOps.fit(Image.fromarray(rgb), (WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def _nncf() -> Any:
    # It reports its use to its makers unless it runs in a build; nobody who calibrates a network asked for that.
    os.environ.setdefault("NNCF_CI", "1")
    try:
        with _quiet():
            return importlib.import_module("nncf")
    except ImportError as error:
        raise UsageError("the package nncf is missing: pip install 'artem-vr[int8]'") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without nncf's own progress bars and remarks."""
    with errors_only("nncf"), redirect_stdout(StringIO()):
        yield
