"""Measures the running preview, its memory, and the start of the program.

`python benchmarks/preview.py [--json preview.json] [--frames 300] [--size 1280x720] [--quick]`

The preview runs as a person would start it, headless on the built-in scene, in a process of its own.
"""

import subprocess
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from measured_on import ROOT, measured_on, parser, write_figures
from preview_run import PROGRAM, run_preview

HELP_RUNS = 10


def help_seconds(runs: int) -> list[float]:
    """How long `artem-vr --help` takes, several times, after one run that fills the caches."""
    times = []
    for _ in range(1 + runs):
        start = time.perf_counter()
        subprocess.run([*PROGRAM, "--help"], check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - start)
    return times[1:]


def measure(frames: int, size: str, help_runs: int = HELP_RUNS) -> dict[str, Any]:
    """The preview's own figures (docs/stats.md), the most memory that it held, and how long `--help` takes."""
    facts = measured_on()
    run = run_preview(frames, size)
    return {
        "measured_on": facts,
        "size": size,
        "stats": run.stats,
        "peak_gigabytes": round(run.peak_gigabytes, 3),
        "help_seconds": round(median(help_seconds(help_runs)), 4),
        "help_runs": help_runs,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--frames", type=int, default=300)
    options_of.add_argument("--size", default="1280x720", help="of the whole picture, both eyes")
    options = options_of.parse_args(arguments)
    frames, size, help_runs = (3, "128x64", 1) if options.quick else (options.frames, options.size, HELP_RUNS)
    write_figures({**measure(frames, size, help_runs), "quick": options.quick}, options.json)


if __name__ == "__main__":
    main()
