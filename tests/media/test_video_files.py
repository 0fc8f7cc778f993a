from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_samples import (
    TICKS,
    frames_of,
    gradient,
    number_in,
    numbered,
    onset,
    packets_of,
    sound_of,
    turn_mp4,
    write_clip,
)

from artem_vr.errors import DisplayError, InputError
from artem_vr.media.video_reader import VideoReader
from artem_vr.media.video_writer import VideoWriter

UNEVEN = [0.0, 0.1, 0.15, 0.4, 0.45, 0.9]


def write(path: Path, size: tuple[int, int] = (64, 48), count: int = 10, **options: object) -> Path:
    with VideoWriter(path, size, Fraction(25), TICKS, **options) as writer:  # type: ignore[arg-type]
        for index in range(count):
            writer.write(numbered(index, size), index * 3600, 3600)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4v", "mkv"])
def test_uneven_time_stamps_survive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with VideoWriter(path, (64, 48), Fraction(25), TICKS) as writer:
        for index, time in enumerate(UNEVEN):
            writer.write(numbered(index), round(time / TICKS))
    frames = frames_of(path)
    assert [time for time, _ in frames] == pytest.approx(UNEVEN, abs=0.0011)
    assert [number_in(picture) for _, picture in frames] == list(range(6))


@pytest.mark.parametrize("size", [(64, 48), (65, 48), (64, 47), (65, 47), (17, 16), (2, 2), (1, 1), (1, 30)])
def test_any_size_is_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = frames_of(write(tmp_path / "a.mp4", size, 3))
    assert len(frames) == 3
    assert frames[0][1].shape == (size[1], size[0], 3)


def test_even_sizes_are_what_every_player_shows(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.mp4"))) as clip:
        context = clip.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert int(context.colorspace) == 1, "the colour matrix is written down"


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_come_back(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    colours = [(220, 30, 40), (30, 200, 50), (40, 60, 220), (240, 240, 240)]
    for index, colour in enumerate(colours):
        picture[:, index * size[0] // 4 : (index + 1) * size[0] // 4] = colour
    with VideoWriter(tmp_path / "a.mp4", size, Fraction(25), TICKS) as writer:
        writer.write(picture, 0)
    with VideoReader(tmp_path / "a.mp4") as reader:
        read = next(reader.frames()).rgb()
    for index, colour in enumerate(colours):
        middle = read[size[1] // 2, (2 * index + 1) * size[0] // 8].astype(int)
        assert np.abs(middle - colour).max() <= 6


def test_an_untagged_video_in_high_definition_is_bt709(tmp_path: Path) -> None:
    green = np.full((720, 1280, 3), (30, 200, 50), np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame.from_ndarray(green, "rgb24").reformat(format="yuv420p", dst_colorspace=1)
        frame.colorspace = 2
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(tmp_path / "a.mp4") as reader:
        assert np.abs(next(reader.frames()).rgb()[300, 600].astype(int) - (30, 200, 50)).max() <= 4


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_aac_sound_is_copied_packet_by_packet(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / "in.mp4", 24, tone="aac")
    result = write(tmp_path / f"out.{suffix}", count=25, sound_of=source)
    assert packets_of(result) == packets_of(source)
    codec, _, start = sound_of(result)
    assert codec == "aac"
    assert start == pytest.approx(sound_of(source)[2], abs=0.002)


def test_sound_that_mp4_players_do_not_know_becomes_aac(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", 48, tone="pcm_s16le")
    result = write(tmp_path / "out.mp4", count=48, sound_of=source)
    codec, samples, _ = sound_of(result)
    assert codec == "aac"
    assert len(samples) == pytest.approx(2 * 48_000, rel=0.05)
    spectrum = np.abs(np.fft.rfft(samples[8192 : 8192 + 48_000]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=1)
    assert samples[8192:].std() == pytest.approx(sound_of(source)[1].std() / 32768, rel=0.05)


def test_pcm_goes_unchanged_into_matroska(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", 12, tone="pcm_s16le")
    result = write(tmp_path / "out.mkv", sound_of=source)
    assert sound_of(result)[0] == "pcm_s16le"
    assert np.array_equal(sound_of(result)[1], sound_of(source)[1])


def test_a_file_without_sound_gives_none(tmp_path: Path) -> None:
    result = write(tmp_path / "out.mp4", sound_of=write_clip(tmp_path / "in.mp4", 5))
    with av.open(str(result)) as clip:
        assert not clip.streams.audio


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="midway"),
        VideoWriter(tmp_path / "new" / "a.mp4", (64, 48), Fraction(25), TICKS) as writer,
    ):
        writer.write(numbered(0), 0)
        raise RuntimeError("midway")
    assert list(tmp_path.iterdir()) == []


def test_the_file_appears_when_it_is_closed(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", (64, 48), Fraction(25), TICKS)
    writer.write(numbered(0), 0)
    assert not (tmp_path / "a.mp4").exists()
    assert writer.close() == tmp_path / "a.mp4"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    writer.close()
    writer.discard()
    assert (tmp_path / "a.mp4").exists()
    with pytest.raises(DisplayError, match="closed"):
        writer.write(numbered(1), 3600)


def test_a_video_without_pictures_is_no_file(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "a.mp4", (64, 48), Fraction(25), TICKS).close()
    assert list(tmp_path.iterdir()) == []


def test_time_stamps_must_rise(tmp_path: Path) -> None:
    with (
        pytest.raises(DisplayError, match="rise"),
        VideoWriter(tmp_path / "a.mp4", (64, 48), Fraction(25), TICKS) as writer,
    ):
        writer.write(numbered(0), 10)
        writer.write(numbered(1), 10)


def test_places_and_names_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DisplayError, match="cannot write"):
        VideoWriter(tmp_path / "file" / "a.mp4", (64, 48), Fraction(25), TICKS)
    with pytest.raises(InputError, match=r"ends in \.mp4"):
        VideoWriter(tmp_path / "a.png", (64, 48), Fraction(25), TICKS)
    with pytest.raises(InputError, match="does not exist"):
        VideoWriter(tmp_path / "a.mp4", (64, 48), Fraction(25), TICKS, sound_of=tmp_path / "none.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((1, 0, 0, 1), lambda a: a),
        ((0, 1, -1, 0), lambda a: np.rot90(a, -1)),
        ((-1, 0, 0, -1), lambda a: np.rot90(a, 2)),
        ((0, -1, 1, 0), lambda a: np.rot90(a, 1)),
        ((-1, 0, 0, 1), lambda a: a[:, ::-1]),
    ],
)
def test_rotation_is_applied(
    tmp_path: Path, matrix: tuple[int, int, int, int], turn: Callable[[np.ndarray], np.ndarray]
) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, (64, 48), Fraction(25), TICKS, pixel_aspect=Fraction(4, 3)) as writer:
        writer.write(gradient((64, 48)), 0)
    with VideoReader(turn_mp4(path, matrix)) as reader:
        frame = next(reader.frames())
        upright = frame.rgb()
    expected = turn(gradient((64, 48)))
    assert upright.shape == expected.shape
    assert np.abs(upright.astype(int) - expected).mean() < 4
    assert frame.pixel_aspect == (Fraction(3, 4) if matrix[0] == 0 else Fraction(4, 3))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts", "a.avi"])
def test_a_whole_video_is_told_from_one_that_is_cut_off(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".ts", ".avi"):
        write_clip(path, 100, fps=25, codec="mpeg4", tone="mp2")
    else:
        write(path, count=100)  # with the index at its front
    with VideoReader(path) as reader:
        assert float(reader.rate) == pytest.approx(25, rel=0.01)
        assert reader.check_whole() == 100
    if path.suffix in (".ts", ".avi"):
        return  # a transport stream may end anywhere; an avi file tells its length at its end
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(path) as reader, pytest.raises(InputError, match="cut off"):
        reader.check_whole()


def test_a_late_start_counts_as_zero(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.ts", times=[5 + index / 25 for index in range(10)])
    assert frames_of(clip)[0][0] > 4
    with VideoReader(clip) as reader:
        times = [frame.time for frame in reader.frames()]
    assert times == pytest.approx([index / 25 for index in range(10)], abs=0.001)


def test_sound_and_pictures_that_start_late_stay_together(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.ts", times=[index / 25 for index in range(25)], tone="aac")
    with (
        VideoReader(source) as reader,
        VideoWriter(tmp_path / "a.mp4", (64, 48), reader.rate, reader.time_base, sound_of=source) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.rgb(), frame.pts, frame.pts_duration)
    assert onset(tmp_path / "a.mp4") == pytest.approx(onset(source), abs=0.002)


def test_damage_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("once upon a time\n" * 60)
    (tmp_path / "empty.mp4").touch()
    write_clip(tmp_path / "cut.mp4")
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "cut.mp4").read_bytes()[:700])
    for name in ("text.mp4", "empty.mp4", "cut.mp4", "none.mp4"):
        with pytest.raises(InputError, match=name) as raised:
            list(VideoReader(tmp_path / name).frames())
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="is a folder"):
        VideoReader(tmp_path)
