"""Draws a few frames of a timeline that `--trace` wrote: display, painting, GPU, and how a picture becomes paint.

python scripts/trace_picture.py trace.json docs/images/trace.png [first frame] [frames]
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

Event = dict[str, Any]

COLOURS = {
    "wait": "#c9c9c9", "source": "#4477aa", "download": "#66ccee", "wait for paint": "#999999", "upload": "#228833",
    "compose": "#ccbb44", "show": "#ee6677", "record": "#bbbbbb", "paint": "#aa3377",
}  # fmt: skip
TRACKS = ("display", "stylizer", "GPU (OpenGL)")
LABELS = ("display's\nthread", "stylizer's\nthread", "OpenGL's\ndevice")
HEIGHT = 0.5
SIZE = (13.0, 4.2)
LETTER = 0.0068
"""The share of the width that a letter takes: what has no room for its name goes without."""


def draw(events: list[Event], title: str, first: int, count: int, target: Path) -> None:
    """Draws `count` frames, from number `first` on, into a picture."""
    threads = {event["args"]["name"]: event["tid"] for event in events if event["name"] == "thread_name"}
    frames = [e for e in events if e["ph"] == "X" and e["name"] == "frame" and first <= e["args"]["frame"]]
    frames = frames[:count]
    begin, end = frames[0]["ts"], frames[-1]["ts"] + frames[-1]["dur"]
    figure, axes = pyplot.subplots(figsize=SIZE, layout="constrained")
    axes.set_xlim(0, (end - begin) / 1e3)
    axes.set_ylim(-0.55, len(TRACKS) - 0.45)
    rows = {threads[track]: len(TRACKS) - 1 - row for row, track in enumerate(TRACKS) if track in threads}
    for event in events:
        if event["ph"] == "X" and event["ts"] < end and event["ts"] + event["dur"] > begin:
            _draw_span(axes, event, rows[event["tid"]], begin)
    _draw_arrows(axes, events, rows, begin, end)
    axes.set_yticks(range(len(TRACKS)), LABELS[::-1])
    axes.set_xlabel("milliseconds")
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    seen = [name for name in COLOURS if any(e["ph"] == "X" and e["name"] == name for e in events)]
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=COLOURS[name]) for name in seen]
    figure.legend(handles, seen, loc="outside lower center", ncols=len(seen), frameon=False, fontsize=9)
    figure.savefig(target, dpi=110)


def _draw_span(axes: Axes, event: Event, row: int, begin: float) -> None:
    start, length = (event["ts"] - begin) / 1e3, event["dur"] / 1e3
    if event["name"] == "frame":
        axes.axvline(start, color="black", linewidth=0.6, linestyle=":", zorder=0)
        axes.text(start, row + 0.36, f" frame {event['args']['frame']}", fontsize=9, clip_on=True)
        return
    axes.barh(row, length, HEIGHT, start, color=COLOURS.get(event["name"], "black"), edgecolor="white", linewidth=0.4)
    left, right = axes.get_xlim()
    shown = min(start + length, right) - max(start, left)
    label = f"paints\n{event['args']['picture']}" if event["name"] == "paint" else event["name"]
    if shown > LETTER * (len(event["name"]) + 1) * (right - left):
        light = event["name"] in {"paint", "source", "upload"}
        axes.text(
            max(start, left) + shown / 2, row, label, ha="center", va="center", fontsize=8, clip_on=True,
            color="white" if light else "black",
        )  # fmt: skip


def _draw_arrows(axes: Axes, events: list[Event], rows: dict[int, int], begin: float, end: float) -> None:
    """From where a picture was taken over its painting to where that was seen first, with the paint's age."""
    ages = {event["id"]: event["args"].get("age_ms") for event in events if event["ph"] == "b"}
    flows: dict[int, list[Event]] = {}
    for event in events:
        if event["ph"] in "stf":
            flows.setdefault(event["id"], []).append(event)
    for number, flow in flows.items():
        if flow[0]["ts"] < begin or flow[-1]["ts"] > end:
            continue
        points = [((event["ts"] - begin) / 1e3, rows[event["tid"]]) for event in flow]
        (taken, top), (painted, middle), (shown, _) = points
        edge = HEIGHT / 2
        arrow = {"arrowstyle": "->", "color": "black", "linewidth": 1.1}
        axes.annotate("", (painted, middle + edge), (taken, top - edge), arrowprops=arrow)
        axes.annotate("", (shown, top - edge), (painted, middle + edge), arrowprops=arrow)
        if ages.get(number) is not None:
            axes.text(
                shown, top - edge - 0.05, f"{ages[number]:.0f} ms old", fontsize=8, va="top", ha="center",
                bbox={"color": "white", "pad": 0.5, "alpha": 0.8},
            )  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Reads the file and draws the frames that were asked for."""
    source, target = Path(arguments[0]), Path(arguments[1])
    first = int(arguments[2]) if len(arguments) > 2 else 60
    count = int(arguments[3]) if len(arguments) > 3 else 6
    document = json.loads(source.read_text("utf-8"))
    facts = document["otherData"]
    eyes, net = ("{}x{}".format(*facts[name]) for name in ("eye_size", "net_size"))
    title = f"{facts['source']}, two eyes of {eyes}, painted at {net} by {facts['engine']} {facts['precision']}; "
    draw(document["traceEvents"], title + facts["gl_renderer"].split(" (")[0], first, count, target)


if __name__ == "__main__":
    main(sys.argv[1:])
