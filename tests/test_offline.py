from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from media_samples import (
    frames_of,
    gradient,
    number_in,
    numbered,
    onset,
    packets_of,
    turn_mp4,
    write_clip,
)
from PIL import Image

from artem_vr.errors import DisplayError, EngineError, InputError, UsageError
from artem_vr.frame import Size
from artem_vr.media.picture import read_picture
from artem_vr.offline import stylize_path

Picture = np.ndarray


def negative(rgb_HWC: Picture) -> Picture:
    """A painter whose paint is easily checked."""
    assert min(rgb_HWC.shape[:2]) >= 16
    assert rgb_HWC.dtype == np.uint8
    return 255 - rgb_HWC


class Steps(list[tuple[int, int | None]]):
    def __call__(self, done: int, total: int | None) -> None:
        self.append((done, total))


def stylize(
    source: Path, result: Path, painter: Callable[[Picture], Picture] = negative, size: Size | None = None
) -> Steps:
    steps = Steps()
    stylize_path(source, result, painter, steps, size)
    return steps


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [(64, 48), (33, 17), (16, 16), (15, 40), (3, 3), (1, 1), (1, 50), (50, 1)])
def test_a_picture_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.fromarray(gradient(size)).save(tmp_path / "in.png")
    assert stylize(tmp_path / "in.png", tmp_path / "out.png") == [(0, 1), (1, 1)]
    assert np.array_equal(read_picture(tmp_path / "out.png").rgb_HWC, 255 - gradient(size))


def test_a_folder_for_the_output_is_made(tmp_path: Path) -> None:
    Image.fromarray(gradient((20, 20))).save(tmp_path / "in.png")
    stylize(tmp_path / "in.png", tmp_path / "new" / "deep" / "out.jpg")
    assert names(tmp_path / "new" / "deep") == ["out.jpg"]


def test_alpha_is_put_back_unpainted(tmp_path: Path) -> None:
    alpha = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (20, 1))
    Image.fromarray(np.dstack([gradient((24, 20)), alpha])).save(tmp_path / "in.png")
    stylize(tmp_path / "in.png", tmp_path / "out.png")
    result = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(result[..., 3], alpha)
    assert np.array_equal(result[..., :3], 255 - gradient((24, 20)))


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P"])
def test_grey_and_palette_pictures_become_coloured_paint(tmp_path: Path, mode: str) -> None:
    Image.fromarray(gradient((24, 20))).convert(mode).save(tmp_path / "in.png")
    stylize(tmp_path / "in.png", tmp_path / "out.png", lambda rgb: np.full_like(rgb, (200, 10, 90)))
    result = Image.open(tmp_path / "out.png")
    assert result.convert("RGB").getpixel((5, 5)) == (200, 10, 90)


def test_exif_rotation_ends_in_upright_pixels_without_the_tag(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient((40, 20))).save(tmp_path / "in.png", exif=exif)
    stylize(tmp_path / "in.png", tmp_path / "out.jpg")
    result = Image.open(tmp_path / "out.jpg")
    assert result.size == (20, 40)
    assert result.getexif().get(0x0112, 1) == 1
    assert np.abs(np.asarray(result).astype(int) - (255 - np.rot90(gradient((40, 20)), -1))).mean() < 4


def test_a_size_is_painted_at_and_written(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([gradient((40, 20)), np.full((20, 40), 9, np.uint8)])).save(tmp_path / "in.png")
    seen = []

    def painter(rgb_HWC: Picture) -> Picture:
        seen.append(rgb_HWC.shape)
        return rgb_HWC

    stylize(tmp_path / "in.png", tmp_path / "out.png", painter, (64, 30))
    assert seen == [(30, 64, 3)]
    assert Image.open(tmp_path / "out.png").size == (64, 30)
    with pytest.raises(UsageError, match="0x10"):
        stylize(tmp_path / "in.png", tmp_path / "out.png", size=(0, 10))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(11):
        Image.fromarray(numbered(index)).save(folder / f"f{index}.{'png' if index % 2 else 'bmp'}")
    (folder / "notes.txt").write_text("left alone")
    return folder


def test_a_folder_keeps_names_and_count(folder: Path, tmp_path: Path) -> None:
    steps = stylize(folder, tmp_path / "new" / "out")
    assert steps == [(done, 11) for done in range(12)]
    assert names(tmp_path / "new" / "out") == sorted(set(names(folder)) - {"notes.txt"})
    for path in (tmp_path / "new" / "out").iterdir():
        assert np.array_equal(read_picture(path).rgb_HWC, 255 - read_picture(folder / path.name).rgb_HWC)


def test_a_damaged_picture_leaves_no_half_of_a_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "f7.png").write_bytes((folder / "f7.png").read_bytes()[:100])
    with pytest.raises(InputError, match=r"f7\.png"):
        stylize(folder, tmp_path / "new" / "out")
    assert names(tmp_path) == ["in"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "f0.bmp").write_bytes(b"of an earlier run")
    with pytest.raises(InputError, match=r"f7\.png"):
        stylize(folder, tmp_path / "out")
    assert names(tmp_path / "out") == ["f0.bmp"]
    assert (tmp_path / "out" / "f0.bmp").read_bytes() == b"of an earlier run"


def test_frames_that_cannot_be_written_are_told_before_any_work(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(numbered(1)).save(folder / "z.gif")
    with pytest.raises(UsageError, match=r"z\.gif"):
        stylize(folder, tmp_path / "out", lambda rgb: pytest.fail("painted"))
    assert names(tmp_path) == ["in"]


UNEVEN = [0.0, 0.1, 0.15, 0.4, 0.45, 0.9]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov"])
def test_a_video_keeps_count_times_size_and_sound(tmp_path: Path, name: str) -> None:
    source = write_clip(tmp_path / "in.mp4", size=(65, 49), times=UNEVEN, tone="aac")
    steps = stylize(source, tmp_path / name, lambda rgb: rgb[::-1].copy())
    result = frames_of(tmp_path / name)
    # Matroska has no times below zero: all of the file moves by what the sound's coder needs as a run-up.
    start = result[0][0]
    assert start <= (0.022 if name.endswith("mkv") else 0.0)
    assert [time - start for time, _ in result] == pytest.approx(UNEVEN, abs=0.0011)
    assert onset(tmp_path / name) == pytest.approx(onset(source), abs=0.002)
    assert [number_in(picture) for _, picture in result] == list(range(6))
    assert result[0][1].shape == (49, 65, 3)
    assert packets_of(tmp_path / name) == packets_of(source)
    assert steps[0][0] == 0
    assert steps[-1] == (6, 6)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_video_is_painted(tmp_path: Path) -> None:
    write_clip(tmp_path / "in.mp4", 3)
    stylize(tmp_path / "in.mp4", tmp_path / "out.mp4")
    picture = frames_of(tmp_path / "out.mp4")[0][1]
    assert np.abs(picture[:, :28].astype(int) - (255 - 16)).max() < 12


def test_other_video_formats_are_read(tmp_path: Path) -> None:
    write_clip(tmp_path / "in.avi", 10, fps=25, codec="mpeg4", tone="pcm_s16le")
    stylize(tmp_path / "in.avi", tmp_path / "out.mp4")
    assert len(frames_of(tmp_path / "out.mp4")) == 10
    with av.open(str(tmp_path / "out.mp4")) as clip:
        assert clip.streams.audio[0].codec_context.name == "aac"


def test_a_phone_video_comes_out_upright(tmp_path: Path) -> None:
    source = turn_mp4(write_clip(tmp_path / "in.mp4", 3), (0, 1, -1, 0))
    stylize(source, tmp_path / "out.mp4", lambda rgb: rgb)
    picture = frames_of(tmp_path / "out.mp4")[0][1]
    assert picture.shape == (64, 48, 3)
    assert picture[:28].mean() < 40 < 200 < picture[36:].mean()


@pytest.mark.parametrize("size", [(1, 1), (4, 2), (64, 14)])
def test_tiny_videos(tmp_path: Path, size: tuple[int, int]) -> None:
    write_clip(tmp_path / "in.mp4", 3, size)
    stylize(tmp_path / "in.mp4", tmp_path / "out.mp4")
    result = frames_of(tmp_path / "out.mp4")
    assert len(result) == 3
    assert result[0][1].shape == (size[1], size[0], 3)


def test_a_video_at_another_size(tmp_path: Path) -> None:
    write_clip(tmp_path / "in.mp4", 3)
    stylize(tmp_path / "in.mp4", tmp_path / "out.mp4", size=(80, 40))
    assert frames_of(tmp_path / "out.mp4")[0][1].shape == (40, 80, 3)


def test_a_damaged_video_leaves_nothing(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "in.mkv", 100).read_bytes()
    (tmp_path / "short.mkv").write_bytes(whole[:600])
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mp4").write_text("Dear diary, " * 50)
    (tmp_path / "empty.mp4").touch()
    before = names(tmp_path)
    for name in ("cut.mkv", "short.mkv", "text.mp4", "empty.mp4"):
        with pytest.raises(InputError) as raised:
            stylize(tmp_path / name, tmp_path / "new" / "out.mp4")
        assert "\n" not in str(raised.value)
    assert names(tmp_path) == before


@pytest.mark.parametrize("error", [EngineError("the engine died"), KeyboardInterrupt()])
def test_a_painter_that_fails_leaves_nothing(folder: Path, tmp_path: Path, error: BaseException) -> None:
    write_clip(tmp_path / "in.mp4", 8, tone="aac")
    before = names(tmp_path)
    for source, result in ((folder, "out"), (tmp_path / "in.mp4", "out.mp4"), (folder / "f1.png", "out.png")):
        left = [5 if source != folder / "f1.png" else 0]

        def painter(rgb_HWC: Picture, left: list[int] = left) -> Picture:
            left[0] -= 1
            if left[0] < 0:
                raise error
            return rgb_HWC

        with pytest.raises(type(error)):
            stylize(source, tmp_path / result, painter)
        assert names(tmp_path) == before


def test_a_painter_must_keep_the_shape(tmp_path: Path) -> None:
    Image.fromarray(gradient((20, 20))).save(tmp_path / "in.png")
    with pytest.raises(EngineError, match="keep"):
        stylize(tmp_path / "in.png", tmp_path / "out.png", lambda rgb: rgb[:-1])
    assert names(tmp_path) == ["in.png"]


def test_kinds_that_do_not_fit_say_what_to_use(folder: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "in.mp4", 3)
    Image.fromarray(gradient((20, 20))).save(tmp_path / "in.png")
    before = names(tmp_path)
    for source, result, message in (
        ("in.mp4", "out.png", r"use .*out\.mp4"),
        ("in.mp4", "out", r"use .*out\.mp4"),
        ("in.png", "out.mp4", r"use .*out\.png"),
        ("in.png", "out.xyz", r"use .*out\.png"),
        ("in.png", "in", r"such as .*in\.png"),
        ("in", "out.mp4", r"is a folder.*use .*out$"),
        ("in", "in.png", r"is a folder"),
    ):
        with pytest.raises(UsageError, match=message):
            stylize(tmp_path / source, tmp_path / result, lambda rgb: pytest.fail("painted"))
    assert names(tmp_path) == before


def test_the_input_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    source = folder / "f1.png"
    (tmp_path / "link.png").symlink_to(source)
    for given, result in ((source, source), (source, folder / ".." / "in" / "f1.png"), (source, tmp_path / "link.png")):
        with pytest.raises(UsageError, match="replace the input"):
            stylize(given, result)
    with pytest.raises(UsageError, match="replace the input"):
        stylize(folder, folder / ".." / "in")


def test_inputs_and_places_that_cannot_be(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="does not exist"):
        stylize(tmp_path / "none.png", tmp_path / "out.png")
    with pytest.raises(InputError, match="neither picture nor video"):
        stylize(folder / "notes.txt", tmp_path / "out.png")
    write_clip(tmp_path / "in.mp4", 3)
    for source, result in ((folder, "out"), (folder / "f1.png", "out.png"), (tmp_path / "in.mp4", "out.mp4")):
        with pytest.raises(DisplayError, match="cannot write") as raised:
            stylize(source, tmp_path / "file" / result)
        assert "\n" not in str(raised.value)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no pictures"):
        stylize(empty, tmp_path / "out")
    assert names(tmp_path) == ["empty", "file", "in", "in.mp4"]
