"""The measuring programs in their quick mode, and what the page and the picture make of their figures."""

import json
import re
from pathlib import Path
from typing import Any

import foveated
import growth
import measured_on
import overlap
import pipeline_plot
import pipelines
import pytest
import results_page
from banks import random_bank
from foveated_section import foveated_section
from pipeline_sections import gpu_section, slope
from preview_run import PreviewRun

from artem_vr.engines.torch import TorchEngine

STATS: dict[str, Any] = {
    "frames": 3, "seconds": 0.1, "display_fps": 20.0, "stylized_fps": 10.0,
    "stages_ms": {"wait": {"p50": 1.0, "p99": 1.0}, "source": {"p50": 30.0, "p99": 31.0},
                  "wait for paint": {"p50": 9.0, "p99": 9.0}, "network": {"p50": 45.0, "p99": 46.0}},
    "age_ms": {"p50": 90.0, "p99": 95.0}, "age_frames": {"p50": 1.0, "p99": 2.0, "max": 2},
    "engine": "openvino", "device": "cpu", "precision": "f32", "net_size": [64, 48], "eye_size": [64, 48],
    "source": "scene", "gl_renderer": "nothing",
}  # fmt: skip


PREVIEWED: dict[str, Any] = {
    "way": "evenly", "size": "128x96", "full_size": [64, 96], "pictures": 1, "shown": 12.5, "painted": 10.0,
    "age_ms": 90.0, "network_ms": 45.0, "compose_ms": 3.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the figures of quick runs are; the program itself is not started, others test that."""
    place = tmp_path_factory.mktemp("figures")
    called: list[tuple[Any, ...]] = []

    def run_preview(*arguments: Any) -> PreviewRun:
        called.append(arguments)
        simulated = "--fps" in arguments
        return PreviewRun({**STATS, "display_fps": 12.5 if simulated else 20.0}, 0.5)

    with pytest.MonkeyPatch.context() as patch:
        for module in (pipelines, overlap):
            patch.setattr(module, "run_preview", run_preview)
        for module in (pipelines, overlap, growth):
            module.main(["--quick", "--json", str(place / f"{module.__name__}.json")])
    assert [size for _, size, *_ in called] == ["128x48", "128x64", "128x64"]
    return place


def test_the_pipelines_have_every_stage_of_every_rung(folder: Path) -> None:
    [size] = json.loads((folder / "pipelines.json").read_text())["sizes"]
    assert [row["key"] for row in size["tutorial"]][:2] == ["naive", "bytes_up"]
    assert len(size["tutorial"]) == 8
    for row in size["tutorial"]:
        assert row["frames"] == 1
        total = sum(stage["p50"] for stage in row["stages_ms"].values())
        assert total == pytest.approx(row["frame_ms"], rel=0.2, abs=5)
    assert {row["engine"] for row in size["networks"]} >= {"torch", "openvino"}
    assert size["ours"][0]["source"] == "pictures"


def test_styles_compile_nothing(folder: Path) -> None:
    figures = json.loads((folder / "growth.json").read_text())
    assert [row["compilations"] for row in figures["styles"]] in ([0, 0, 0], [None] * 3)
    assert [row["batch"] for row in figures["eyes"]] == [1, 2]
    assert all(row["ms_p50"] > 0 and row["naive"]["ms_p50"] > 0 for row in figures["pixels"])


def test_foveated_painting_is_compared_with_painting_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = random_bank(tmp_path)
    monkeypatch.setattr(foveated, "open_engine", TorchEngine)  # compiles nothing
    monkeypatch.setattr(foveated.StyleBank, "load", lambda path: bank)
    monkeypatch.setattr(foveated, "STYLES", bank.names[:2])
    foveated.main(["--quick", "--json", str(tmp_path / "foveated.json")])
    figures = json.loads((tmp_path / "foveated.json").read_text())
    ways = {row["way"]: row for row in figures["network"]}
    assert [ways[way]["pictures"] for way in ("evenly", "half", "quarter")] == [2, 4, 6]
    assert [ways[way]["pixels_times"] for way in ("evenly", "half", "quarter")] == [1, 2, 5.333]
    assert ways["evenly"]["times"] == 1 and ways["half"]["ms_p50"] > 0
    assert [row["statistics"] for row in figures["likeness"]] == ["by its own", "as a part"]
    assert "preview" not in figures
    section = foveated_section({**figures, "preview": [PREVIEWED]})
    assert "| 64x96 | foveated, the rest at a half | 4 x 32x48 |" in section
    assert "| 64x96 | evenly | 1 | 12.5 | 10.0 | 90 | 45.0 | 3.0 |" in section


def test_the_live_loop_is_compared_with_both_kinds_of_sequence(folder: Path) -> None:
    [row] = json.loads((folder / "overlap.json").read_text())["rows"]
    assert (row["live_ms"], row["in_turn_ms"], row["stages_sum_ms"]) == (50.0, 80.0, 75.0)  # waiting is left out
    assert (row["live_over_in_turn"], row["live_over_stages_sum"]) == (0.625, 0.667)
    assert row["painting_ms"] == 100.0


def test_the_page_is_written_from_the_figures_alone(folder: Path, tmp_path: Path) -> None:
    results_page.main(["--folder", str(folder), "--page", str(tmp_path / "RESULTS.md")])
    text = (tmp_path / "RESULTS.md").read_text()
    assert "they mean nothing" in text, "quick figures must not look like real ones"
    assert measured_on.commit() in text
    assert "| + both eyes in one batch | bf16" in text
    assert "No GPU was at hand" in text or json.loads((folder / "pipelines.json").read_text())["measured_on"]["gpu"]
    assert "## Preview" not in text, "what was not measured has no section"
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["RESULTS.md"]


def test_a_gpu_fills_its_own_rows_and_nobody_else_does() -> None:
    run = {
        **STATS,
        "engine": "cuda-graph",
        "device": "cuda",
        "precision": "f16",
        "host_bytes_per_frame": 96,
        "default": True,
    }
    large = {"name": "2 x 2064x2208", "size": [2064, 2208], "networks": [], "ours": [run, STATS]}
    alone = {"engine": "cuda-graph", "device": "cuda", "precision": "f16", "size": [64, 48], "batch": 2,
             "ms": {"p50": 1.25, "p99": 2.5}}  # fmt: skip
    small = {"name": "64x48", "size": [64, 48], "networks": [alone, {**alone, "device": "cpu"}], "ours": []}
    measured = {"measured_on": {"gpu": "Some GPU"}, "sizes": [large]}
    filled = gpu_section(measured, [2064, 2208])
    assert filled.count("cuda-graph") == 1
    assert filled.splitlines()[-1].endswith("| 90.0 | 96 |")
    assert "not measured there" not in filled
    both = gpu_section({**measured, "sizes": [small, large]}, [2064, 2208])
    assert both.count("| 64x48 | 2 | cuda-graph f16 on cuda | 1.25 | 2.50 |") == 1
    only_small = {**measured, "sizes": [{**small, "ours": [run]}]}
    assert "2064x2208 was not measured there" in gpu_section(only_small, [2064, 2208])
    empty = gpu_section(None, [2064, 2208])
    assert "No GPU was at hand" in empty
    assert not re.search(r"\d", empty.splitlines()[-1].partition(" on cuda |")[2])


def test_the_exponent_is_that_of_the_growth() -> None:
    rows = [{"size": [side, side], "ms_p50": 3.0 * side**2.4} for side in (16, 64, 256)]
    assert slope(rows) == pytest.approx(1.2)


def test_the_picture_shows_all_series_and_the_headsets_rate(folder: Path, tmp_path: Path) -> None:
    pipeline_plot.main(["--folder", str(folder), "--to", str(tmp_path)])
    assert (tmp_path / "pipeline.png").stat().st_size > 10_000
    assert (tmp_path / "pipeline.svg").read_text().startswith("<?xml")
    read = [json.loads((folder / f"{name}.json").read_text()) for name in ("pipelines", "growth")]
    axes = pipeline_plot.draw(*read).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"naive, as in tutorials", "naive, all remedies", "ours, decoded pictures: shown"} <= set(labels)
    assert any(list(line.get_ydata()) == [90.0, 90.0] for line in axes.lines)


def test_a_missing_file_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for program in (pipeline_plot, results_page):
        with pytest.raises(SystemExit) as stopped:
            program.main(["--folder", str(tmp_path)])
        assert stopped.value.code == 2
        assert str(tmp_path) in capsys.readouterr().err
