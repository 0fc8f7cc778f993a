import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from media_samples import number_in, request, turn_mp4, write_clip

from artem_vr.errors import InputError
from artem_vr.media.video_reader import DecodedFrame, VideoReader
from artem_vr.sources.video import VideoSource

UNEVEN = [0.0, 0.1, 0.15, 0.4, 0.45, 0.9]


def shown(source: VideoSource, times: list[float]) -> list[int]:
    try:
        return [number_in(source.read(request(time)).rgb_EHWC[0]) for time in times]
    finally:
        source.close()


@pytest.mark.parametrize("start", [0.0, 12_345.678])
def test_shows_the_latest_frame_that_is_due(tmp_path: Path, start: float) -> None:
    clip = write_clip(tmp_path / "a.mp4", times=UNEVEN)
    times = [0.0, 0.05, 0.1, 0.149, 0.16, 0.39, 0.4, 0.5, 0.89, 0.9]
    due = [0, 0, 1, 1, 2, 2, 3, 4, 4, 5]
    assert shown(VideoSource(clip, live=False), [start + time for time in times]) == due


def test_loops_over_its_own_length(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", count=12, fps=24)
    times = [index / 24 for index in range(0, 60)]
    assert shown(VideoSource(clip, live=False), times) == [index % 12 for index in range(60)]


def test_frames_whose_time_has_passed_are_dropped(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", count=24, fps=24)
    source = VideoSource(clip, live=False)
    frames = [source.read(request(time)) for time in (0.0, 20 / 24, 21 / 24)]
    assert [number_in(frame.rgb_EHWC[0]) for frame in frames] == [0, 20, 21]
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    source.close()


def test_live_video_catches_up_on_its_own(tmp_path: Path) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mp4", count=24, fps=24), loop=False)
    assert number_in(source.read(request(0.0)).rgb_EHWC[0]) == 0
    for _ in range(1000):
        number = number_in(source.read(request(20.5 / 24)).rgb_EHWC[0])
        if number == 20:
            break
        assert number < 20
        source._thread.join(0.01)
    assert number == 20
    source.close()


def test_without_loop_it_ends(tmp_path: Path) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mp4", count=6, fps=24), loop=False, live=False)
    assert shown(source, [0.0, 5.5 / 24]) == [0, 5]
    source = VideoSource(tmp_path / "a.mp4", loop=False, live=False)
    source.read(request(0.0))
    with pytest.raises(InputError, match="over"):
        source.read(request(7 / 24))
    source.close()


def test_a_phone_video_stands_upright(tmp_path: Path) -> None:
    clip = turn_mp4(write_clip(tmp_path / "a.mp4", count=3, size=(64, 48)), (0, 1, -1, 0))
    source = VideoSource(clip)
    eye = source.read(request(0.0)).rgb_EHWC[0]
    source.close()
    assert eye.shape == (64, 48, 3)
    # The dark left half of the stored picture is on top after a quarter turn clockwise.
    assert np.abs(eye[:28].astype(int) - 16).max() < 12
    assert np.abs(eye[36:].astype(int) - 240).max() < 12


def test_stereo_video_is_split(tmp_path: Path) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mkv", count=3), stereo=True)
    eyes = source.read(request(0.0)).rgb_EHWC
    source.close()
    assert eyes.shape == (2, 48, 32, 3)
    assert abs(float(eyes[0].mean()) - 16) < 4
    assert abs(float(eyes[1].mean()) - 240) < 4


def test_a_cut_off_video_plays_what_it_has(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", count=24, size=(256, 192))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    numbers = shown(VideoSource(clip, live=False), [index / 24 for index in range(60)])
    assert numbers[0] == 0
    assert numbers.count(0) >= 2, "it starts again where the file is cut off"
    assert 3 < max(numbers) < 24


def test_a_damaged_video_says_so_once_however_often_it_is_played(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = VideoReader.frames

    def frames(reader: VideoReader) -> Iterator[DecodedFrame]:
        yield from islice(plain(reader), 4)
        raise InputError("damaged after a while")

    monkeypatch.setattr(VideoReader, "frames", frames)
    clip = write_clip(tmp_path / "a.mp4", count=12)
    with caplog.at_level(logging.WARNING):
        numbers = shown(VideoSource(clip, live=False), [index / 24 for index in range(12)])
    assert numbers == [0, 1, 2, 3] * 3
    assert caplog.text.count("damaged after a while") == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.mp4", b"", "empty"),
        ("a.mp4", b"once upon a time there was a text\n" * 40, "cannot be read"),
        ("a.mkv", bytes(range(256)) * 40, "cannot be read"),
        ("a.mp4", None, "does not exist"),
    ],
)
def test_what_is_no_video_is_refused_on_opening(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        VideoSource(path)
    assert "\n" not in str(raised.value)


def test_a_truncated_mp4_is_refused_on_opening(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    clip.write_bytes(clip.read_bytes()[:900])
    with pytest.raises(InputError):
        VideoSource(clip)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import av
    from media_samples import tone_frames

    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        stream = output.add_stream("aac", rate=48_000)
        for frame in tone_frames(0.2):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(InputError, match="no pictures"):
        VideoSource(tmp_path / "a.mp4")
