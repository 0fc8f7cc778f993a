"""Measures the networks on this machine against the pipeline of the tutorials and against a matrix product.

Everything runs in turns, round after round, so that whatever else the machine does meets all of them alike. Import
this module late: it needs torch.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from artem_vr.arithmetic import MATMUL_SIZES, count_flops, fastest_matmuls
from artem_vr.engines.loading import load_network
from artem_vr.machine import processor
from artem_vr.nets import johnson
from artem_vr.ports import Engine
from artem_vr.styles import StyleBank

Progress = Callable[[int, int], None]
"""Told the steps done and the steps in all."""

SHAPES = ((1, 480, 640), (2, 352, 320), (2, 480, 640))
"""Batch, height and width of what is measured: one picture, two eyes as `preview` paints them, two larger eyes."""

NAIVE_SHAPE = SHAPES[0]
PEAK, NAIVE = "matmul-peak", "naive"
_SECONDS_A_TURN = 0.25
_MOST_CALLS_A_TURN = 400


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What a bench measures, and how often. The defaults take a minute or two on two quiet cores."""

    shapes: Sequence[tuple[int, int, int]] = SHAPES
    rounds: int = 10
    naive_width: int = 32
    matmul_sizes: tuple[int, ...] = MATMUL_SIZES


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to be measured. `run` does it once, synchronously; `flops` is its arithmetic (see `count_flops`)."""

    name: str
    engine: str
    device: str
    precision: str
    shape: tuple[int, int, int]
    flops: int
    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """What was measured of one subject. Durations in milliseconds, `gflops` is 10^9 operations a second at the median.

    `fraction_of_peak` is the rate over that of the matrix product of the same precision and round; None where no
    peak was measured (a GPU). `speedup_over_naive` is time a picture over time a picture at the same size, else None.
    """

    name: str
    engine: str
    device: str
    precision: str
    height: int
    width: int
    batch: int
    ms_p50: float
    ms_p99: float
    gflops: float
    fraction_of_peak: float | None
    speedup_over_naive: float | None


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The rows: the peaks (`matmul-peak`), the tutorials' pipeline (`naive`), then the bank's network per engine."""

    rows: list[BenchRow]

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as dictionaries with the fields of `BenchRow`, ready for JSON."""
        return [asdict(row) for row in self.rows]

    def verdict(self) -> str:
        """The result in one line."""
        compared = [row for row in self.rows if row.name not in {NAIVE, PEAK} and row.speedup_over_naive]
        best = max(compared, key=lambda row: (row.batch == 1, row.speedup_over_naive), default=None)
        if best is None:
            return "nothing was measured at the naive pipeline's size"
        share = "" if best.fraction_of_peak is None else f", {best.fraction_of_peak:.2f} of the {best.precision} peak"
        return (
            f"{best.name} in {best.engine} {best.precision} on {best.device}: {best.ms_p50:.1f} ms at "
            f"{best.width}x{best.height}, {best.speedup_over_naive:.0f} times as fast as the naive pipeline{share}"
        )


def render(report: BenchReport, console: Console) -> None:
    """Prints the rows as a table, and the verdict below it."""
    here = processor()
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("what", "runs in", "size"):
        table.add_column(heading, no_wrap=True)
    for heading in ("ms p50", "ms p99", "GFLOP/s", "of peak", "× naive"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.rows:
        runs_in = f"{row.engine} {row.precision}" + ("" if row.device == "cpu" else f" {row.device}")
        size = f"{row.width}x{row.height}" if row.batch == 1 else f"{row.batch} {row.width}x{row.height}"
        share = "" if row.fraction_of_peak is None else f"{row.fraction_of_peak:.2f}"
        speedup = "" if row.speedup_over_naive is None else f"{row.speedup_over_naive:.1f}"
        times = (_milliseconds(row.ms_p50), _milliseconds(row.ms_p99))
        table.add_row(row.name, runs_in, size, *times, f"{row.gflops:.0f}", share, speedup)
    console.print(f"{here.name}, {here.cores} cores; every row was taken in turns with the others\n")
    console.print(table)
    console.print(f"\n{report.verdict()}", soft_wrap=True)


def _milliseconds(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def run_bench(
    bank: StyleBank,
    progress: Progress | None = None,
    engines: Sequence[Engine] | None = None,
    plan: BenchPlan | None = None,
) -> BenchReport:
    """Measures `bank` in every engine this machine has (or in those given, which stay open) at the plan's shapes.

    Raises `ModelError` when the bank does not load and `EngineError` when an engine fails.
    """
    report, plan = progress or (lambda _done, _total: None), plan or BenchPlan()
    steps = plan.rounds + 2
    report(0, steps)
    with ExitStack() as stack:
        subjects = _matmul_subjects(plan.matmul_sizes)
        report(1, steps)
        subjects.append(naive_subject(plan.naive_width))
        subjects += network_subjects(bank, engines if engines is not None else _open_engines(bank, stack), plan.shapes)
        turns: list[list[float]] = [[] for _ in subjects]
        for subject in subjects:
            subject.run()  # compiles
        for done in range(plan.rounds):
            report(2 + done, steps)
            for subject, seconds in zip(subjects, turns, strict=True):
                seconds += _take_turn(subject.run)
        report(steps, steps)
    return BenchReport(_rows(subjects, turns))


def naive_paint(network: torch.nn.Module, style_1D: torch.Tensor, frame_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One frame as the tutorials paint it: eager float32, batch of one, conversions on the host, all in sequence."""
    with torch.no_grad():
        picture_CHW = torch.from_numpy(frame_HWC).permute(2, 0, 1).contiguous().float().div(255)
        painted_CHW = network(picture_CHW.unsqueeze(0), style_1D)[0].mul(255).clamp(0, 255)
        return np.ascontiguousarray(painted_CHW.numpy().transpose(1, 2, 0).astype(np.uint8))


def naive_subject(width: int = 32, shape: tuple[int, int, int] = NAIVE_SHAPE) -> Subject:
    """The published transformer network (`width` 32: 32, 64 and 128 channels) in the tutorials' pipeline.

    Weights are random: they do not change the time.
    """
    config = johnson.JohnsonConfig(width=width)
    network, style_1D = johnson.Johnson(config).eval(), johnson.initial_style(config)[None]
    _, height, wide = shape
    frame_HWC = _noise((height, wide, 3))
    flops = count_flops(network, torch.zeros(1, 3, height, wide), style_1D)
    return Subject(
        NAIVE, "torch", "cpu", "f32", (1, height, wide), flops, lambda: naive_paint(network, style_1D, frame_HWC)
    )


def network_subjects(
    bank: StyleBank, engines: Sequence[Engine], shapes: Sequence[tuple[int, int, int]] = SHAPES
) -> list[Subject]:
    """The bank's network in each engine at each (batch, height, width), bytes in and bytes out."""
    network = load_network(bank)
    name = str(bank.card.network.get("kind", bank.card.name))
    subjects = []
    for shape in shapes:
        batch, height, width = shape
        styles_ED = bank.styles_SD[np.arange(batch) % len(bank.styles_SD)]
        flops = count_flops(network, torch.zeros(batch, 3, height, width), torch.from_numpy(styles_ED))
        pixels_EHWC = _noise((batch, height, width, 3))
        for engine in engines:
            run = _painting(engine, pixels_EHWC, styles_ED)
            subjects.append(Subject(name, engine.name, engine.device, engine.precision, shape, flops, run))
    return subjects


def _painting(engine: Engine, pixels_EHWC: NDArray[np.uint8], styles_ED: NDArray[np.float32]) -> Callable[[], Any]:
    return lambda: engine.paint(pixels_EHWC, styles_ED)


def _matmul_subjects(sizes: tuple[int, ...]) -> list[Subject]:
    products = [each for precision in _host_precisions() for each in fastest_matmuls(precision, sizes)]
    return [
        Subject(PEAK, each.runtime, "cpu", each.precision, (1, each.size, each.size), each.flops, each.run)
        for each in products
    ]


def _host_precisions() -> list[str]:
    import openvino as ov

    capabilities = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ["f32", "bf16"] if "BF16" in capabilities else ["f32"]


def _open_engines(bank: StyleBank, stack: ExitStack) -> list[Engine]:
    from artem_vr.app import open_engine

    wanted = [("openvino", "cpu", precision) for precision in reversed(_host_precisions())] + [("torch", "cpu", "f32")]
    if torch.cuda.is_available():
        wanted += [("torch", "cuda", "f16"), ("torch", "cuda", "f32")]
    engines = []
    for which in wanted:
        engines.append(open_engine(bank, *which))
        stack.callback(engines[-1].close)
    return engines


def _take_turn(run: Callable[[], Any]) -> list[float]:
    run()  # wakes this runtime's threads and lets the ones of the turn before fall asleep
    seconds: list[float] = []
    while not seconds or (sum(seconds) < _SECONDS_A_TURN and len(seconds) < _MOST_CALLS_A_TURN):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def _rows(subjects: Sequence[Subject], turns: Sequence[Sequence[float]]) -> list[BenchRow]:
    measured = [(subject, seconds, float(np.median(seconds))) for subject, seconds in zip(subjects, turns, strict=True)]
    peaks: dict[str, float] = {}
    naive: dict[tuple[int, ...], float] = {}
    for subject, _, median in measured:
        if subject.name == PEAK:
            peaks[subject.precision] = max(peaks.get(subject.precision, 0.0), subject.flops / median)
        elif subject.name == NAIVE:
            naive[subject.shape[1:]] = median / subject.shape[0]
    rows = []
    for subject, seconds, median in measured:
        rate = subject.flops / median
        if subject.name == PEAK and rate < peaks[subject.precision]:
            continue  # the other runtime's product is faster
        batch, height, width = subject.shape
        peak = peaks.get(subject.precision) if subject.device == "cpu" else None
        plain = naive.get((height, width)) if subject.name != PEAK else None
        rows.append(
            BenchRow(
                *(subject.name, subject.engine, subject.device, subject.precision, height, width, batch),
                ms_p50=round(median * 1e3, 4),
                ms_p99=round(float(np.percentile(seconds, 99)) * 1e3, 4),
                gflops=round(rate / 1e9, 2),
                fraction_of_peak=None if peak is None else round(rate / peak, 4),
                speedup_over_naive=None if plain is None else round(plain / (median / batch), 2),
            )
        )
    return rows


def _noise(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)
