"""Measures the networks on this machine against the pipeline of the tutorials and against a matrix product.

Everything runs in turns, round after round, so that whatever else the machine does meets all of them alike. Import
this module late: it needs torch.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from artem_vr.arithmetic import GPU_MATMUL_SIZES, MATMUL_SIZES, count_flops, fastest_matmuls
from artem_vr.bench_report import MEMORY, NAIVE, PEAK, BenchReport, BenchRow, render
from artem_vr.engines.loading import load_network
from artem_vr.memory_traffic import COPIED_MEGABYTES, Traffic, count_traffic, memory_streams
from artem_vr.nets import johnson
from artem_vr.offered_engines import Offered, host_precisions, open_offered
from artem_vr.ports import Engine
from artem_vr.styles import StyleBank

__all__ = [
    "NAIVE", "PEAK", "BenchPlan", "BenchReport", "BenchRow", "Subject", "naive_paint", "naive_subject",
    "network_subjects", "render", "run_bench",
]  # fmt: skip

Progress = Callable[[int, int], None]
"""Told the steps done and the steps in all."""

SHAPES = ((1, 480, 640), (2, 352, 320), (2, 480, 640))
"""Batch, height and width of what is measured: one picture, two eyes as `preview` paints them, two larger eyes."""

NAIVE_SHAPE = SHAPES[0]
_SECONDS_A_TURN = 0.25
_MOST_CALLS_A_TURN = 400


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What a bench measures, and how often. The defaults take a minute or two on two quiet cores."""

    shapes: Sequence[tuple[int, int, int]] = SHAPES
    rounds: int = 6
    naive_width: int = 32
    matmul_sizes: tuple[int, ...] = MATMUL_SIZES
    copied_megabytes: int = COPIED_MEGABYTES


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to be measured. `run` does it once, synchronously.

    `flops` is its arithmetic (see `count_flops`), `traffic` what it moves, `bytes_moved` that of a mere copy.
    """

    name: str
    engine: str
    device: str
    precision: str
    shape: tuple[int, int, int]
    flops: int
    run: Callable[[], Any]
    traffic: Traffic | None = None
    bytes_moved: int = 0


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
        offered = Offered(list(engines)) if engines is not None else open_offered(bank, stack)
        subjects = _limit_subjects(plan, {engine.device for engine in offered.engines} | {"cpu"})
        report(1, steps)
        subjects.append(naive_subject(plan.naive_width))
        subjects += network_subjects(bank, offered.engines, plan.shapes)
        turns: list[list[float]] = [[] for _ in subjects]
        for subject in subjects:
            subject.run()  # compiles
        for done in range(plan.rounds):
            report(2 + done, steps)
            for subject, seconds in zip(subjects, turns, strict=True):
                seconds += _take_turn(subject.run)
        report(steps, steps)
    return BenchReport(_rows(subjects, turns), offered.skipped)


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
    empty = torch.zeros(1, 3, height, wide)
    return Subject(
        *(NAIVE, "torch", "cpu", "f32", (1, height, wide), count_flops(network, empty, style_1D)),
        run=lambda: naive_paint(network, style_1D, frame_HWC),
        traffic=count_traffic(network, empty, style_1D),
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
        inputs = torch.zeros(batch, 3, height, width), torch.from_numpy(styles_ED)
        flops, traffic = count_flops(network, *inputs), count_traffic(network, *inputs)
        pixels_EHWC = _noise((batch, height, width, 3))
        for engine in engines:
            run = _painting(engine, pixels_EHWC, styles_ED)
            subjects.append(Subject(name, engine.name, engine.device, engine.precision, shape, flops, run, traffic))
    return subjects


def _painting(engine: Engine, pixels_EHWC: NDArray[np.uint8], styles_ED: NDArray[np.float32]) -> Callable[[], Any]:
    return lambda: engine.paint(pixels_EHWC, styles_ED)


def _limit_subjects(plan: BenchPlan, devices: set[str]) -> list[Subject]:
    subjects = []
    for device in sorted(devices):
        on_gpu = device != "cpu"
        sizes = GPU_MATMUL_SIZES if on_gpu else plan.matmul_sizes
        for precision in (["f32", "bf16", "f16"] if on_gpu else host_precisions()) + ["int8"]:
            subjects += [
                Subject(PEAK, each.runtime, device, precision, (1, each.size, each.size), each.flops, each.run)
                for each in fastest_matmuls(precision, sizes, device)
            ]
        subjects += [
            Subject(
                *(MEMORY, f"torch {each.name}", device, "f32", (1, plan.copied_megabytes, 2**18), 0),
                run=each.run,
                bytes_moved=each.bytes_moved,
            )
            for each in memory_streams(device, plan.copied_megabytes)
        ]
    return subjects


def _take_turn(run: Callable[[], Any]) -> list[float]:
    run()  # wakes this runtime's threads and lets the ones of the turn before fall asleep
    seconds: list[float] = []
    while not seconds or (sum(seconds) < _SECONDS_A_TURN and len(seconds) < _MOST_CALLS_A_TURN):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


@dataclass(frozen=True, slots=True)
class _Limits:
    """What the yardsticks came to: operations a second, bytes a second, and the naive pipeline's seconds a picture."""

    rates: dict[tuple[str, str], float]
    bandwidths: dict[str, float]
    naive: dict[tuple[int, ...], float]

    def apply(self, subject: Subject) -> dict[str, Any]:
        """The fields of a row that say how long its subject would take at the machine's limits, where measured."""
        rate = self.rates.get((subject.device, subject.precision))
        bandwidth = self.bandwidths.get(subject.device)
        if subject.traffic is None or rate is None or bandwidth is None:
            return {}
        bounds = {
            "arithmetic": subject.flops / rate,
            "memory": subject.traffic.fused_bytes(subject.precision) / bandwidth,
        }
        binding = max(bounds, key=lambda name: bounds[name])
        return {
            "limit_ms": round(bounds[binding] * 1e3, 4),
            "bound_by": binding,
            "layerwise_ms": round(subject.traffic.layerwise_bytes(subject.precision) / bandwidth * 1e3, 4),
        }


def _limits(measured: Sequence[tuple[Subject, Sequence[float], float]]) -> _Limits:
    limits = _Limits({}, {}, {})
    for subject, _, median in measured:
        if subject.name == PEAK:
            which = subject.device, subject.precision
            limits.rates[which] = max(limits.rates.get(which, 0.0), subject.flops / median)
        elif subject.name == MEMORY:
            rate = subject.bytes_moved / median
            limits.bandwidths[subject.device] = max(limits.bandwidths.get(subject.device, 0.0), rate)
        elif subject.name == NAIVE:
            limits.naive[subject.shape[1:]] = median / subject.shape[0]
    return limits


def _rows(subjects: Sequence[Subject], turns: Sequence[Sequence[float]]) -> list[BenchRow]:
    measured = [(subject, seconds, float(np.median(seconds))) for subject, seconds in zip(subjects, turns, strict=True)]
    limits = _limits(measured)
    rows = []
    for subject, seconds, median in measured:
        rate, bandwidth = subject.flops / median, subject.bytes_moved / median
        peak = None if subject.name == MEMORY else limits.rates.get((subject.device, subject.precision))
        if subject.name == PEAK and rate < limits.rates[subject.device, subject.precision]:
            continue  # the other runtime's product is faster
        if subject.name == MEMORY and bandwidth < limits.bandwidths[subject.device]:
            continue
        batch, height, width = subject.shape
        plain = limits.naive.get((height, width)) if subject.name not in {PEAK, MEMORY} else None
        rows.append(
            BenchRow(
                *(subject.name, subject.engine, subject.device, subject.precision, height, width, batch),
                ms_p50=round(median * 1e3, 4),
                ms_p99=round(float(np.percentile(seconds, 99)) * 1e3, 4),
                gflops=round(rate / 1e9, 2),
                fraction_of_peak=None if peak is None else round(rate / peak, 4),
                speedup_over_naive=None if plain is None else round(plain / (median / batch), 2),
                gigabytes_a_second=round(bandwidth / 1e9, 2) if subject.bytes_moved else None,
                **limits.apply(subject),
            )
        )
    return rows


def _noise(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)
