"""What `artem-vr train` does where the task is "quantize": calibrates a bank, judges it, adds it to the table."""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress as Bar
from torch import Tensor

from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.errors import UsageError
from artem_vr.styles import DEFAULT_BANK, StyleBank
from trainer.data.crops import Photos
from trainer.quantization import quantize
from trainer.ranking import judged, measures_alike, tell_row
from trainer.recipe import QuantizationRecipe
from trainer.room import check_writable
from trainer.validation import draw_grid, write_grid


class EngineBank:
    """A bank as an engine paints it, for whatever judges banks: the bytes of int8 in place of a module's numbers."""

    def __init__(self, bank: StyleBank, names: list[str], engine: OpenVinoEngine) -> None:
        self._engine = engine
        self.styles_SD = torch.from_numpy(bank.styles_SD[[bank.index(name) for name in names]])

    def __call__(self, batch_NCHW: Tensor, style_indices_N: Tensor) -> Tensor:
        """Paints each picture in the style of its index: RGB in [0, 1], of the shape of the batch."""
        pixels = (batch_NCHW.permute(0, 2, 3, 1) * 255).round().byte().contiguous().numpy()
        styles = self.styles_SD[style_indices_N].numpy()
        painted = [self._engine.paint(one[None], style[None]) for one, style in zip(pixels, styles, strict=True)]
        return torch.from_numpy(np.concatenate(painted)).permute(0, 3, 1, 2) / 255


def calibrate(recipe: QuantizationRecipe, root: Path, folder: Path, console: Console) -> Path:
    """Writes the calibrated bank, its sample grid and its row of the table; returns the bank's path.

    Raises what `trainer.quantization.quantize` does, `UsageError` when the folder cannot be written or the recipe
    names no style of the bank.
    """
    check_writable(folder)
    start = Path(recipe.start) if recipe.start else StyleBank.load().path
    path = folder / f"{recipe.name}.safetensors"
    if path.resolve() == start.resolve():
        raise UsageError(f"{path} is the bank to calibrate: give the recipe another name, or choose another --output")
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("calibrating")
        found = quantize(
            start, path, root / recipe.data.photos, recipe.photographs, recipe.seed,
            lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    console.print(f"wrote {path}: {found.mean_levels:.2f} of 255 from float32 in the mean")
    if found.left_out:
        console.print(f"not rounded, for the picture would suffer: {', '.join(found.left_out)}")
    console.print("validating ...")
    terms = _judged(recipe, root, path, folder)
    tell_row(console, path, terms if measures_alike(recipe) else {}, recipe.name, precision="int8")
    return path


def _judged(recipe: QuantizationRecipe, root: Path, path: Path, folder: Path) -> dict[str, float]:
    """The validation losses of what int8 paints; leaves a sample grid."""
    bank = StyleBank.load(path)
    known = [style for style in recipe.styles if style.name in bank.names]
    if not known:
        raise UsageError(
            f"{path} has none of the recipe's styles: extend the recipe of {bank.card.name}, not {DEFAULT_BANK}"
        )
    recipe = recipe.model_copy(update={"styles": known})
    engine = OpenVinoEngine(bank, "int8")
    try:
        painter = EngineBank(bank, [style.name for style in known], engine)
        write_grid(draw_grid(painter, recipe, root, Photos.find(root / recipe.data.photos)), folder / "sample.png")
        return judged(painter, recipe, root)
    finally:
        engine.close()
