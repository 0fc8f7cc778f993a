import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from miniature import Miniature

import trainer.room
from artem_vr.errors import UsageError
from trainer.room import check_room

Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_is_too_full_is_said_first(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer.room.shutil, "disk_usage", lambda path: Usage(1 << 40, 0, 5 << 20))
    with pytest.raises(UsageError, match=r"run has 5 MB free, and a run of this network writes up to 32 MB") as error:
        miniature.run("run")
    assert "\n" not in str(error.value)


def test_room_for_two_checkpoints_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = torch.nn.Linear(1000, 1048, bias=False)  # 4 MB of weights: a checkpoint has 12, and there are two
    needed = (32 << 20) + 24 * 1000 * 1048
    for free, enough in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(trainer.room.shutil, "disk_usage", lambda path, free=free: Usage(1 << 40, 0, free))
        if enough:
            check_room(tmp_path, network)
        else:
            with pytest.raises(UsageError, match="writes up to 55 MB"):
                check_room(tmp_path, network)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(dir: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trainer.room.tempfile, "TemporaryFile", refused)
    with pytest.raises(UsageError, match=r"cannot write to .*: Permission denied; name another folder with --output"):
        check_room(tmp_path / "new", torch.nn.Linear(1, 1))


def test_it_leaves_nothing_but_the_folder(tmp_path: Path) -> None:
    check_room(tmp_path / "new", torch.nn.Linear(1, 1))
    assert list((tmp_path / "new").iterdir()) == []
    shutil.rmtree(tmp_path / "new")
