"""Writes benchmarks/RESULTS.md from what the other programs in this folder measured.

`python benchmarks/results_page.py [--folder benchmarks] [--page benchmarks/RESULTS.md]`

Every figure comes from a JSON file in the folder; a section whose file is missing is left out:

  bench.json      artem-vr bench --json             pipelines.json  pipelines.py
  bench_swift.json  the same with --model swift
  preview.json    preview.py                        growth.json     growth.py
  headset.json    headset_pace.py                   overlap.json    overlap.py
  foveated.json   foveated.py
  gpu.json, foveated_gpu.json  pipelines.py and foveated.py on a machine with a GPU, copied here, where this has none
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foveated_section import foveated_section
from page_tables import figures, machine, number, table
from pipeline_sections import gpu_section, growth_section, overlap_section, pipelines_section

from artem_vr.media.pending_file import PendingFile

HERE = Path(__file__).resolve().parent
NAMES = (
    "pipelines",
    "overlap",
    "growth",
    "bench",
    "bench_swift",
    "preview",
    "foveated",
    "headset",
    "gpu",
    "foveated_gpu",
)
LARGEST = [2064, 2208]
_HEADSET_RUNS = {"off": "no stylization", "painted": "the shipped bank", "slow": "an engine that sleeps 300 ms"}


def page(measured: dict[str, Any]) -> str:
    """The page of what is there, by the names of the files."""
    known = [measured[name] for name in ("pipelines", "preview", "growth", "overlap") if name in measured]
    facts = [each["measured_on"] for each in known]
    parts = ["# Measured", "Written by `make bench`."]
    parts += [machine(facts[0])] if facts else []
    if any(each["quick"] for each in known):
        parts.append("**Some of these figures were taken with `--quick`, at tiny sizes: they mean nothing.**")
    sections: dict[str, Callable[[Any], str]] = {
        "pipelines": pipelines_section,
        "overlap": overlap_section,
        "growth": growth_section,
        "bench": networks_section,
        "bench_swift": swift_section,
        "preview": preview_section,
        "foveated": foveated_section,
        "headset": headset_section,
    }
    for name, section in sections.items():
        if name in measured:
            parts.append(section(measured[name]))
            parts += _elsewhere(measured[name], facts)
    on_gpu = [
        measured[name] for name in ("pipelines", "gpu") if name in measured and measured[name]["measured_on"]["gpu"]
    ]
    parts.append(gpu_section(on_gpu[0] if on_gpu else None, LARGEST))
    parts += [machine(on_gpu[0]["measured_on"])] if on_gpu else []
    if "foveated_gpu" in measured:
        parts += [foveated_section(measured["foveated_gpu"]), machine(measured["foveated_gpu"]["measured_on"])]
    return "\n\n".join(parts) + "\n"


def _elsewhere(measured: Any, facts: list[dict[str, Any]]) -> list[str]:
    """A line of its own where a section was measured from another commit or on another machine than the page says."""
    own = measured.get("measured_on") if isinstance(measured, dict) else None
    if own is None or "commit" not in own:  # bench.json has none, headset.json one for each of its parts
        return []
    same = all(own[key] == facts[0][key] for key in ("commit", "processor", "cores", "gpu"))
    return [] if same else [f"This section: {machine(own)}"]


def preview_section(measured: dict[str, Any]) -> str:
    """The preview's figures beside what is asked of them."""
    stats = measured["stats"]
    ages = stats["age_frames"]
    width, height = stats["net_size"]
    rows = [
        ["frames shown a second", f"{stats['display_fps']:.1f}", "20", "60"],
        ["frames painted a second", f"{stats['stylized_fps']:.1f}", "", ""],
        ["age of the paint in source frames, p50 / p99 / most", f"{ages['p50']:g} / {ages['p99']:g} / {ages['max']:g}",
         "3", ""],
        ["age of the paint, p50 / p99", f"{stats['age_ms']['p50']:.0f} / {stats['age_ms']['p99']:.0f} ms", "", ""],
        ["peak memory", f"{measured['peak_gigabytes']:.2f} GB", "1.5 GB", "0.7 GB"],
        [f"`artem-vr --help`, median of {measured['help_runs']}", f"{measured['help_seconds']:.3f} s", "0.3 s", ""],
    ]  # fmt: skip
    stages = [[name, f"{ms['p50']:.2f}", f"{ms['p99']:.2f}"] for name, ms in stats["stages_ms"].items()]
    return "\n\n".join(
        [
            "## Preview",
            f"`artem-vr preview --headless --source scene --size {measured['size']} --frames {stats['frames']}`: "
            f"{width}x{height} an eye in {stats['engine']} on {stats['device']}, drawn by {stats['gl_renderer']}.",
            table(["", "measured", "asked at least", "aim"], rows),
            table(["stage", "ms p50", "ms p99"], stages),
        ]
    )


def network_table(rows: list[dict[str, Any]]) -> str:
    """The rows of `artem-vr bench --json`."""
    lines = []
    for row in rows:
        limit, bandwidth = row.get("limit_ms"), row.get("gigabytes_a_second")
        lines.append(
            [row["name"], f"{row['engine']} {row['precision']} on {row['device']}",
             "" if bandwidth else f"{row['batch']} x {row['width']}x{row['height']}",
             number(row["ms_p50"], 2), number(row["ms_p99"], 2),
             f"{bandwidth:.0f} GB/s" if bandwidth else number(row["gflops"], 0), number(row["fraction_of_peak"], 2),
             figures(limit), row.get("bound_by") or "", number(row["ms_p50"] / limit, 2) if limit else "",
             figures(row.get("layerwise_ms")), number(row["speedup_over_naive"], 1)]
        )  # fmt: skip
    headings = ["what", "runs in", "size", "ms p50", "ms p99", "GFLOP/s", "of peak", "limit ms", "bound by",
                "times the limit", "memory without fusion ms", "times naive"]  # fmt: skip
    return table(headings, lines)


def stereo_rate(rows: list[dict[str, Any]]) -> str:
    """Both eyes at 640x480 each, the network alone, in every precision."""
    rates = [
        f"{row['engine']} {row['precision']} on {row['device']}: {1e3 / row['ms_p50']:.1f}"
        for row in rows
        if (row["batch"], row["width"], row["height"]) == (2, 640, 480)
    ]
    what = "Both eyes at 640x480 each, stereo pictures a second, the network alone (asked 60, aim 120)"
    return f"{what}: {', '.join(rates)}."


def swift_section(rows: list[dict[str, Any]]) -> str:
    """The same of the faster bank."""
    return "\n\n".join(
        [
            "## The swift bank",
            "`artem-vr bench --model swift`, in a run of its own: the same painters in two thirds of the arithmetic.",
            network_table(rows),
            stereo_rate(rows),
        ]
    )


def networks_section(rows: list[dict[str, Any]]) -> str:
    """What the bank's network takes, and the limits of the machine."""
    has_int8_peak = any(row["name"] == "matmul-peak" and row["precision"] == "int8" for row in rows)
    return "\n\n".join(
        [
            "## Networks and the machine's limits",
            "`artem-vr bench`: all rows taken in turns in one run. `matmul-peak` is the fastest square matrix product "
            "of PyTorch and OpenVINO in that precision, `memory-peak` the faster of a copy and a triad over arrays "
            "larger than any cache, on all cores; `naive` is the published transformer network in eager float32 with "
            "conversions on the host, without a camera. GFLOP/s counts two operations for each multiply-and-add of the "
            "convolutions. *Limit* is the longer of two times that no program can beat at these rates: the operations "
            "at the matrix product's rate, and the bytes that must move at the memory's, if everything between the "
            "pixels that come in and those that go out stayed in caches (weights and pixels once). *Memory without "
            "fusion* is what moving every layer's input and output once would take; caches may make it less. "
            + _about_int8(has_int8_peak)
            + " Asked: 50 times naive at 640x480 (aim 100), half of the peak (aim 0.8).",
            network_table(rows),
            stereo_rate(rows),
        ]
    )


def _about_int8(has_peak: bool) -> str:
    if not has_peak:
        return "No product of bytes could be measured here, so that int8 has no share of a peak."
    return (
        "The peak in int8 is that of products of bytes; in int8 the network still computes what lies between its "
        "convolutions, and those that were not calibrated, in floating point."
    )


def headset_section(measured: dict[str, Any]) -> str:
    """What `benchmarks/headset_pace.py --json` wrote, as tables."""
    parts = [
        "## Headset",
        "`benchmarks/headset_pace.py`: `artem-vr vr` on Monado, the OpenXR runtime in software, which draws on the "
        "same cores. Runs of each kind in turns, without each run's first fifth. Asked: with the sleeping engine a p99 "
        "within 10 % of that without stylization, and a first painted frame within 5 s with a warm cache.",
    ]
    taken = measured.get("measured_on", {})
    for mode in (name for name in measured if name not in {"soak", "measured_on"}):
        parts += [*_pace(mode, measured[mode]), *_taken(taken.get(mode))]
    if "soak" in measured:
        soak = measured["soak"]
        parts.append(f"Soak, null compositor, {soak['seconds']:.0f} s, {soak['frames']} frames:")
        rows = [
            [name, f"{part['megabytes']:.1f}", f"{part['ms_p50']:.1f}", f"{part['ms_p99']:.1f}"]
            for name, part in (("second tenth", soak["first"]), ("last tenth", soak["last"]))
        ]
        parts += [table(["", "memory MB", "frame ms p50", "p99"], rows), *_taken(taken.get("soak"))]
    return "\n\n".join(parts)


def _pace(mode: str, kinds: dict[str, Any]) -> list[str]:
    eye, off, painted = kinds["off"]["eye_size"], kinds["off"], kinds["painted"]
    rows = [
        [_HEADSET_RUNS[kind], f"{run['fps']:.1f}", f"{run['painted_fps']:.1f}", f"{run['ms_p50']:.1f}",
         f"{run['ms_p99']:.1f}", f"{run['ms_p99'] / off['ms_p99']:.2f}"]
        for kind, run in kinds.items()
    ]  # fmt: skip
    return [
        f"{'Windowed' if mode == 'window' else 'Null'} compositor, two eyes of {eye[0]}x{eye[1]}, painted at "
        f"{painted['net_size'][0]}x{painted['net_size'][1]}, {painted['engine']}, {off['gl_renderer']}. "
        f"From the start of the program to the first painted frame: {painted['first_painted_s']:.1f} s.",
        table(["", "shown a second", "painted a second", "frame ms p50", "p99", "p99 against off"], rows),
    ]


def _taken(facts: dict[str, Any] | None) -> list[str]:
    return [f"Measured {facts['date']}, commit {facts['commit']}."] if facts else ["Measured at an earlier commit."]


def read_figures(folder: Path) -> dict[str, Any]:
    """What was measured, by the names of the files that are there."""
    paths = {name: folder / f"{name}.json" for name in NAMES}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE, help="where the JSON files are")
    parser.add_argument("--page", type=Path, default=HERE / "RESULTS.md", help="what is written")
    options = parser.parse_args(arguments)
    measured = read_figures(options.folder)
    if not measured:
        parser.error(f"{options.folder} holds no figures: run `make bench`")
    with PendingFile(options.page) as pending:
        pending.path.write_text(page(measured), encoding="utf-8")
        pending.commit()
    print(f"wrote {options.page}")


if __name__ == "__main__":
    main()
