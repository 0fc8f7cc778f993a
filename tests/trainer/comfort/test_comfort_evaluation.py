"""The whole measurement at a small size: what it finds of the cheats is known, and what it finds is told and drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from banks import random_bank, tiny_recipe
from PIL import Image
from typer.testing import CliRunner

from artem_vr.errors import GraphicsError, UsageError
from artem_vr.gl.context import create_headless_context
from artem_vr.styles import StyleBank
from trainer.comfort import evaluation
from trainer.comfort.evaluation import Findings, Question, chosen_styles, evaluate
from trainer.comfort.figures import Figures, Row, mean, ratios
from trainer.comfort.material import Effort
from trainer.comfort.measurement import Strain
from trainer.comfort.report import grouped, render, to_json, write_outputs

SMALL = Effort(walk=26, still=10, turn=20, eye_size=(96, 96), settling=2, leap=6, seldom=4)


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def found(bank: StyleBank) -> Findings:
    try:
        create_headless_context().release()
    except GraphicsError as error:
        pytest.skip(f"no OpenGL: {error}")
    told: list[tuple[int, int | None]] = []
    question = Question(bank.path, styles=["red", "blue"], effort=SMALL, device="cpu")
    findings = evaluate(question, lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] and len({of for _, of in told}) == 1
    return findings


def figures_of(found: Findings, painter: str, mode: str) -> Figures:
    return mean([row.figures for row in grouped(found.parts[0].rows)[painter, mode]])


def test_paint_that_is_the_source_is_as_calm_as_the_source_when_it_is_not_late(found):
    source, identity = found.parts[0].source.figures, figures_of(found, "identity", "alone")
    assert ratios(identity, source) == pytest.approx({"step": 1, "leap": 1, "stereo": 1}, abs=0.15)
    assert 0.3 < identity.flicker < 1.0
    assert source.flicker == 1.0


def test_blur_has_the_smallest_error_and_does_not_win_in_pixels(found):
    identity, blur = (figures_of(found, name, "alone") for name in ("identity", "blur"))
    assert blur.step.error < 0.5 * identity.step.error
    assert blur.leap.pixels > identity.leap.pixels and blur.stereo.pixels > identity.stereo.pixels
    assert blur.flicker < 0.4 * identity.flicker


def test_the_frames_in_which_new_paint_arrives_are_those_of_the_timetable(found):
    alone, live = (next(row for row in found.parts[0].rows if row.mode == mode) for mode in ("alone", "live"))
    assert alone.arrivals == [*range(26)]
    assert live.arrivals == [0, *range(5, 26, 3)]
    assert [*live.errors] == [*range(2, 26)]


def test_paint_that_is_carried_does_not_lag_and_is_calmer_for_it(found):
    """Over the walk and while the head turns: 100 degrees a second are 2 pixels a frame here, over 10 to 19 frames."""
    for painter in ("identity", "tiny"):
        plain, live = (figures_of(found, painter, mode) for mode in ("plain", "live"))
        assert plain.lag > 15 and live.lag < 0.5
        assert live.step.error < 0.95 * plain.step.error and live.leap.error < plain.leap.error


def test_every_style_and_mode_is_measured_beside_the_cheats(found, bank):
    rows = found.parts[0].rows
    modes = [mode.name for mode in found.question.modes]
    expected = [(name, "", mode) for name in ("identity", "blur") for mode in modes]
    expected += [(bank.path.stem, style, mode) for style in ("red", "blue") for mode in modes]
    assert [(row.painter, row.style, row.mode) for row in rows] == expected
    for row in rows:
        assert row.figures.step.error > 0 and row.figures.leap.error > 0 and row.figures.stereo.error > 0
        assert (row.figures.lag is None) == (row.mode == "alone")
    assert rows[-1].figures != rows[-3].figures  # another style, other figures


def test_the_table_the_json_and_the_pictures_show_it(found, tmp_path):
    text = render(found)
    for word in ("source", "identity, plain", "blur, alone", "red: tiny, plain", "blue: tiny", "flicker", "lag"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 130
    step = found.parts[0].source.figures.step
    assert f"{1000 * step.error:.1f}" in text
    written = write_outputs(found, tmp_path / "plot.png", tmp_path / "strip.png", tmp_path / "figures.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)
    read = json.loads((tmp_path / "figures.json").read_text())
    assert read == json.loads(json.dumps(to_json(found), allow_nan=False))
    (part,) = read["parts"]
    assert part["source"]["step"] == {"error": step.error, "pixels": step.pixels}
    row = part["rows"][0]
    assert row["ratios"]["step"] == pytest.approx(row["step"]["error"] / step.error)
    for path in written[:2]:
        pixels = np.asarray(Image.open(path).convert("L"))
        assert min(pixels.shape) > 200 and pixels.std() > 10


def test_the_strip_follows_a_point_of_the_world_through_time_and_both_eyes(found):
    """The source's crops are alike, though the picture moves and the eyes are apart."""
    crops = found.strip.crops
    assert [*crops] == ["source", *(f"{row.painter}, {row.mode}" for row in found.parts[0].rows if row.style != "blue")]
    assert all(crop.keys() == crops["source"].keys() for crop in crops.values())
    first = crops["source"][found.strip.frames[0], 0].astype(float)
    for crop in crops["source"].values():
        assert np.corrcoef(first.ravel(), crop.ravel())[0, 1] > 0.6


def test_styles_are_those_that_are_named_or_the_usual_ones_or_the_first(bank):
    assert chosen_styles(bank, None) == ("red", "green", "blue")
    assert chosen_styles(bank, ["blue", " red", "blue"]) == ("blue", "red")
    assert chosen_styles(StyleBank.load(), None) == evaluation.USUAL_STYLES
    with pytest.raises(UsageError, match="did you mean"):
        chosen_styles(bank, ["gren"])
    with pytest.raises(UsageError, match="names no style"):
        chosen_styles(bank, ["", " "])


def test_a_reference_without_a_style_in_common_is_refused_before_anything_is_drawn(bank, tmp_path):
    other = random_bank(tmp_path, tiny_recipe(("grey",)))
    with pytest.raises(UsageError, match="none of the styles red"):
        evaluate(Question(bank.path, other.path, ["red"], effort=SMALL))


def test_means_are_over_what_all_rows_have():
    one = Figures(Strain(0.1, 1.0), None, Strain(0.2, 2.0), 0.5, 3.0)
    other = replace(one, step=Strain(0.3, 2.0), flicker=None)
    assert mean([one, other]) == Figures(Strain(pytest.approx(0.2), 1.5), None, Strain(0.2, 2.0), None, 3.0)
    assert mean([]) == Figures()
    assert ratios(one, Figures(Strain(0.05, 1.0), Strain(0.1, 1.0), Strain(0.0, 0.0))) == {"step": pytest.approx(2)}
    assert Row("a", "", "b", Figures(lag=float("nan"))).to_json()["lag"] is None


REFUSED = [
    (["--styles", "red"], "--styles goes with --comfort"),
    (["--plot", "plot.png"], "--plot goes with --comfort"),
    (["--comfort", "--photographs", "3"], "--photographs is about losses"),
    (["--comfort", "--plot", "plot.svg"], "must end in .png"),
    (["--comfort", "--strip", "nowhere/strip.png"], "there is no folder"),
    (["--comfort", "--figures", "figures.txt"], "must end in .json"),
    (["bank", "--model", "swift"], "named twice"),
    (["--comfort", "--model", "missing.safetensors"], "missing.safetensors"),
    (["--comfort", "--modes", "alone,plane"], "did you mean plain"),
    (["--comfort", "--styles", "udni"], "did you mean udnie"),
    (["--comfort", "--frames", "nowhere"], "nowhere"),
    (["--comfort", "--stereo-pair", "a.png", "b.png", "c.npy"], "a.png"),
]


@pytest.mark.parametrize(("arguments", "line"), REFUSED, ids=lambda value: " ".join(value)[:40])
def test_what_makes_no_sense_is_one_line_and_exit_code_2(arguments, line, tmp_path, monkeypatch, capsys):
    from artem_vr.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["artem-vr", "evaluate", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err.strip()
    assert left.value.code == 2 and line in told and "\n" not in told
    assert not [*tmp_path.iterdir()]


def test_the_command_measures_writes_and_tells(bank, found, tmp_path, monkeypatch):
    from artem_vr.cli import app

    asked: list[Question] = []
    monkeypatch.setattr(evaluation, "evaluate", lambda question, advance: asked.append(question) or found)
    arguments = ["evaluate", "--comfort", "--model", str(bank.path), "--styles", "red,blue", "--strip", "s.png"]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, "--figures", "f.json", "--device", "cpu", "--modes", "plain,one"])
    assert done.exit_code == 0, done.output
    assert "identity, plain" in done.output and "wrote s.png" in done.output and "wrote f.json" in done.output
    (question,) = asked
    assert question.model == bank.path and question.styles == ("red", "blue") and question.device == "cpu"
    assert [mode.name for mode in question.modes] == ["plain", "one"]
    assert sorted(path.name for path in Path().iterdir()) == ["f.json", "s.png"]
