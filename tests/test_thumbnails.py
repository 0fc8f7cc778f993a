from pathlib import Path

import numpy as np
import pytest

from artem_vr import resources, thumbnails
from artem_vr.media.picture import write_picture
from artem_vr.styles import IDENTITY, StyleBank
from artem_vr.thumbnails import SIDE, load_thumbnail


def test_every_shipped_style_has_a_small_picture_of_its_own() -> None:
    names = [IDENTITY, *StyleBank.load().names]
    pictures = [load_thumbnail(name) for name in names]
    for picture in pictures:
        assert picture is not None
        assert picture.shape == (SIDE, SIDE, 3)
        assert picture.dtype == np.uint8
    small = [np.asarray(picture, float).reshape(32, 4, 32, 4, 3).mean(axis=(1, 3)) for picture in pictures]
    for first in range(len(names)):
        for second in range(first):
            # In squares of four pixels, about the least that is told apart at a glance.
            assert np.abs(small[first] - small[second]).mean() > 8, (names[first], names[second])


def test_they_are_small_files_and_none_is_left_over() -> None:
    files = list((resources.assets() / "thumbnails").iterdir())
    assert sum(file.stat().st_size for file in files) < 120_000
    assert {file.stem for file in files} == {IDENTITY, *StyleBank.load().names}


def test_a_picture_that_is_a_style_is_its_own_thumbnail(tmp_path: Path) -> None:
    wide = np.zeros((200, 600, 3), np.uint8)
    wide[:, 200:400] = (200, 50, 25)
    wide[:100, 200:400, 1] = 250
    path = tmp_path / "my painting, 2.png"
    write_picture(path, wide)
    found = load_thumbnail(str(path))
    assert found is not None
    assert found.shape == (SIDE, SIDE, 3)
    assert np.all(found[10, 10] == (200, 250, 25))
    assert np.all(found[-10, -10] == (200, 50, 25))


def test_a_tiny_picture_stays_tiny(tmp_path: Path) -> None:
    write_picture(tmp_path / "tiny.png", np.full((20, 30, 3), 90, np.uint8))
    found = load_thumbnail(str(tmp_path / "tiny.png"))
    assert found is not None
    assert found.shape == (20, 20, 3)


def test_a_path_from_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_picture(tmp_path / "home.png", np.full((300, 300, 3), 90, np.uint8))
    assert load_thumbnail("~/home.png") is not None


@pytest.mark.parametrize(
    "style",
    [
        "",
        ".",
        "no-such-style",
        "starry-night:0.5,scream:0.5",
        "../thumbnails/starry-night",
        "nobody/here.png",
        "a\0b",
        "x" * 5000,
        "~nobody-of-this-name/picture.png",
    ],
)
def test_what_has_no_picture_has_none(style: str) -> None:
    assert load_thumbnail(style) is None


def test_broken_files_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "empty.png").touch()
    for name in ("broken.jpg", "empty.png"):
        assert load_thumbnail(str(tmp_path / name)) is None

    def fail(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(thumbnails, "read_picture", fail)
    assert load_thumbnail("starry-night") is None
