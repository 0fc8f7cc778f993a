"""The bench: counts of arithmetic against hand counts, and the shape and arithmetic of its report."""

import dataclasses
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from artem_vr.arithmetic import count_flops, fastest_matmuls
from artem_vr.bench import BenchPlan, BenchReport, BenchRow, naive_paint, network_subjects, render, run_bench
from artem_vr.nets import catalogue, johnson
from artem_vr.styles import ModelCard, StyleBank, StyleCard


def tiny_bank() -> StyleBank:
    shape = {"channels": 4, "deep_channels": 4, "blocks": 1, "tail_channels": 4}
    torch.manual_seed(0)
    network, initial = catalogue.build("compact", shape)
    card = ModelCard(
        name="tiny",
        network={"kind": "compact", **shape},
        styles=[StyleCard(name=name, title=name, artist="nobody", year="2000") for name in ("one", "two")],
        data="none",
        steps=0,
        pictures_seen=0,
        losses={},
        validation={},
        licence="MIT",
    )
    weights = {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}
    return StyleBank(card, weights, np.stack([initial.numpy()] * 2), Path("tiny.safetensors"))


class CountingEngine:
    name, device, precision = "counting", "cpu", "f32"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.closed = False

    def paint(self, pixels_EHWC, styles_ED):
        assert len(pixels_EHWC) == len(styles_ED)
        self.seen.append(pixels_EHWC.shape)
        time.sleep(0.002)
        return pixels_EHWC

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("layer", "shape", "multiply_adds"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 12), 10 * 12 * 8 * 3 * 9),
        (nn.Conv2d(4, 6, 5, stride=2), (2, 4, 11, 9), 2 * 4 * 3 * 6 * 4 * 25),
        (nn.Conv2d(8, 8, 3, groups=4, padding=1), (1, 8, 5, 5), 25 * 8 * 2 * 9),
        (nn.ConvTranspose2d(3, 5, 4, stride=2), (1, 3, 6, 7), 6 * 7 * 3 * 5 * 16),
        (nn.Linear(7, 5), (3, 7), 3 * 7 * 5),
    ],
)
def test_each_layer_is_counted_as_by_hand(layer, shape, multiply_adds):
    assert count_flops(layer, torch.zeros(shape)) == 2 * multiply_adds


def test_the_compact_network_is_counted_as_by_hand():
    bank = tiny_bank()
    [subject] = network_subjects(bank, [CountingEngine()], [(1, 32, 48)])
    eighth, quarter, half = 4 * 6, 8 * 12, 16 * 24
    stem, shallow, rise = quarter * 64 * 3 * 4, 2 * quarter * 9 * 4 * 4, quarter * 9 * 4 * 16
    descend, deep, ascend = eighth * 9 * 4 * 4, 2 * eighth * 9 * 4 * 4, eighth * 9 * 4 * 16
    by_hand = stem + descend + deep + ascend + shallow + rise + half * 9 * 4 * 12
    assert subject.flops == 2 * by_hand


def test_counting_leaves_no_hooks_behind():
    layer = nn.Conv2d(1, 1, 1)
    count_flops(layer, torch.zeros(1, 1, 2, 2))
    assert not layer._forward_hooks


@pytest.mark.parametrize("precision", ["f32", "int8"])
@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_the_peak_products_run_and_know_their_arithmetic(runtime, precision):
    matmul = next(each for each in fastest_matmuls(precision, sizes=(48, 64)) if each.runtime == runtime)
    assert matmul.size in (48, 64)
    assert matmul.flops == 2 * matmul.size**3
    matmul.run()


def test_the_naive_pipeline_paints_what_its_network_paints():
    config = johnson.JohnsonConfig(width=4, blocks=1)
    torch.manual_seed(1)
    network, style_1D = johnson.Johnson(config).eval(), johnson.initial_style(config)[None]
    frame_HWC = np.random.default_rng(2).integers(0, 256, (32, 48, 3), np.uint8)
    painted = naive_paint(network, style_1D, frame_HWC)
    with torch.no_grad():
        direct = network(torch.tensor(frame_HWC / 255.0, dtype=torch.float32).permute(2, 0, 1)[None], style_1D)
    expected = (direct[0].permute(1, 2, 0).clamp(0, 1) * 255).numpy()
    assert painted.dtype == np.uint8
    assert painted.std() > 1
    assert np.abs(painted - expected).max() <= 1.01  # the tutorials cut where rounding would be right


@pytest.fixture(scope="module")
def report() -> BenchReport:
    engine = CountingEngine()
    steps: list[tuple[int, int]] = []
    made = run_bench(
        tiny_bank(),
        lambda done, total: steps.append((done, total)),
        engines=[engine],
        plan=BenchPlan(
            shapes=[(1, 480, 640), (2, 32, 48)], rounds=1, naive_width=2, matmul_sizes=(64,), copied_megabytes=1
        ),
    )
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert not engine.closed, "an engine that was handed in belongs to whoever opened it"
    assert set(engine.seen) == {(1, 480, 640, 3), (2, 32, 48, 3)}
    return made


def test_the_rows_hold_what_is_documented(report):
    rows = json.loads(json.dumps(report.to_json()))
    documented = {"name", "engine", "device", "precision", "height", "width", "batch", "ms_p50", "ms_p99", "gflops",
                  "fraction_of_peak", "speedup_over_naive", "limit_ms", "bound_by", "layerwise_ms",
                  "gigabytes_a_second"}  # fmt: skip
    assert all(set(row) == documented for row in rows)
    names = [row["name"] for row in rows]
    assert names.count("naive") == 1
    assert names.count("compact") == 2
    assert names.count("memory-peak") == 1
    assert all(row["ms_p99"] >= row["ms_p50"] > 0 for row in rows)


def test_there_is_one_peak_a_precision_and_fractions_refer_to_it(report):
    peaks = {row.precision: row for row in report.rows if row.name == "matmul-peak"}
    assert len(peaks) == sum(row.name == "matmul-peak" for row in report.rows)
    assert all(row.fraction_of_peak == 1.0 for row in peaks.values())
    for row in report.rows:
        if row.name == "memory-peak":
            assert row.fraction_of_peak is None
            continue
        assert row.fraction_of_peak == pytest.approx(row.gflops / peaks[row.precision].gflops, rel=0.01, abs=0.01)


def test_the_limit_is_the_longer_of_arithmetic_and_memory(report):
    memory = next(row for row in report.rows if row.name == "memory-peak")
    peak = next(row for row in report.rows if row.name == "matmul-peak" and row.precision == "f32")
    row = next(row for row in report.rows if row.name == "compact" and row.batch == 1)
    arithmetic_ms = row.gflops * row.ms_p50 / peak.gflops
    [subject] = network_subjects(tiny_bank(), [CountingEngine()], [(1, 480, 640)])
    memory_ms = subject.traffic.fused_bytes("f32") / memory.gigabytes_a_second / 1e6
    assert row.limit_ms == pytest.approx(max(arithmetic_ms, memory_ms), rel=0.05)
    assert row.bound_by == ("arithmetic" if arithmetic_ms > memory_ms else "memory")
    assert row.layerwise_ms > memory_ms
    assert peak.limit_ms is None


def test_speedups_are_given_at_equal_sizes_only(report):
    naive = next(row for row in report.rows if row.name == "naive")
    same, other = (row for row in report.rows if row.name == "compact")
    assert naive.speedup_over_naive == 1.0
    assert same.speedup_over_naive == pytest.approx(naive.ms_p50 / same.ms_p50, rel=0.02)
    assert other.speedup_over_naive is None


def test_people_get_a_table_and_a_verdict(report):
    text = io.StringIO()
    render(report, Console(file=text, width=140))
    assert "matmul-peak" in text.getvalue()
    assert "times as fast as the naive pipeline" in text.getvalue()


def test_the_verdict_names_the_fastest_engine():
    row = BenchRow("compact", "torch", "cpu", "f32", 480, 640, 1, 20.0, 21.0, 300.0, 0.6, 30.0)
    faster = dataclasses.replace(row, engine="openvino", precision="bf16", ms_p50=6.0, speedup_over_naive=100.0)
    verdict = BenchReport([row, faster]).verdict()
    assert verdict.startswith("compact in openvino bf16 on cpu: 6.0 ms at 640x480, 100 times")
    assert BenchReport([]).verdict() == "nothing was measured at the naive pipeline's size"
