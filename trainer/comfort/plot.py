"""Draws the warping error of each displayed frame over time, and the strip of crops, as PNG files."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from artem_vr.frame import EYES
from artem_vr.media.pending_file import PendingFile
from trainer.comfort.evaluation import Findings
from trainer.comfort.figures import Row
from trainer.comfort.scene import RATE

# Those of Okabe and Ito, which people with any kind of colour vision tell apart.
_COLORS = ("#D55E00", "#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000", "#882255")
_SOURCE, _CHEATS = "0.25", ("0.55", "#C9B38C")
_DASHES = ("-", "--", ":", "-.")
_DPI = 110
_RIGHT_EYE = 4


def draw_errors(found: Findings) -> Figure:
    """A panel for each style: every row's error against the frame before, with a mark where new paint arrives."""
    styles = list(dict.fromkeys(row.style for row in found.parts[0].rows if row.style))
    cheats = [row for row in found.parts[0].rows if not row.style]
    figure = Figure(figsize=(13, 1.2 + 2.6 * max(1, len(styles))), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(max(1, len(styles)), 1, sharex=True, squeeze=False)[:, 0]
    for axes, style in zip(panels, styles or [""], strict=True):
        _panel(
            axes,
            style,
            found.parts[0].source,
            cheats,
            [row for row in found.parts[0].rows if row.style and row.style == style],
        )
    panels[-1].set_xlabel("seconds of the walk", fontsize=11)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.supylabel("warping error in thousandths", fontsize=11)
    return figure


def _panel(axes: Axes, style: str, source: Row, cheats: list[Row], rows: list[Row]) -> None:
    _line(axes, source, _SOURCE, "-", "source")
    painters = [*dict.fromkeys(row.painter for row in cheats)]
    modes = [*dict.fromkeys(row.mode for row in cheats)]
    for row in cheats:
        color = _CHEATS[painters.index(row.painter) % len(_CHEATS)]
        _line(axes, row, color, _DASHES[modes.index(row.mode) % len(_DASHES)], f"{row.painter}, {row.mode}")
    for number, row in enumerate(rows):
        _line(axes, row, _COLORS[number % len(_COLORS)], "-", f"{row.painter}, {row.mode}", width=1.6)
    axes.set_title(f"{style}   (dots: new paint arrives)", loc="left", fontsize=11)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)


def _line(axes: Axes, row: Row, color: str, dashes: str, label: str, width: float = 1.0) -> None:
    times = [number / RATE for number in row.errors]
    axes.plot(times, [1000 * error for error in row.errors.values()], dashes, color=color, linewidth=width, label=label)
    arrivals = [number for number in row.arrivals if number in row.errors]
    if len(arrivals) < len(row.errors) and width > 1:
        axes.plot(
            [number / RATE for number in arrivals], [1000 * row.errors[number] for number in arrivals], "o",
            color=color, markersize=3,
        )  # fmt: skip


def draw_strip(found: Findings) -> Figure:
    """A row of crops for each row of the strip: the left eye through time, then the right one at some of the times."""
    strip = found.strip
    columns = [(frame, 0) for frame in strip.frames] + [(frame, 1) for frame in strip.frames[::EYES][:_RIGHT_EYE]]
    names = list(strip.crops)
    figure = Figure(figsize=(1.32 * len(columns) + 1.6, 1.34 * len(names) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(names), len(columns), squeeze=False)
    start = strip.frames[0]
    for row, name in enumerate(names):
        for column, (frame, eye) in enumerate(columns):
            axes = panels[row, column]
            axes.imshow(strip.crops[name].get((frame, eye), np.zeros((1, 1, 3), np.uint8)), interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                milliseconds = 1000 * (frame - start) / strip.fps
                axes.set_title(f"{'left' if eye == 0 else 'right'}, {milliseconds:.0f} ms", fontsize=8)
        panels[row, 0].set_ylabel(name.replace(", ", "\n"), fontsize=8, rotation=0, ha="right", va="center")
    return figure


def write_figure(figure: Figure, path: Path) -> None:
    """Writes a PNG, whole or not at all. Raises `DisplayError` when the place cannot be written."""
    with PendingFile(path) as pending:
        figure.savefig(pending.path, format="png", dpi=_DPI)
        pending.commit()
