"""The sections of the page on whole pipelines: what `pipelines.py`, `overlap.py` and `growth.py` measured."""

import math
from typing import Any

from page_tables import by, figures, number, ratio, runs_in, table

PICTURE = "pipeline.svg"
_SOURCES = {"scene": "the scene, drawn by OpenGL", "pictures": "decoded pictures", "still": "a still picture"}


def pipelines_section(measured: dict[str, Any]) -> str:
    """The summary, then each pipeline stage by stage."""
    device = measured["tutorial_device"]
    return "\n\n".join(
        [
            "## The whole pipeline",
            f"![Frames a second by size; how the cost grows]({PICTURE})",
            "`benchmarks/pipelines.py`. **Naive** is the pipeline of the classic tutorials: a frame from a camera in "
            "the loop, BGR to RGB, float32 and division by 255 on the host, CHW, the published transformer network "
            "(32, 64, 128 channels) in eager float32, back to the host, clip, cast, show; two eyes one by one. "
            f"Its camera is simulated ({measured['camera_fps']:.0f} frames a second, JPEG, decoded by OpenCV), its "
            f"network runs on {device}. **Remedied** has all the usual remedies, listed below. **Ours** is `artem-vr "
            "preview --headless` with its defaults, a process of its own; it always draws two eyes: at 640x480 "
            "it has twice the naive pipeline's pixels. The scene is drawn anew every frame, decoded pictures come 24 "
            "times a second from JPEGs of both eyes. *Shown* are frames on the display, *painted* new paintings: the "
            "naive pipeline cannot show one without the other. Ours paints a smaller picture (*painted at*) and brings "
            "it to full size along the frame's own edges, where the naive pipeline paints every pixel. "
            "Everything was taken in one run; ratios are to the naive pipeline of the same run and size.",
            _summary(measured["sizes"]),
            "### The tutorials' pipeline, stage by stage",
            "Milliseconds a frame (medians), all eyes together. Each remedy comes on top of those before. *Frames* is "
            "how many were measured; where it says *cold*, none was run before them. " + _left_out(measured["sizes"]),
            _ladder(measured["sizes"]),
            "### Ours, stage by stage",
            "Milliseconds, medians (docs/stats.md has the stages). *Network* runs on a thread of its own, beside the "
            "others. A still picture is painted once: what is left is composing and showing it.",
            _ours(measured["sizes"]),
            "### The network alone",
            "Bytes in and bytes out, all eyes, at the size that the preview paints an eye at and at the eye's full "
            "size. *Times naive* is against the naive pipeline's stage `network`, at its full size.",
            _networks(measured["sizes"]),
            _skipped(measured["skipped"]),
        ]
    )


def _naive(size: dict[str, Any]) -> dict[str, Any]:
    return dict(next(row for row in size["tutorial"] if row["key"] == "naive"))


def _default(size: dict[str, Any], source: str) -> dict[str, Any] | None:
    return next((row for row in size["ours"] if row["default"] and row["source"] == source), None)


def _summary(sizes: list[dict[str, Any]]) -> str:
    rows = []
    for size in sizes:
        naive, last = _naive(size), size["tutorial"][-1]
        cells = [size["name"], figures(naive["fps"]), figures(last["fps"])]
        for source in ("scene", "pictures"):
            run = _default(size, source) or {"display_fps": None, "stylized_fps": None}
            shown, painted = run["display_fps"], run["stylized_fps"]
            cells.append(f"{figures(shown)} / {figures(painted)}")
            cells.append(f"{ratio(shown, naive['fps'])} / {ratio(painted, naive['fps'])}")
        network_ms = naive["stages_ms"]["network"]["p50"]
        small, full = _best(size, smallest=True), _best(size, smallest=False)
        cells += [ratio(network_ms, small), ratio(network_ms, full)]
        rows.append(cells)
    headings = [
        "frames a second", "naive", "remedied", "ours, scene: shown / painted", "times naive",
        "ours, pictures: shown / painted", "times naive", "network alone at its own size, times naive",
        "network alone at full size, times naive",
    ]  # fmt: skip
    return table(headings, rows)


def _best(size: dict[str, Any], smallest: bool) -> float | None:
    """Milliseconds of the fastest floating-point engine at the smallest or the full size (int8 has its own row)."""
    rows = [row for row in size["networks"] if row["precision"] != "int8"]
    wanted = (min if smallest else max)((math.prod(row["size"]) for row in rows), default=0)
    times = [row["ms"]["p50"] for row in rows if math.prod(row["size"]) == wanted]
    return min(times, default=None)


def _ladder(sizes: list[dict[str, Any]]) -> str:
    stages = list(sizes[0]["tutorial"][0]["stages_ms"])
    rows = []
    for size in sizes:
        naive = _naive(size)["fps"]
        for step in size["tutorial"]:
            frames = f"{step['frames']}" + ("" if step["warmed"] else ", cold")
            rows.append(
                [size["name"], step["title"], f"{step['precision']} on {step['device']}", figures(step["fps"])]
                + [figures(step["stages_ms"][name]["p50"]) for name in stages]
                + [ratio(step["fps"], naive), frames]
            )
    return table(["size", "", "network in", "frames a second", *stages, "times naive", "frames"], rows)


def _left_out(sizes: list[dict[str, Any]]) -> str:
    most = max(len(size["tutorial"]) for size in sizes)
    short = [size["name"] for size in sizes if len(size["tutorial"]) < most - 1]
    if not short:
        return ""
    return f"At {' and '.join(short)} a frame takes so long that only the first and the last row were measured."


def _ours(sizes: list[dict[str, Any]]) -> str:
    runs = [(size, run) for size in sizes for run in size["ours"]]
    stages = list(dict.fromkeys(name for _, run in runs for name in run["stages_ms"] if name != "wait for paint"))
    rows = []
    for size, run in runs:
        naive = _naive(size)["fps"]
        painted = run["stylized_fps"] if run["source"] != "still" else None
        rows.append(
            [size["name"], _SOURCES[run["source"]], runs_in(run), by(run["net_size"]), figures(run["display_fps"]),
             figures(painted)]
            + [figures(run["stages_ms"][name]["p50"]) if name in run["stages_ms"] else "" for name in stages]
            + [figures(run["age_ms"]["p50"]) if painted else "", ratio(run["display_fps"], naive),
               ratio(painted, naive), str(run["frames"])]
        )  # fmt: skip
    headings = ["eyes", "source", "runs in", "painted at", "shown a second", "painted a second", *stages,
                "age of paint", "shown, times naive", "painted, times naive", "frames"]  # fmt: skip
    return table(headings, rows)


def _networks(sizes: list[dict[str, Any]]) -> str:
    rows = []
    for size in sizes:
        naive = _naive(size)["stages_ms"]["network"]["p50"]
        rows += [
            [size["name"], f"{row['batch']} x {by(row['size'])}", runs_in(row), figures(row["ms"]["p50"]),
             figures(row["ms"]["p99"]), ratio(naive, row["ms"]["p50"]), str(row["calls"])]
            for row in size["networks"]
        ]  # fmt: skip
    return table(["eyes", "painted at", "runs in", "ms p50", "ms p99", "times naive", "calls"], rows)


def _skipped(reasons: list[str]) -> str:
    if not reasons:
        return "Every engine and precision was there."
    return "Not there on this machine:\n\n" + "\n".join(f"- {reason}" for reason in reasons)


def overlap_section(measured: dict[str, Any]) -> str:
    """The live loop beside the same stages one after the other."""
    rows = [
        [_SOURCES[row["source"]], f"{row['engine']} on {row['device']}", figures(row["live_ms"]),
         figures(row["painting_ms"]), figures(row["in_turn_ms"]), figures(row["stages_sum_ms"]),
         number(row["live_over_in_turn"], 2), number(row["live_over_stages_sum"], 2)]
        for row in measured["rows"]
    ]  # fmt: skip
    headings = ["source", "runs in", "live loop ms", "from painting to painting ms", "one after the other ms",
                "sum of live stages ms", "loop / one after the other", "loop / sum"]  # fmt: skip
    return "\n\n".join(
        [
            "## What runs beside what",
            f"`benchmarks/overlap.py`: `artem-vr preview` at {by(measured['size'])} in two ways, in turns, "
            f"{measured['rounds']} runs of {measured['frames']} frames each. *Live*: display, network and decoder each "
            "on a thread of its own. *One after the other*: `--fps`, in which each frame waits for its own picture and "
            "its own painting; a loop that really ran so. *Sum of live stages*: the medians of the live run's stages "
            "without waiting, at the speed that they had while sharing the machine. A live loop may show a frame with "
            "paint that it had before, so the time from one painting to the next stands beside it. Asked: 0.75 at most "
            "of what the stages take one after the other (aim 0.6).",
            table(headings, rows),
        ]
    )


def growth_section(measured: dict[str, Any]) -> str:
    """Pixels, eyes, styles."""
    rows = []
    for row in measured["pixels"]:
        pixels, naive = math.prod(row["size"]), (row["naive"] or {"ms_p50": None})["ms_p50"]
        rows.append([by(row["size"]), number(pixels / 1e6, 3), figures(row["ms_p50"]), figures(row["ms_p99"]),
                     figures(1e6 * row["ms_p50"] / pixels), figures(naive), ratio(naive, row["ms_p50"])])  # fmt: skip
    one = measured["eyes"][0]["ms_p50"]
    eyes = [
        [str(row["batch"]), figures(row["ms_p50"]), figures(row["ms_p99"]), ratio(row["ms_p50"], one)]
        for row in measured["eyes"]
    ]
    alike = measured["styles"][0]["ms_p50"]
    styles = [
        [row["what"], figures(row["ms_p50"]), figures(row["ms_p99"]), ratio(row["ms_p50"], alike),
         "not counted" if row["compilations"] is None else str(row["compilations"])]
        for row in measured["styles"]
    ]  # fmt: skip
    exponent = slope(measured["pixels"])
    return "\n\n".join(
        [
            "## How the cost grows",
            f"`benchmarks/growth.py`: the network alone in {runs_in(measured)}, bytes in and bytes out, each part in "
            "turns.",
            "### With pixels",
            f"Over these sizes the time grows as pixels to the power of {number(exponent, 2)} (1 is in proportion).",
            table(["picture", "megapixels", "ms p50", "p99", "ns a pixel", "naive network ms", "times naive"], rows),
            f"### With eyes, {by(measured['eyes'][0]['size'])} each",
            table(["eyes in a batch", "ms p50", "ms p99", "against one"], eyes),
            "### With styles, two eyes",
            "A style is an input of the network: nothing is compiled for it. *Compilations* are those that all three "
            "rows caused together.",
            table(["", "ms p50", "ms p99", "against one style", "compilations"], styles),
        ]
    )


def slope(rows: list[dict[str, Any]]) -> float:
    """The exponent e of time = c * pixels^e by least squares in logarithms."""
    points = [(math.log(math.prod(row["size"])), math.log(row["ms_p50"])) for row in rows]
    x_mean, y_mean = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread


def gpu_section(measured: dict[str, Any] | None, largest: list[int]) -> str:
    """What is asked of a GPU: figures where one measured them, empty cells where none was at hand."""
    sizes = measured["sizes"] if measured else []
    runs = [(size, run) for size in sizes for run in size["ours"] if run["device"] != "cpu"]
    rows = [
        [size["name"], runs_in(run), _SOURCES[run["source"]], figures(run["display_fps"]),
         figures(run["stylized_fps"]), figures(run["age_ms"]["p50"]), number(run.get("host_bytes_per_frame"), 0)]
        for size, run in runs
    ]  # fmt: skip
    nobody = "No GPU was at hand when this page was written: the cells are empty, and nothing in them is estimated."
    found = f"Measured on {measured['measured_on']['gpu']}." if runs and measured else nobody
    if runs and not any(size["size"] == largest for size, _ in runs):
        found += f" {by(largest)} was not measured there."
    headings = ["picture", "runs in", "source", "shown a second", "painted a second", "capture to composite ms p50",
                "host bytes moved a frame"]  # fmt: skip
    alone = [
        [by(network["size"]), str(network["batch"]), runs_in(network), number(network["ms"]["p50"], 2),
         number(network["ms"]["p99"], 2)]
        for size in sizes for network in size["networks"] if network["device"] != "cpu"
    ]  # fmt: skip
    return "\n\n".join(
        [
            "## With a GPU",
            f"`artem-vr preview` by `benchmarks/pipelines.py` on a machine with an NVIDIA GPU. {found} Pictures are a"
            " simulated camera's, so no more than it takes can be painted.",
            table(headings, rows or [[by(largest), "cuda-graph f16 on cuda", "", "", "", "", ""]]),
            *(
                [
                    "The network alone there, bytes in and bytes out:",
                    table(["picture", "batch", "runs in", "ms p50", "ms p99"], alone),
                ]
                if alone
                else []
            ),
        ]
    )
