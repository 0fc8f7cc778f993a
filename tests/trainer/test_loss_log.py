import csv
from pathlib import Path

import pytest

from artem_vr.errors import UsageError
from trainer.loss_log import LossLog


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "losses.csv"
    log = LossLog(path)
    for step in (20, 40, 60):
        log.append(step, 3.0, {"total": step / 100, "style": 0.5})
    return path


def test_the_format(path: Path) -> None:
    assert path.read_text().splitlines()[:2] == ["step,pictures_per_second,total,style", "20,3.00,0.200000,0.500000"]
    assert len(rows_of(path)) == 3


@pytest.mark.parametrize(("step", "kept"), [(0, []), (39, ["20"]), (40, ["20", "40"]), (99, ["20", "40", "60"])])
def test_rows_after_the_step_are_cut(path: Path, step: int, kept: list[str]) -> None:
    log = LossLog(path)
    log.cut(step)
    assert [row["step"] for row in rows_of(path)] == kept
    log.append(100, 3.0, {"total": 1.0, "style": 0.5})
    assert [row["step"] for row in rows_of(path)] == [*kept, "100"]
    assert [file.name for file in path.parent.iterdir()] == ["losses.csv"]


def test_the_last_row_of_a_step_counts(path: Path) -> None:
    header, first, *others = path.read_text().splitlines()
    path.write_text("\n".join([header, first, *others, first.replace("0.500000", "0.250000"), *others]) + "\n")
    LossLog(path).cut(60)
    assert [(row["step"], row["style"]) for row in rows_of(path)] == [
        ("20", "0.250000"), ("40", "0.500000"), ("60", "0.500000"),
    ]  # fmt: skip


def test_half_a_line_of_a_killed_run_does_not_swallow_the_next(path: Path) -> None:
    path.write_text(path.read_text() + "8")
    log = LossLog(path)
    log.cut(60)
    log.append(80, 3.0, {"total": 1.0, "style": 0.5})
    assert [row["step"] for row in rows_of(path)] == ["20", "40", "60", "80"]


def test_a_new_term_gets_its_own_column(path: Path) -> None:
    LossLog(path).append(80, 3.0, {"style": 0.25, "content/relu2_1": 0.75})
    rows = rows_of(path)
    assert rows[-1] == {
        "step": "80", "pictures_per_second": "3.00", "total": "", "style": "0.250000", "content/relu2_1": "0.750000",
    }  # fmt: skip
    assert rows[0]["total"] == "0.200000"
    assert rows[0]["content/relu2_1"] == ""


def test_nothing_to_cut(tmp_path: Path) -> None:
    LossLog(tmp_path / "losses.csv").cut(10)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_or_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise").write_bytes(bytes(range(128, 256)))
    for name in ("missing/losses.csv", "folder", "noise"):
        with pytest.raises(UsageError, match=f"the losses .*{name}") as error:
            LossLog(tmp_path / name).append(20, 3.0, {"total": 1.0})
        assert "\n" not in str(error.value)
