"""Figures of a run."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from artem_vr.errors import DisplayError
from artem_vr.gl.timer import GpuSpan
from artem_vr.stats import RunStats, write_json
from artem_vr.stylizer import Painting

DOCUMENTATION = (Path(__file__).parents[1] / "docs" / "stats.md").read_text("utf-8")


def test_every_figure_is_explained_in_the_documentation():
    stats = RunStats()
    stats.add("network", 1.0)
    stats.gpu_worked(GpuSpan("network", 0.0, 1.0))
    report = stats.report({})
    inner = {key for value in report.values() if isinstance(value, dict) for key in value} - {"network"}
    assert inner == {"p50", "p99", "max"}
    assert [key for key in report if f"| `{key}` |" not in DOCUMENTATION] == []
    assert [key for key in inner if f"`{key}`" not in DOCUMENTATION] == []


def test_rates_count_intervals_not_frames(monkeypatch):
    stats = RunStats()
    times = iter([10.0, 10.5, 11.0])
    monkeypatch.setattr("artem_vr.stats.time.monotonic", lambda: next(times))
    first, second = object(), object()
    for painting in (first, first, second):
        stats.frame_shown(painting, 0.02, 1)
    report = stats.report({"engine": "torch"})
    assert report["display_fps"] == 2.0 and report["stylized_fps"] == 1.0
    assert report["age_ms"]["p50"] == 20.0 and report["age_frames"]["max"] == 1
    assert report["engine"] == "torch"


def test_stages_are_percentiles():
    stats = RunStats()
    for value in range(1, 101):
        stats.add("network", value)
    with stats.stage("compose"):
        pass
    stages = stats.report({})["stages_ms"]
    assert stages["network"]["p50"] == 50.5 and 98 < stages["network"]["p99"] <= 100
    assert stages["compose"]["p50"] >= 0


class StageList:
    """In place of a GPU timer: the stages it was to time, and how often a frame ended."""

    def __init__(self):
        self.stages, self.frames = [], 0

    @contextmanager
    def stage(self, name):
        self.stages.append(name)
        yield

    def end_frame(self):
        self.frames += 1


def test_only_stages_that_draw_are_timed_on_the_gpu():
    stats = RunStats()
    stats.gpu = StageList()
    for _ in range(2):
        with stats.frame():
            with stats.stage("wait"):
                pass
            with stats.stage("compose", draws=True):
                pass
    assert stats.gpu.stages == ["compose", "compose"] and stats.gpu.frames == 2
    assert stats.report({})["stages_ms"].keys() == {"wait", "compose"}


def test_the_gpus_times_are_reported_beside_the_wall_clock():
    stats = RunStats()
    assert stats.report({})["gpu_ms"] == {}
    for milliseconds in (1, 2, 3):
        stats.gpu_worked(GpuSpan("compose", 10.0, 10.0 + milliseconds / 1e3))
        stats.painted(Painting(None, 0.0, 1.0, 10.0 * milliseconds))
    stats.painted(Painting(None, 0.0, 1.0, None))  # an engine that does not tell
    report = stats.report({})
    assert report["gpu_ms"]["compose"]["p50"] == 2.0 and report["gpu_ms"]["network"]["p50"] == 20.0
    assert report["stages_ms"] == {}


def test_a_run_without_frames_has_zero_rates():
    report = RunStats().report({})
    assert report["frames"] == 0 and report["display_fps"] == 0.0


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "s.json"
    write_json({"a": 1}, path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]
    with pytest.raises(DisplayError, match="cannot write"):
        write_json({}, path / "below a file.json")
