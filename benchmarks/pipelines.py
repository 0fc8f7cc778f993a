"""Measures the whole pipeline, camera to screen: the tutorials', its usual remedies, and this project's.

`python benchmarks/pipelines.py [--json pipelines.json] [--quick]`        five minutes on two cores

What is measured at each size (one picture of 640x480, then two eyes of three headsets), in turns:

  the tutorials' pipeline (benchmarks/tutorial.py) with a simulated camera of 30 frames a second, stage by stage, as it
    is, and with its remedies, each on top of those before; on a GPU where there is one. Where a frame takes many
    seconds, the naive pipeline and all remedies together are measured alone, once and without a warm-up;
  this project's, `artem-vr preview --headless` in a process of its own: on the scene that OpenGL draws, on pictures
    that are decoded all the time as a camera's are, and on a still one, which is painted once;
  the network alone, bytes in and bytes out, in every engine and precision that this machine has: at the size that the
    preview paints an eye at, and at the eye's full size.

`python benchmarks/results_page.py` makes the page of it, `python benchmarks/pipeline_plot.py` the picture.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from measured_on import gpu_name, measured_on, parser, write_figures
from preview_run import run_preview, sources
from simulated_camera import FPS, SimulatedCamera
from tutorial import STAGES, Step, TutorialPipeline, ladder

from artem_vr.config import default_net_size
from artem_vr.errors import ArtemError
from artem_vr.offered_engines import Offered, open_offered
from artem_vr.ports import Engine
from artem_vr.styles import StyleBank

LARGEST = (2064, 2208)
_MOST_CALLS = 50


@dataclass(frozen=True, slots=True)
class SizePlan:
    """What is measured at one size, and how often. `size` is (width, height) of one eye.

    `every_remedy`: else the first and the last rung alone. `warm`: an unmeasured frame before each turn. `shown`:
    frames of a run of the preview by source, some four seconds. `engines`: the preview runs in every engine, not in the
    default alone. `network_seconds`: how long a network alone is taken in a turn.
    """

    eyes: int
    size: tuple[int, int]
    every_remedy: bool
    rounds: int
    frames: int
    warm: bool
    shown: dict[str, int]
    engines: bool = False
    network_seconds: float = 0.4

    @property
    def name(self) -> str:
        """As tables name it."""
        return ("" if self.eyes == 1 else f"{self.eyes} x ") + f"{self.size[0]}x{self.size[1]}"


PLAN = (
    SizePlan(1, (640, 480), True, 2, 2, True, {"scene": 90, "still": 300, "pictures": 300}),
    SizePlan(2, (1080, 1200), True, 1, 1, False, {"scene": 55, "still": 180, "pictures": 180}, engines=True),
    SizePlan(2, (1440, 1600), False, 1, 1, False, {"scene": 32, "still": 110, "pictures": 110}),
    SizePlan(2, LARGEST, False, 1, 1, False, {"scene": 24, "still": 64, "pictures": 64}),
)
QUICK = (SizePlan(2, (64, 48), True, 1, 1, False, {"pictures": 3}, network_seconds=0.01),)
"""For tests: nothing that it says means anything."""

Say = Callable[[str], None]


def measure(plan: Sequence[SizePlan], say: Say, width: int = 32) -> dict[str, Any]:
    """All sizes of the plan; `width` is that of the tutorials' network. `say` is told what comes."""
    figures: dict[str, Any] = {"measured_on": measured_on(), "camera_fps": FPS}
    device = "cpu" if gpu_name() is None else "cuda"
    bank = StyleBank.load(None)
    for step in ladder():  # PyTorch's threads and kernels wake up here, and not in the first frame of the naive one
        pipeline = TutorialPipeline(step, [SimulatedCamera((64, 64))], device, width)
        pipeline.frame()
        pipeline.close()
    with ExitStack() as stack:
        offered = open_offered(bank, stack)
        sizes = [_measure_size(each, device, offered, bank, say, width) for each in plan]
    return {**figures, "tutorial_device": device, "skipped": offered.skipped, "sizes": sizes}


def _measure_size(
    plan: SizePlan, device: str, offered: Offered, bank: StyleBank, say: Say, width: int
) -> dict[str, Any]:
    steps = [step for step in ladder() if plan.eyes > 1 or step.key != "both_eyes"]
    if not plan.every_remedy and device == "cpu":
        steps = [steps[0], steps[-1]]
    cameras = [SimulatedCamera(plan.size, seed=10 * eye) for eye in range(plan.eyes)]
    rungs = [_Rung(step, cameras, device, width, plan) for step in steps]
    networks = [_Network(engine, bank, plan, size) for size in _net_sizes(plan) for engine in offered.engines]
    turns: list[_Rung | _Network] = [*rungs, *networks]
    for _ in range(plan.rounds):
        for turn in list(turns):
            say(f"{plan.name}: {turn.title}")
            try:
                turn.take()
            except ArtemError as error:  # one engine that fails at one size must not lose the figures of all others
                offered.skipped.append(f"{plan.name}, {turn.title}: {error}")
                turns.remove(turn)
    ours = _previews(plan, offered, say)
    return {
        "name": plan.name, "eyes": plan.eyes, "size": list(plan.size),
        "tutorial": [rung.figures() for rung in rungs],
        "networks": [network.figures() for network in networks if network in turns],
        "ours": ours,
    }  # fmt: skip


def _net_sizes(plan: SizePlan) -> list[tuple[int, int]]:
    return list(dict.fromkeys([default_net_size(plan.size), plan.size]))


class _Rung:
    """A rung's frames, taken a few a turn. The network is made anew each turn, so that memory holds but one."""

    def __init__(self, step: Step, cameras: list[SimulatedCamera], device: str, width: int, plan: SizePlan) -> None:
        self._step, self._cameras, self._device, self._width, self._plan = step, cameras, device, width, plan
        self.title = step.title
        self._frames: list[dict[str, float]] = []
        self._seconds: list[float] = []
        self._precision = ""

    def take(self) -> None:
        pipeline = TutorialPipeline(self._step, self._cameras, self._device, self._width)
        self._precision = pipeline.precision
        try:
            if self._plan.warm or self._device != "cpu":
                pipeline.frame()
            for _ in range(self._plan.frames if self._device == "cpu" else 30):
                started = time.perf_counter()
                self._frames.append(pipeline.frame())
                self._seconds.append(time.perf_counter() - started)
        finally:
            pipeline.close()

    def figures(self) -> dict[str, Any]:
        stages = {name: [frame[name] for frame in self._frames] for name in STAGES}
        return {
            "key": self._step.key, "title": self._step.title, "precision": self._precision, "device": self._device,
            "frames": len(self._frames), "warmed": self._plan.warm or self._device != "cpu",
            "fps": round(len(self._seconds) / sum(self._seconds), 4),
            "frame_ms": round(statistics.median(self._seconds) * 1e3, 2),
            "stages_ms": {name: _percentiles(values) for name, values in stages.items()},
        }  # fmt: skip


class _Network:
    """One engine on all eyes at one size, bytes in and bytes out."""

    def __init__(self, engine: Engine, bank: StyleBank, plan: SizePlan, size: tuple[int, int]) -> None:
        self._engine, self._size, self._longest = engine, size, plan.network_seconds
        self.title = f"network alone at {size[0]}x{size[1]}, {engine.name} {engine.precision}"
        self._styles_ED = bank.styles_SD[np.arange(plan.eyes) % len(bank.styles_SD)]
        self._seconds: list[float] = []

    def take(self) -> None:
        width, height = self._size
        random = np.random.default_rng(0)
        pixels_EHWC = random.integers(0, 256, (len(self._styles_ED), height, width, 3), np.uint8)
        self._engine.paint(pixels_EHWC, self._styles_ED)  # compiles
        taken: list[float] = []
        while not taken or (sum(taken) < self._longest and len(taken) < _MOST_CALLS):
            started = time.perf_counter()
            self._engine.paint(pixels_EHWC, self._styles_ED)
            taken.append(time.perf_counter() - started)
        self._seconds += taken

    def figures(self) -> dict[str, Any]:
        return {
            "engine": self._engine.name, "device": self._engine.device, "precision": self._engine.precision,
            "size": list(self._size), "batch": len(self._styles_ED), "calls": len(self._seconds),
            "ms": _percentiles([1e3 * seconds for seconds in self._seconds]),
        }  # fmt: skip


def _previews(plan: SizePlan, offered: Offered, say: Say) -> list[dict[str, Any]]:
    width, height = plan.size
    runs = []
    with sources(plan.size) as known:
        chosen: list[tuple[str, tuple[str, ...]]] = [(source, ()) for source in plan.shown]
        on_gpu = [engine for engine in offered.engines if engine.device != "cpu"]
        for engine in offered.engines if plan.engines else on_gpu:
            device = engine.device.split(":")[0]
            options: tuple[str, ...] = ("--engine", engine.name, "--device", device, "--precision", engine.precision)
            chosen.append(("pictures", options))
        for source, options in chosen:
            say(f"{plan.name}: artem-vr preview, {source}, {' '.join(options[1::2]) or 'default engine'}")
            try:
                run = run_preview(plan.shown[source], f"{2 * width}x{height}", *known[source], *options)
            except RuntimeError as error:
                if not options:
                    raise
                offered.skipped.append(f"{plan.name}, {' '.join(options[1::2])}: {' '.join(str(error).split())}")
                continue
            kept = {key: value for key, value in run.stats.items() if key != "source"}
            runs.append(
                {**kept, "source": source, "default": not options, "peak_gigabytes": round(run.peak_gigabytes, 3)}
            )
    return runs


def _percentiles(values: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(values, (50, 99))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__).parse_args(arguments)
    torch.manual_seed(0)
    figures = measure(
        QUICK if options.quick else PLAN, lambda line: print(line, file=sys.stderr), 4 if options.quick else 32
    )
    write_figures({**figures, "quick": options.quick}, options.json)


if __name__ == "__main__":
    main()
