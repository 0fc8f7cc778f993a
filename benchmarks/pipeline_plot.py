"""Draws benchmarks/pipeline.png and .svg from pipelines.json and growth.json.

`python benchmarks/pipeline_plot.py [--folder benchmarks] [--to benchmarks]`

Left: frames a second by size, the tutorials' pipeline and this project's. Right: how the network's time grows with
pixels, eyes and styles. The colours are those of Okabe and Ito, which people with any kind of colour vision tell apart.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from artem_vr.media.pending_file import PendingFile

HERE = Path(__file__).resolve().parent
NAIVE, REMEDIED, SCENE, PICTURES, HEADSET = "#333333", "#E69F00", "#009E73", "#0072B2", "#D55E00"
HEADSET_RATE = 90.0
_DPI = 110


def draw(pipelines: dict[str, Any], growth: dict[str, Any]) -> Figure:
    """The figure, ready to be saved."""
    figure = Figure(figsize=(14, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic(
        [["rates", "pixels"], ["rates", "eyes"], ["rates", "styles"]],
        width_ratios=[1.75, 1],
        height_ratios=[1.7, 0.7, 1],
    )
    facts = pipelines["measured_on"]
    where = facts["gpu"] or f"{facts['processor']}, {facts['cores']} cores, no GPU"
    figure.suptitle(f"From camera to screen on {where}", fontsize=16, fontweight="bold")
    _rates(axes["rates"], pipelines["sizes"])
    _pixels(axes["pixels"], growth)
    one = growth["eyes"][0]
    _bars(axes["eyes"], [("one", one["ms_p50"]), *(("both", row["ms_p50"]) for row in growth["eyes"][1:])])
    axes["eyes"].set_title(f"… with eyes ({one['size'][0]}x{one['size'][1]} each)", loc="left", fontsize=11)
    _bars(axes["styles"], [(row["what"], row["ms_p50"]) for row in growth["styles"]])
    compiled = growth["styles"][-1]["compilations"]
    counted = "" if compiled is None else f": {compiled} compilations"
    axes["styles"].set_title(f"… and with styles{counted}", loc="left", fontsize=11)
    for each in axes.values():
        each.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        "Ours paints a smaller picture and brings it to full size along the frame's own edges; the naive pipeline "
        f"paints every pixel. Measured {facts['date']}, commit {facts['commit']}.",
        fontsize=9, color="0.35",
    )  # fmt: skip
    return figure


def _rates(axes: Axes, sizes: list[dict[str, Any]]) -> None:
    """Frames a second by size."""
    places = range(len(sizes))
    naive = [size["tutorial"][0]["fps"] for size in sizes]
    last = [size["tutorial"][-1]["fps"] for size in sizes]
    between = [(place, step["fps"]) for place in places for step in sizes[place]["tutorial"][1:-1]]
    axes.axhline(HEADSET_RATE, color=HEADSET, linestyle="--", linewidth=1.5)
    axes.annotate(
        f"a headset's {HEADSET_RATE:.0f} Hz", (1, HEADSET_RATE), xycoords=("axes fraction", "data"), xytext=(-4, 4),
        textcoords="offset points", ha="right", color=HEADSET, fontsize=10,
    )  # fmt: skip
    for source, color, marker, name in (
        ("pictures", PICTURES, "^", "decoded pictures"),
        ("scene", SCENE, "D", "the drawn scene"),
    ):
        for key, style, fill, what in (("display_fps", "-", color, "shown"), ("stylized_fps", ":", "white", "painted")):
            points = [(place, rate) for place in places if (rate := _ours(sizes[place], source, key))]
            if points:
                axes.plot(*zip(*points, strict=True), style, color=color, marker=marker, markersize=9, linewidth=2,
                          markerfacecolor=fill, label=f"ours, {name}: {what}")  # fmt: skip
    axes.plot(places, last, "-", color=REMEDIED, marker="s", markersize=8, linewidth=2, label="naive, all remedies")
    if between:
        axes.plot(*zip(*between, strict=True), linestyle="none", color=REMEDIED, marker="_", markersize=14,
                  markeredgewidth=1.5, label="naive, remedies one by one")  # fmt: skip
    axes.plot(places, naive, "-", color=NAIVE, marker="o", markersize=8, linewidth=2, label="naive, as in tutorials")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xticks(list(places), [_label(size) for size in sizes], fontsize=10)
    axes.set_xlim(-0.35, len(sizes) - 0.65)
    rates = naive + last + [rate for size in sizes for run in size["ours"] if (rate := run["display_fps"]) > 0]
    axes.set_ylim(min(rates) / 1.8, max(*rates, HEADSET_RATE) * 1.8)
    axes.set_ylabel("frames a second (log scale)", fontsize=11)
    axes.set_title("Frames a second, higher is better", loc="left", fontsize=13)
    axes.grid(axis="y", color="0.9")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=3, frameon=False, fontsize=10)


def _label(size: dict[str, Any]) -> str:
    name = size["name"].replace("x", "×")
    shown = _ours(size, "pictures", "stylized_fps")
    if not shown:
        return f"{name}\n"
    times = shown / size["tutorial"][0]["fps"]
    return f"{name}\nours paints {times:,.0f} times\nas often as naive"


def _ours(size: dict[str, Any], source: str, key: str) -> float | None:
    runs = [run for run in size["ours"] if run["default"] and run["source"] == source and run[key] > 0]
    return float(runs[0][key]) if runs else None


def _pixels(axes: Axes, growth: dict[str, Any]) -> None:
    """Time by pixels, both axes logarithmic: in proportion is a line at 45 degrees."""
    rows = growth["pixels"]
    ours = [(math.prod(row["size"]), row["ms_p50"]) for row in rows]
    naive = [(math.prod(row["size"]), row["naive"]["ms_p50"]) for row in rows if row["naive"]]
    engine = f"{growth['engine']} {growth['precision']}"
    for points, color, marker, label in (
        (naive, NAIVE, "o", "naive network"), (ours, PICTURES, "^", f"ours, {engine}"),
    ):  # fmt: skip
        if points:
            axes.plot(*zip(*points, strict=True), "-", color=color, marker=marker, linewidth=2, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([x for x, _ in ours], [f"{row['size'][0]}×{row['size'][1]}" for row in rows], fontsize=8)
    axes.tick_params(axis="x", rotation=25)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel("ms, network alone")
    axes.set_title("How the cost grows with pixels", loc="left", fontsize=13)
    axes.grid(color="0.9")
    axes.legend(frameon=False, fontsize=9)


def _bars(axes: Axes, bars: list[tuple[str, float]]) -> None:
    """Milliseconds by name, the first one on top."""
    names, values = (
        [name.replace(" for ", "\nfor ").replace(" every ", "\nevery ") for name, _ in bars],
        [value for _, value in bars],
    )
    drawn = axes.barh(names, values, color=PICTURES, height=0.6)
    axes.bar_label(drawn, [f"{value:.1f} ms" for value in values], padding=4, fontsize=10)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(values))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE, help="where the JSON files are")
    parser.add_argument("--to", type=Path, default=HERE, help="the folder of pipeline.png and pipeline.svg")
    options = parser.parse_args(arguments)
    read = [options.folder / "pipelines.json", options.folder / "growth.json"]
    for path in read:
        if not path.exists():
            parser.error(f"{path} is not there: run benchmarks/{path.stem}.py --json {path}")
    figure = draw(*(json.loads(path.read_text(encoding="utf-8")) for path in read))
    mpl.rcParams["svg.hashsalt"] = "artem-vr"  # the same figures make the same file
    for suffix in ("png", "svg"):
        with PendingFile(options.to / f"pipeline.{suffix}") as pending:
            metadata = {"Date": None} if suffix == "svg" else None
            figure.savefig(pending.path, format=suffix, dpi=_DPI, metadata=metadata)
            pending.commit()
        print(f"wrote {options.to / f'pipeline.{suffix}'}")


if __name__ == "__main__":
    main()
