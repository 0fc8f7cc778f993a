"""Styles in files of their own: where they are, which belong to a bank, and what is said of those that do not."""

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from banks import STYLES, random_bank, tiny_recipe
from command_line import CommandLine
from safetensors.numpy import save_file

from artem_vr import added_styles, resources
from artem_vr.added_styles import FOLDER_VARIABLE, AddedStyles, folder_beside, user_folder
from artem_vr.model_card import StyleCard
from artem_vr.styles import DEFAULT_BANK, IDENTITY, StyleBank


@pytest.fixture
def bank(tmp_path: Path) -> StyleBank:
    return random_bank(tmp_path)


def added(bank: StyleBank, *names: str, value: float = 0.5) -> AddedStyles:
    cards = [StyleCard(name=name, title=name.title(), artist="A Friend", year="") for name in names]
    size = bank.styles_SD.shape[1]
    return AddedStyles(cards, np.full((len(names), size), value, np.float32), bank.fingerprint)


def put(bank: StyleBank, styles: AddedStyles, name: str = "mine.safetensors") -> Path:
    path = bank.added_folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(styles.to_bytes({"steps": 1}))
    return path


def test_a_file_comes_back_as_it_was_written(bank: StyleBank) -> None:
    styles = added(bank, "mine", "yours", value=0.25)
    again = AddedStyles.load(put(bank, styles))
    assert again.cards == styles.cards and again.network == bank.fingerprint
    assert np.array_equal(again.styles_SD, styles.styles_SD)


def test_a_bank_is_read_with_the_styles_beside_it(bank: StyleBank) -> None:
    put(bank, added(bank, "mine", "yours"), "two.safetensors")
    put(bank, added(bank, "third", value=0.75))
    again = StyleBank.load(bank.path)
    assert sorted(again.names) == sorted([*STYLES, "mine", "yours", "third"])
    assert again.names[:3] == list(STYLES) and again.added == 3
    assert (again.vector("mine") == 0.5).all() and (again.vector("third") == 0.75).all()
    assert again.fingerprint == bank.fingerprint
    assert bank.added == 0 and bank.names == list(STYLES)


def test_where_the_styles_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder_beside(tmp_path / "my.bank.safetensors") == tmp_path / "my.bank-styles"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "named"))
    assert user_folder() == tmp_path / "named"
    assert StyleBank.load().added_folder == tmp_path / "named"
    assert StyleBank.load(resources.models() / DEFAULT_BANK).added_folder == tmp_path / "named"
    assert StyleBank.load(Path("adain")).added_folder == tmp_path / "named" / "adain"
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, place in (("linux", tmp_path / "xdg"), ("win32", tmp_path / "local")):
        monkeypatch.setattr(added_styles.sys, "platform", platform)
        assert user_folder() == place / "artem-vr" / "styles"
    monkeypatch.setattr(added_styles.sys, "platform", "darwin")
    assert user_folder() == Path.home() / "Library" / "Application Support" / "artem-vr" / "styles"


def test_a_style_of_another_network_is_left_out_with_one_line(
    bank: StyleBank, caplog: pytest.LogCaptureFixture
) -> None:
    put(bank, added(bank, "good"), "good.safetensors")
    put(bank, replace(added(bank, "bad"), network="f" * 64), "bad.safetensors")
    with caplog.at_level(logging.WARNING):
        names = [StyleBank.load(bank.path).names for _ in range(2)]
    assert names == [[*STYLES, "good"]] * 2
    [record] = caplog.records
    assert "bad.safetensors (it was trained on another network)" in record.message
    assert "artem-vr styles add --replace" in record.message and "\n" not in record.message


@pytest.mark.parametrize("name", ["red", IDENTITY, "twice"])
def test_a_name_that_is_there_already_is_left_out(bank: StyleBank, name: str, caplog: pytest.LogCaptureFixture) -> None:
    put(bank, added(bank, "twice"), "a.safetensors")
    put(bank, added(bank, name, value=0.9), "b.safetensors")
    again = StyleBank.load(bank.path)
    assert again.names == [*STYLES, "twice"]
    assert np.array_equal(again.vector("red"), bank.vector("red")) and (again.vector("twice") == 0.5).all()
    assert "b.safetensors (it holds a name that is there already)" in caplog.text


def test_damaged_files_are_left_out(bank: StyleBank, caplog: pytest.LogCaptureFixture) -> None:
    good = added(bank, "good")
    put(bank, good, "good.safetensors")
    whole = put(bank, added(bank, "half"), "half.safetensors")
    whole.write_bytes(whole.read_bytes()[:-40])
    put(bank, replace(good, styles_SD=good.styles_SD * np.nan), "nan.safetensors")
    put(bank, replace(good, styles_SD=good.styles_SD[:, :5]), "short.safetensors")
    put(bank, replace(good, cards=[]), "no-card.safetensors")
    (bank.added_folder / "empty.safetensors").touch()
    (bank.added_folder / "folder.safetensors").mkdir()
    (bank.added_folder / "note.txt").write_text("no style")
    save_file({"styles": good.styles_SD}, bank.added_folder / "other.safetensors", {"format": "something else"})
    text = {"format": added_styles.FORMAT, "network": bank.fingerprint, "styles": "{"}
    save_file({"styles": good.styles_SD}, bank.added_folder / "text.safetensors", text)
    (bank.added_folder / "bank.safetensors").write_bytes(bank.path.read_bytes())
    assert StyleBank.load(bank.path).names == [*STYLES, "good"]
    for name in ("half", "nan", "short", "no-card", "empty", "folder", "other", "text", "bank"):
        assert f"{name}.safetensors (" in caplog.text, name
    assert "note.txt" not in caplog.text and "good.safetensors" not in caplog.text


def test_the_fingerprint_is_of_the_network_and_of_nothing_else(bank: StyleBank, tmp_path: Path) -> None:
    same = random_bank(tmp_path, tiny_recipe(styles=("violet",)))
    assert same.fingerprint == bank.fingerprint
    for name in bank.weights:
        weights = {key: value.copy() for key, value in bank.weights.items()}
        weights[name].flat[0] += 1e-3
        assert replace(bank, weights=weights).fingerprint != bank.fingerprint
    shape = {**bank.card.network, "blocks": 3}
    assert replace(bank, card=bank.card.model_copy(update={"network": shape})).fingerprint != bank.fingerprint


def test_the_command_line_lists_added_styles(bank: StyleBank, command_line: CommandLine) -> None:
    put(bank, added(bank, "mine"))
    put(bank, replace(added(bank, "bad"), network="f" * 64), "bad.safetensors")
    # In a process of its own, where nothing but the program itself makes anything of warnings.
    command = [sys.executable, "-m", "artem_vr", "styles", "--model", str(bank.path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == [*STYLES, "mine"]
    assert lines[3] == "mine   Mine, by A Friend (added)" and "(added)" not in lines[0]
    assert lines[-1].startswith(f"3 styles in tiny.safetensors and 1 added in {bank.added_folder}: ")
    assert len(shown.stderr.strip().splitlines()) == 1 and "bad.safetensors" in shown.stderr
    rows = json.loads(command_line("styles", "--json", "--model", bank.path).stdout)
    assert [row["added"] for row in rows] == [False, False, False, True]
    assert json.loads(command_line("styles", "list", "mine", "--json", "--model", bank.path).stdout) == rows[3]
