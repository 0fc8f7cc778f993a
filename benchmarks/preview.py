"""Measures the running preview and the start of the program, and writes benchmarks/RESULTS.md.

`python benchmarks/preview.py [--bench bench.json]`, where bench.json is what `artem-vr bench --json` wrote. The
preview runs as a person would start it, in a process of its own, so that its memory is its own too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from artem_vr.machine import processor

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PROGRAM = (sys.executable, "-m", "artem_vr")
HELP_RUNS = 10
VERSIONS = ("torch", "openvino", "moderngl", "numpy")


@dataclass(frozen=True)
class PreviewRun:
    """What a run of the preview reported, and the most memory it held."""

    stats: dict[str, Any]
    peak_gigabytes: float


def run_preview(frames: int, size: str) -> PreviewRun:
    """Runs the preview headless on the built-in scene. Raises RuntimeError with its last lines when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        command = [*PROGRAM, "preview", "--headless", "--source", "scene", "--size", size, "--frames", str(frames)]
        with (Path(folder) / "log.txt").open("w+b") as log:
            process = subprocess.Popen([*command, "--stats", str(stats)], stdout=log, stderr=log, cwd=ROOT)
            _, status, usage = os.wait4(process.pid, 0)
            log.seek(0)
            if os.waitstatus_to_exitcode(status):
                raise RuntimeError(f"the preview failed: {log.read().decode(errors='replace')[-500:]}")
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
        return PreviewRun(json.loads(stats.read_text()), usage.ru_maxrss * unit / 1e9)


def help_seconds() -> list[float]:
    """How long `artem-vr --help` takes, several times, after one run that fills the caches."""
    times = []
    for _ in range(1 + HELP_RUNS):
        start = time.perf_counter()
        subprocess.run([*PROGRAM, "--help"], check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - start)
    return times[1:]


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def preview_section(run: PreviewRun, size: str, help_times: list[float]) -> str:
    """The preview's figures beside what is asked of them."""
    stats = run.stats
    ages = stats["age_frames"]
    width, height = stats["net_size"]
    rows = [
        ["frames shown a second", f"{stats['display_fps']:.1f}", "20", "60"],
        ["frames painted a second", f"{stats['stylized_fps']:.1f}", "", ""],
        ["age of the paint in source frames, p50 / p99 / most", f"{ages['p50']:g} / {ages['p99']:g} / {ages['max']:g}",
         "3", ""],
        ["age of the paint, p50 / p99", f"{stats['age_ms']['p50']:.0f} / {stats['age_ms']['p99']:.0f} ms", "", ""],
        ["peak memory", f"{run.peak_gigabytes:.2f} GB", "1.5 GB", "0.7 GB"],
        ["`artem-vr --help`, median of 10", f"{median(help_times):.3f} s", "0.3 s", ""],
    ]  # fmt: skip
    stages = [[name, f"{ms['p50']:.2f}", f"{ms['p99']:.2f}"] for name, ms in stats["stages_ms"].items()]
    return "\n\n".join(
        [
            "## Preview",
            f"`artem-vr preview --headless --source scene --size {size} --frames {stats['frames']}`: "
            f"{width}x{height} an eye in {stats['engine']} on {stats['device']}, drawn by {stats['gl_renderer']}.",
            table(["", "measured", "asked at least", "aim"], rows),
            table(["stage", "ms p50", "ms p99"], stages),
        ]
    )


def networks_section(rows: list[dict[str, Any]]) -> str:
    """The rows of `artem-vr bench --json` as a table."""

    def number(value: float | None, digits: int) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    lines = [
        [row["name"], f"{row['engine']} {row['precision']} on {row['device']}",
         f"{row['batch']} x {row['width']}x{row['height']}", number(row["ms_p50"], 2), number(row["ms_p99"], 2),
         number(row["gflops"], 0), number(row["fraction_of_peak"], 2), number(row["speedup_over_naive"], 1)]
        for row in rows
    ]  # fmt: skip
    headings = ["what", "runs in", "size", "ms p50", "ms p99", "GFLOP/s", "of peak", "times naive"]
    return "\n\n".join(
        [
            "## Networks",
            "`artem-vr bench`: all rows taken in turns in one run. `matmul-peak` is the fastest matrix product of "
            "PyTorch and OpenVINO; `naive` is the published transformer network (32, 64, 128 channels) in eager "
            "float32 with conversions on the host. GFLOP/s counts two operations for each multiply-and-add of the "
            "convolutions. Asked: 50 times naive at 640x480 (aim 100), half of the peak (aim 0.8).",
            table(headings, lines),
        ]
    )


def headset_section(figures: dict[str, Any]) -> str:
    """What `benchmarks/headset_pace.py --json` wrote, as tables."""
    titles = {"off": "no stylization", "painted": "the shipped bank", "slow": "an engine that sleeps 300 ms"}
    parts = [
        "## Headset",
        "`benchmarks/headset_pace.py`: `artem-vr vr` on Monado, the OpenXR runtime in software, which draws on the "
        "same cores. Runs of each kind in turns, without each run's first fifth. Asked: with the sleeping engine a p99 "
        "within 10 % of that without stylization, and a first painted frame within 5 s with a warm cache.",
    ]
    for mode, kinds in figures.items():
        if mode == "soak":
            continue
        eye, off = kinds["off"]["eye_size"], kinds["off"]
        first = kinds["painted"]["first_painted_s"]
        rows = [
            [titles[kind], f"{run['fps']:.1f}", f"{run['painted_fps']:.1f}", f"{run['ms_p50']:.1f}",
             f"{run['ms_p99']:.1f}", f"{run['ms_p99'] / off['ms_p99']:.2f}"]
            for kind, run in kinds.items()
        ]  # fmt: skip
        parts += [
            f"{'Windowed' if mode == 'window' else 'Null'} compositor, two eyes of {eye[0]}x{eye[1]}, painted at "
            f"{kinds['painted']['net_size'][0]}x{kinds['painted']['net_size'][1]}, {kinds['painted']['engine']}, "
            f"{off['gl_renderer']}. From the start of the program to the first painted frame: {first:.1f} s.",
            table(["", "shown a second", "painted a second", "frame ms p50", "p99", "p99 against off"], rows),
        ]
    if "soak" in figures:
        soak = figures["soak"]
        parts.append(f"Soak, null compositor, {soak['seconds']:.0f} s, {soak['frames']} frames:")
        rows = [
            [name, f"{part['megabytes']:.1f}", f"{part['ms_p50']:.1f}", f"{part['ms_p99']:.1f}"]
            for name, part in (("second tenth", soak["first"]), ("last tenth", soak["last"]))
        ]
        parts.append(table(["", "memory MB", "frame ms p50", "p99"], rows))
    return "\n\n".join(parts)


def machine_section() -> str:
    """Where the figures come from."""
    here = processor()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
    system = " ".join(os.uname()[index] for index in (0, 2))
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d')}, commit {commit()}: {here.name}, {here.cores} cores, {system}, "
        f"Python {sys.version.split()[0]}, {versions}. Load average when measured: {load:.1f}."
    )


def commit() -> str:
    """The short hash of the commit that is checked out, marked when files differ from it."""
    found = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    return found.stdout.strip() or "unknown"


def write_results(sections: list[str], path: Path = RESULTS) -> None:
    """Writes the page to a temporary file and renames it."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text("# Measured\n\nWritten by `make bench`.\n\n" + "\n\n".join(sections) + "\n")
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--bench", type=Path, help="what `artem-vr bench --json` wrote")
    parser.add_argument("--headset", type=Path, help="what `benchmarks/headset_pace.py --json` wrote")
    arguments = parser.parse_args()
    machine = machine_section()
    run = run_preview(arguments.frames, arguments.size)
    sections = [machine, preview_section(run, arguments.size, help_seconds())]
    if arguments.bench is not None:
        sections.append(networks_section(json.loads(arguments.bench.read_text())))
    if arguments.headset is not None and arguments.headset.exists():
        sections.append(headset_section(json.loads(arguments.headset.read_text())))
    write_results(sections)
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
