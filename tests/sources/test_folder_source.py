import logging
from pathlib import Path

import pytest
from media_samples import number_in, numbered, request
from PIL import Image

from artem_vr.errors import InputError, UsageError
from artem_vr.media.kinds import natural_order
from artem_vr.sources.folder import FolderSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(12):
        Image.fromarray(numbered(index)).save(tmp_path / f"frame{index}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "._frame3.png").write_bytes(b"what some systems leave beside a file")
    return tmp_path


def shown(source: FolderSource, times: list[float]) -> list[int]:
    try:
        return [number_in(source.read(request(time)).rgb_EHWC[0]) for time in times]
    finally:
        source.close()


def test_pictures_come_in_natural_order_at_their_rate_and_loop(folder: Path) -> None:
    times = [100 + index / 10 for index in range(27)]
    assert shown(FolderSource(folder, fps=10, live=False), times) == [index % 12 for index in range(27)]


def test_a_slow_display_skips_pictures_and_a_fast_one_repeats_them(folder: Path) -> None:
    assert shown(FolderSource(folder, fps=10, live=False), [0, 0.35, 0.9, 1.15]) == [0, 3, 9, 11]
    assert shown(FolderSource(folder, fps=10, live=False), [0, 0.02, 0.09, 0.1, 0.15]) == [0, 0, 0, 1, 1]


def test_a_long_pause_leaves_out_whole_passes(folder: Path) -> None:
    assert shown(FolderSource(folder, fps=10, live=False), [0.0, 1.2 * 1_000_000 + 0.45, 1.2 * 1_000_001]) == [0, 4, 0]


def test_without_loop_it_is_over_after_the_last_picture(folder: Path) -> None:
    source = FolderSource(folder, fps=10, loop=False, live=False)
    source.read(request(5.0))
    assert number_in(source.read(request(6.15)).rgb_EHWC[0]) == 11
    with pytest.raises(InputError, match="over"):
        source.read(request(6.25))
    source.close()


def test_a_damaged_picture_is_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "frame2.png").write_bytes(b"oh dear")
    with caplog.at_level(logging.WARNING):
        assert shown(FolderSource(folder, fps=10, live=False), [0, 0.1, 0.2, 0.3]) == [0, 1, 1, 3]
    assert "frame2.png" in caplog.text


def test_a_damaged_picture_is_named_once_however_often_the_folder_is_played(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("frame2.png", "frame5.png"):
        (folder / name).write_bytes(b"oh dear")
    with caplog.at_level(logging.WARNING):
        shown(FolderSource(folder, fps=10, live=False), [index / 10 for index in range(40)])
    assert [caplog.text.count(name) for name in ("frame2.png", "frame5.png")] == [1, 1]


def test_a_folder_of_damaged_pictures_is_refused(tmp_path: Path) -> None:
    for index in range(6):
        (tmp_path / f"{index}.png").write_bytes(b"oh dear")
    with pytest.raises(InputError, match="cannot be read"):
        FolderSource(tmp_path)


def test_a_single_picture_stays_the_same_object(tmp_path: Path) -> None:
    Image.fromarray(numbered(3)).save(tmp_path / "only.png")
    source = FolderSource(tmp_path, fps=10, live=False)
    first = source.read(request(0))
    assert source.read(request(50.0)) is first
    source.close()


def test_stereo_pictures_are_split(folder: Path) -> None:
    source = FolderSource(folder, stereo=True)
    assert source.read(request(0)).rgb_EHWC.shape == (2, 48, 32, 3)
    source.close()


def test_empty_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        FolderSource(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        FolderSource(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="more than 0"):
        FolderSource(tmp_path, fps=0)


def test_natural_order_reads_numbers() -> None:
    names = ["b1", "a10", "a9", "A2", "a02", "10", "9"]
    assert sorted(names, key=natural_order) == ["9", "10", "A2", "a02", "a9", "a10", "b1"]
