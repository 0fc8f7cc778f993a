"""What a run leaves for people to look at: losses.csv, a plot of it, TensorBoard's scalars and the sample grids."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.loss_log import LossLog
from trainer.replacing import replacing
from trainer.validation import write_grid

VALIDATION_PREFIX = "validation/"
_PLOTTED = ("total", "style", "tone")
_PLOTTED_PARTS = ("content", "error/")
"""Of these the ones that there are: content of each tap, or the errors of a distilled network's taps."""


class Journal:
    """The records of a run in its folder, from a step on. Methods raise `UsageError` when a file cannot be written.

    TensorBoard reads the folder `tensorboard` in it, where that package is installed: `tensorboard --logdir FOLDER`.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        self._losses = LossLog(folder / "losses.csv")
        self._losses.cut(step)
        self._board = _board(folder / "tensorboard", step)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._board is not None:
            self._board.close()

    def log(self, step: int, pictures_per_second: float, terms: dict[str, float]) -> None:
        """Adds the smoothed loss terms of a step; names beginning with "validation/" are of unseen photographs."""
        self._losses.append(step, pictures_per_second, terms)
        if self._board is not None:
            for name, value in terms.items():
                place = name if name.startswith(VALIDATION_PREFIX) else f"training/{name}"
                self._board.add_scalar(place, value, step)
            self._board.add_scalar("pictures_per_second", pictures_per_second, step)

    def show(self, step: int, grid_HWC: NDArray[np.uint8]) -> None:
        """Writes a sample grid and the plot of all losses so far."""
        write_grid(grid_HWC, self._folder / f"sample_{step:06d}.png")
        if self._board is not None:
            self._board.add_image("samples", grid_HWC, step, dataformats="HWC")
        plot_losses(self._folder / "losses.csv", self._folder / "losses.png")


def plot_losses(csv_path: Path, path: Path) -> None:
    """Draws losses.csv: one panel a term, training as a line and validation as dots. Without rows it draws nothing.

    Raises `UsageError` when the picture cannot be written.
    """
    if not csv_path.exists():
        return
    with csv_path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    curves = {name: _curve(rows, name) for name in (rows[0] if rows else {})}
    panels = [name for name in curves if name in _PLOTTED or name.startswith(_PLOTTED_PARTS)]
    if not panels:
        return
    from matplotlib.figure import Figure  # a second of import, for the one picture at the end

    figure = Figure(figsize=(4 * len(panels), 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.plot(*curves[name], color="tab:blue", linewidth=1.2, label="training, smoothed")
        steps, values = curves.get(VALIDATION_PREFIX + name, ([], []))
        if values:
            axes.plot(steps, values, "o", color="tab:orange", markersize=3, label="validation")
        axes.set(title=name, xlabel="step", yscale="log")
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=8)
    with replacing(path, "the plot of losses") as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _curve(rows: list[dict[str, str]], name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a column; rows that lack it, or are half-written, are left out."""
    pairs: list[tuple[int, float]] = []
    for row in rows:
        try:
            pairs.append((int(row["step"]), float(row[name])))
        except (TypeError, ValueError):
            continue
    return [step for step, _ in pairs], [value for _, value in pairs]


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # an extra
        return None
    return SummaryWriter(str(folder), purge_step=step)
