"""Measures what running the stages of a frame beside each other saves.

`python benchmarks/overlap.py [--json overlap.json] [--quick]`        a minute on two cores

The same program runs in two ways, in turns, each in a process of its own:

  live: the display's loop, the network and the source's decoder on threads of their own;
  one after the other: `--fps`, a simulated clock. Each frame waits for its own painting, and for its own picture.

The live loop's time is compared with two things: with the loop that runs one after the other, which really did so; and
with the sum of the live run's stages (medians, waiting left out), which is what they would take if nothing ran beside
them at the speed that they had beside each other. With few cores the latter is the larger: stages that share a core
slow each other down. A live loop may show a frame with the paint of the one before, so the time from one painting to
the next is given, too.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from measured_on import measured_on, parser, write_figures
from preview_run import run_preview, sources

WAITING = {"wait", "wait for paint"}


@dataclass(frozen=True, slots=True)
class OverlapPlan:
    """`size` is that of the whole picture, both eyes; `frames` those of one run."""

    size: tuple[int, int] = (1280, 720)
    sources: tuple[str, ...] = ("scene", "pictures")
    rounds: int = 2
    frames: int = 60


QUICK = OverlapPlan(size=(128, 64), sources=("pictures",), rounds=1, frames=6)


def measure(plan: OverlapPlan, say: Callable[[str], None]) -> dict[str, Any]:
    """All runs, summed up by source."""
    facts = measured_on()
    width, height = plan.size
    rows = []
    with sources((width // 2, height)) as known:
        for name in plan.sources:
            runs: dict[str, list[dict[str, Any]]] = {"live": [], "in turn": []}
            for _ in range(plan.rounds):
                for kind, extra in (("live", ()), ("in turn", ("--fps", "24"))):
                    say(f"{name}: {kind}")
                    run = run_preview(plan.frames, f"{width}x{height}", *known[name], *extra)
                    runs[kind].append(run.stats)
            rows.append({"source": name, **sum_up(runs["live"], runs["in turn"])})
    return {"measured_on": facts, "size": [width, height], "rounds": plan.rounds, "frames": plan.frames, "rows": rows}


def sum_up(live: list[dict[str, Any]], in_turn: list[dict[str, Any]]) -> dict[str, Any]:
    """Loop times in milliseconds, medians over the runs, and their ratios; see the module's docstring."""
    loop = median(1e3 / run["display_fps"] for run in live)
    sequential = median(1e3 / run["display_fps"] for run in in_turn)
    stages = median(stages_sum(run) for run in live)
    rates = [run["stylized_fps"] for run in live if run["stylized_fps"] > 0]
    return {
        "live_ms": round(loop, 2),
        "painting_ms": round(median(1e3 / rate for rate in rates), 2) if rates else None,
        "in_turn_ms": round(sequential, 2),
        "stages_sum_ms": round(stages, 2),
        "live_over_in_turn": round(loop / sequential, 3),
        "live_over_stages_sum": round(loop / stages, 3),
        "engine": f"{live[0]['engine']} {live[0]['precision']}",
        "device": live[0]["device"],
        "gl_renderer": live[0]["gl_renderer"],
    }


def stages_sum(stats: dict[str, Any]) -> float:
    """What the stages of one frame take at the median, without those that only wait."""
    return sum(float(ms["p50"]) for name, ms in stats["stages_ms"].items() if name not in WAITING)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__).parse_args(arguments)
    figures = measure(QUICK if options.quick else OverlapPlan(), lambda line: print(line, file=sys.stderr))
    write_figures({**figures, "quick": options.quick}, options.json)


if __name__ == "__main__":
    main()
