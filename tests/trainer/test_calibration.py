"""`artem-vr train` with a recipe that calibrates for int8: the bank, its grid, its row of the table."""

from pathlib import Path

import pytest
from miniature import Miniature

from artem_vr.errors import UsageError
from artem_vr.styles import StyleBank
from trainer import ranking
from trainer.command import train
from trainer.network_table import read_rows

pytest.importorskip("nncf", reason="nncf, which calibrates, is not installed")


@pytest.fixture
def path(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Rows of the table compare networks by the losses of the shipped recipe: here it is this one.
    monkeypatch.setattr(ranking, "recipe_and_root", lambda: (miniature.recipe(), miniature.root))
    start = train(miniature.recipe_path, {"steps": "2"}, miniature.folder / "runs" / "miniature", resume=False)
    path = miniature.folder / "int8.toml"
    path.write_text(f'extends = "recipe.toml"\ntask = "quantize"\nname = "int8"\nstart = "{start}"\nphotographs = 4\n')
    return path


def test_a_bank_is_calibrated_judged_and_listed(path: Path, miniature: Miniature) -> None:
    folder = miniature.folder / "runs" / "int8"
    written = train(path, {}, folder, resume=False)
    wide, rounded = (
        StyleBank.load(miniature.folder / "runs" / "miniature" / "miniature.safetensors"),
        StyleBank.load(written),
    )
    assert rounded.ranges and not wide.ranges
    assert rounded.names == wide.names
    assert rounded.fingerprint == wide.fingerprint  # styles that were added to the one fit the other
    assert (folder / "sample.png").is_file()
    rows = {row.name: row for row in read_rows(miniature.folder / "runs" / "networks.csv")}
    assert rows.keys() == {"miniature", "int8"}
    assert rows["int8"].parameters == rows["miniature"].parameters
    assert rows["int8"].validation == pytest.approx(rows["miniature"].validation, rel=0.5)


def test_what_makes_no_sense_is_one_line(path: Path, miniature: Miniature) -> None:
    folder = miniature.folder / "runs" / "int8"
    with pytest.raises(UsageError, match="calibrates, which takes minutes: leave out --resume"):
        train(path, {}, folder, resume=True)
    with pytest.raises(UsageError, match="is the bank to calibrate: give the recipe another name"):
        train(path, {"name": "miniature"}, miniature.folder / "runs" / "miniature", resume=False)
    with pytest.raises(UsageError, match=r"none of the recipe's styles"):
        style = '[{name = "other", painting = "dots.png", title = "t", artist = "a", year = "1"}]'
        train(path, {"styles": style}, folder, resume=False)
