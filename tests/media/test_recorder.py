import threading
from pathlib import Path

import numpy as np
import pytest
from media_samples import frames_of, number_in, numbered

from artem_vr.errors import DisplayError, InputError
from artem_vr.media import recorder as recorder_module
from artem_vr.media.recorder import Recorder
from artem_vr.media.video_writer import VideoWriter


def hold_encoder(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Makes the encoder wait for an event before each picture."""
    free = threading.Event()
    plain = VideoWriter.write

    def write(self: VideoWriter, *arguments: object) -> None:
        free.wait(30)
        plain(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(VideoWriter, "write", write)
    return free


def test_every_picture_is_kept_with_its_time(tmp_path: Path) -> None:
    times = [50.0, 50.1, 50.15, 50.5, 51.0]
    with Recorder(tmp_path / "a.mp4", live=False) as recorder:
        for index, time in enumerate(times):
            recorder.add(numbered(index), time)
    frames = frames_of(tmp_path / "a.mp4")
    assert [time for time, _ in frames] == pytest.approx([time - 50 for time in times], abs=1e-4)
    assert [number_in(picture) for _, picture in frames] == list(range(5))
    assert recorder.dropped == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_simulated_clock_waits_for_the_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = hold_encoder(monkeypatch)
    recorder = Recorder(tmp_path / "a.mp4", live=False, rate=30)
    threading.Timer(0.2, free.set).start()
    for index in range(30):
        recorder.add(numbered(index), index / 30)
    assert free.is_set(), "more was added than waits, so somebody waited"
    assert recorder.close() == tmp_path / "a.mp4"
    assert [number_in(picture) for _, picture in frames_of(tmp_path / "a.mp4")] == list(range(30))


def test_a_live_one_drops_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = hold_encoder(monkeypatch)
    recorder = Recorder(tmp_path / "a.mp4", live=True, rate=30)
    for index in range(30):
        recorder.add(numbered(index), index / 30)
    assert not free.is_set()
    free.set()
    recorder.close()
    numbers = [number_in(picture) for _, picture in frames_of(tmp_path / "a.mp4")]
    assert numbers[-8:] == list(range(22, 30))
    assert len(numbers) + recorder.dropped == 30
    assert recorder.dropped >= 20


def test_clocks_that_repeat_themselves_do_not_break_the_file(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.mp4", live=False) as recorder:
        for index, time in enumerate([1.0, 1.0, 0.5, 2.0]):
            recorder.add(numbered(index), time)
    assert [number_in(picture) for _, picture in frames_of(tmp_path / "a.mp4")] == [0, 1, 2, 3]


def test_a_window_that_changes_its_size_is_scaled(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.mp4", live=False) as recorder:
        recorder.add(numbered(1, (64, 48)), 0.0)
        recorder.add(numbered(2, (100, 31)), 0.1)
    frames = frames_of(tmp_path / "a.mp4")
    assert frames[1][1].shape == (48, 64, 3)
    assert number_in(frames[1][1]) == 2


def test_nothing_recorded_is_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "a.mp4", live=True)
    assert recorder.close() is None
    assert recorder.close() is None
    assert list(tmp_path.iterdir()) == []


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="midway"), Recorder(tmp_path / "a.mp4", live=True) as recorder:
        recorder.add(numbered(0), 0.0)
        raise RuntimeError("midway")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DisplayError, match="closed"):
        recorder.add(numbered(1), 1.0)


def test_places_that_cannot_be_written_are_told_on_opening(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = threading.active_count()
    with pytest.raises(DisplayError, match="cannot write"):
        Recorder(tmp_path / "file" / "a.mp4", live=True)
    with pytest.raises(InputError, match=r"\.mp4"):
        Recorder(tmp_path / "a.gif", live=True)
    assert threading.active_count() == before


def test_an_encoder_that_fails_is_told_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(VideoWriter, "write", fail)
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    with pytest.raises(DisplayError, match="no space left"):
        for index in range(100):
            recorder.add(np.zeros((16, 16, 3), np.uint8), float(index))
    with pytest.raises(DisplayError, match="no space left"):
        recorder.close()
    assert list(tmp_path.iterdir()) == []
    assert recorder_module._WAITING < 100
