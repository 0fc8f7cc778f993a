import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from media_samples import gradient
from PIL import Image, ImageCms

from artem_vr.errors import DisplayError, InputError
from artem_vr.media.picture import Picture, read_picture, write_picture

BROWN = (200, 100, 40)


def rotated_by_exif(picture: np.ndarray, orientation: int, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, exif=exif)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_rotation_is_applied(tmp_path: Path, orientation: int, turn: Callable[[np.ndarray], np.ndarray]) -> None:
    stored = gradient((20, 12))
    rotated_by_exif(stored, orientation, tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png").rgb_HWC, turn(stored))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tiff"
    if mode in ("I;16", "I", "F"):
        Image.fromarray(np.full((5, 7), 30, {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])).save(path)
    else:
        source = Image.new("RGB", (7, 5), BROWN)
        try:
            source.convert(mode).save(path)
        except (OSError, KeyError, ValueError):
            path = tmp_path / "a.png"
            try:
                source.convert(mode).save(path)
            except (OSError, KeyError, ValueError):
                pytest.skip(f"no format stores {mode}")
    picture = read_picture(path)
    assert picture.rgb_HWC.dtype == np.uint8
    assert picture.rgb_HWC.shape == (5, 7, 3)
    assert picture.grey == (mode in ("1", "L", "LA", "I;16", "I", "F"))
    if mode in ("P", "RGB", "RGBA", "YCbCr", "CMYK"):
        assert np.abs(picture.rgb_HWC[0, 0].astype(int) - BROWN).max() < 20


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(4, 0)
    Image.fromarray(values).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.rgb_HWC[0, :, 1], np.rint(values[0] / 257))
    assert picture.grey


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red = read_picture(tmp_path / "a.jpg").rgb_HWC[8, 8].astype(int)
    assert red[0] > 200
    assert red[1:].max() < 60


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (4, 0, 8, 8))
    image.save(tmp_path / "a.png", transparency=0)
    picture = read_picture(tmp_path / "a.png")
    assert picture.alpha_HW is not None
    assert picture.alpha_HW[:, :4].max() == 0
    assert picture.alpha_HW[:, 4:].min() == 255
    assert picture.rgb_HWC[0, 7].tolist() == [200, 100, 50]


def test_an_alpha_that_hides_nothing_is_left_out(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (*BROWN, 255)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").alpha_HW is None


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff"])
def test_alpha_comes_back(tmp_path: Path, name: str) -> None:
    alpha = np.tile(np.arange(0, 240, 12, dtype=np.uint8), (16, 1))
    write_picture(tmp_path / name, gradient((20, 16)), like=Picture(gradient((20, 16)), alpha))
    read = read_picture(tmp_path / name)
    assert read.alpha_HW is not None
    assert np.array_equal(read.alpha_HW, alpha)


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp"])
def test_formats_without_alpha_show_white_paper(tmp_path: Path, name: str) -> None:
    alpha = np.zeros((16, 16), np.uint8)
    write_picture(tmp_path / name, np.zeros((16, 16, 3), np.uint8), like=Picture(gradient((16, 16)), alpha))
    read = read_picture(tmp_path / name)
    assert read.alpha_HW is None
    assert read.rgb_HWC.min() > 250


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "A.PNG"])
def test_lossless_formats_give_the_same_pixels(tmp_path: Path, name: str) -> None:
    write_picture(tmp_path / name, gradient((31, 17)))
    assert np.array_equal(read_picture(tmp_path / name).rgb_HWC, gradient((31, 17)))


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.webp"])
def test_lossy_formats_come_near(tmp_path: Path, name: str) -> None:
    write_picture(tmp_path / name, gradient((64, 48)))
    assert np.abs(read_picture(tmp_path / name).rgb_HWC.astype(int) - gradient((64, 48))).mean() < 3


def test_an_rgb_profile_is_kept_and_a_grey_one_is_not(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=profile)
    picture = read_picture(tmp_path / "a.png")
    assert picture.profile == profile
    write_picture(tmp_path / "b.jpg", picture.rgb_HWC, like=picture)
    assert read_picture(tmp_path / "b.jpg").profile == profile
    Image.new("L", (4, 4)).save(tmp_path / "g.png", icc_profile=profile)
    assert read_picture(tmp_path / "g.png").profile is None


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_tiny_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    write_picture(tmp_path / "a.png", gradient(size))
    assert read_picture(tmp_path / "a.png").size == size


def test_resizing_keeps_the_alpha_with_the_picture() -> None:
    picture = Picture(gradient((20, 10)), np.full((10, 20), 99, np.uint8)).resized((8, 30))
    assert picture.rgb_HWC.shape == (30, 8, 3)
    assert picture.alpha_HW is not None
    assert picture.alpha_HW.shape == (30, 8)


def damaged(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tiff", "a.bmp"])
def test_truncated_pictures_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="damaged") as raised:
        read_picture(damaged(tmp_path, name))
    assert "\n" not in str(raised.value)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("Dear diary, " * 50)
    (tmp_path / "empty.png").touch()
    for path, message in (
        (tmp_path / "text.jpg", "not a picture"),
        (tmp_path / "empty.png", "is empty"),
        (tmp_path / "none.png", "does not exist"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(InputError, match=message):
            read_picture(path)


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.png"):
        write_picture(tmp_path / "a.xyz", gradient((4, 4)))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DisplayError, match="cannot write"):
        write_picture(tmp_path / "file" / "a.png", gradient((4, 4)))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DisplayError, match="it is a folder"):
        write_picture(tmp_path / "folder.png", gradient((4, 4)))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.webp", gradient((4, 4)))
    before = (tmp_path / "a.webp").read_bytes()
    with pytest.raises(DisplayError):
        write_picture(tmp_path / "a.webp", np.zeros((2, 17_000, 3), np.uint8))  # wider than WebP can be
    with pytest.raises(DisplayError):
        write_picture(tmp_path / "new" / "deep" / "b.webp", np.zeros((2, 17_000, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["a.webp"]
    assert (tmp_path / "a.webp").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="permission bits are those of POSIX")
def test_a_written_file_has_ordinary_permissions(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", gradient((4, 4)))
    (tmp_path / "plain").touch()
    mode = stat.S_IMODE((tmp_path / "a.png").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
