"""Files that appear whole: what they may replace."""

from pathlib import Path

import pytest

from artem_vr.errors import DisplayError
from artem_vr.media.pending_file import PendingFile


def write(target: Path, text: str) -> None:
    with PendingFile(target) as pending:
        pending.path.write_text(text)
        pending.commit()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink() and real.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "real.txt"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(DisplayError, match="is a folder"):
        PendingFile(tmp_path)


def test_leaving_without_commit_leaves_nothing(tmp_path: Path) -> None:
    with PendingFile(tmp_path / "new" / "a.txt") as pending:
        pending.path.write_text("half")
    assert not list(tmp_path.iterdir())
