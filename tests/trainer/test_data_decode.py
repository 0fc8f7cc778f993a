import io

import numpy as np
import pytest
from banks import picture
from odd_pictures import encoded, jpeg, png16, turned
from PIL import Image

from trainer.data.decode import UnusablePictureError, decode_rgb

# Pillow remarks upon damage that it can live with.
pytestmark = [pytest.mark.filterwarnings("ignore:::PIL")]
PHOTO = Image.fromarray(picture(40, 52, 3))


def decoded(content: bytes, shortest_side: int = 1) -> np.ndarray:
    return decode_rgb(io.BytesIO(content), shortest_side)


def reason_of(content: bytes, shortest_side: int = 1) -> str:
    with pytest.raises(UnusablePictureError) as error:
        decoded(content, shortest_side)
    assert str(error.value)
    return error.value.reason


def test_a_plain_jpeg_is_what_pillow_makes_of_it() -> None:
    content = jpeg(1)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(decoded(content), expected) and decoded(content).dtype == np.uint8


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("L", "PNG"), ("P", "PNG"), ("1", "PNG"), ("P", "GIF"), ("RGB", "TIFF"),
     ("CMYK", "TIFF"), ("RGB", "WEBP"), ("RGB", "BMP"), ("RGB", "PPM")],
)  # fmt: skip
def test_every_mode_becomes_rgb(mode: str, kind: str) -> None:
    rgb = decoded(encoded(PHOTO.convert(mode), kind))
    assert rgb.shape == (40, 52, 3) and rgb.dtype == np.uint8
    reference = np.asarray(PHOTO if mode in {"RGB", "CMYK", "P"} else PHOTO.convert("L").convert("RGB"), float)
    # Black and white dots and a palette are only right on the average.
    assert abs(rgb.mean((0, 1)) - reference.mean((0, 1))).max() < 6


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    grey = np.random.default_rng(0).integers(0, 65536, (40, 52)).astype(np.uint16)
    grey[0, :3] = 0, 65535, 256
    rgb = decoded(png16(grey))
    assert np.array_equal(rgb[..., 0], (grey / 257).round())
    assert np.array_equal(rgb[..., 0], rgb[..., 2])


def test_what_is_transparent_is_laid_on_mid_grey() -> None:
    rgba = np.dstack([picture(40, 52, 3), np.full((40, 52), 255, np.uint8)])
    rgba[:20, :, 3] = 0
    rgba[20:30, :, 3] = 51
    rgb = decoded(encoded(Image.fromarray(rgba)))
    assert (rgb[:20] == 128).all()
    assert abs(rgb[20:30] - (0.2 * rgba[20:30, :, :3] + 0.8 * 128)).max() <= 1
    assert np.array_equal(rgb[30:], rgba[30:, :, :3])
    palette = PHOTO.convert("P")
    index = palette.getpixel((0, 0))
    laid = decoded(encoded(palette, "PNG", transparency=index))
    assert (laid[np.asarray(palette) == index] == 128).all() and (laid[np.asarray(palette) != index] != 128).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_upright(orientation: int) -> None:
    # What a camera stores so that the picture is upright once it is turned: the inverse of each turn, by NumPy.
    upright = np.asarray(PHOTO)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    content = turned(orientation, Image.fromarray(np.ascontiguousarray(stored)))
    assert np.array_equal(decoded(content), upright)


@pytest.mark.parametrize("exif", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff"])
def test_rubbish_for_exif_costs_no_picture(exif: bytes) -> None:
    assert decoded(encoded(PHOTO, "JPEG", exif=exif)).shape == (40, 52, 3)


def test_why_a_picture_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jpeg(1)
    assert reason_of(b"") == "broken"
    assert reason_of(b"hello" * 50) == "broken"
    assert reason_of(whole[: len(whole) // 2]) == "broken"
    assert reason_of(whole, shortest_side=41) == "too small"
    assert decoded(whole, shortest_side=40).shape == (40, 52, 3)
    assert reason_of(encoded(Image.new("F", (40, 40)), "TIFF")) == "broken"
    assert reason_of(encoded(Image.fromarray(np.full((40, 40), 70000, np.int32)), "TIFF")) == "broken"
    assert reason_of(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EOF\n") == "broken"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert reason_of(whole) == "too large"


def test_no_damage_raises_anything_else() -> None:
    random = np.random.default_rng(0)
    contents = [jpeg(1), png16(), encoded(PHOTO.convert("P"), "GIF"), encoded(PHOTO, "TIFF"), encoded(PHOTO, "WEBP"),
                turned(6, PHOTO), encoded(PHOTO, "BMP")]  # fmt: skip
    refused = 0
    for number in range(210):
        damaged = bytearray(contents[number % len(contents)])
        for place in random.integers(0, min(len(damaged), 400 if number % 2 else 60), 4):
            damaged[place] = random.integers(256)
        try:
            assert decoded(bytes(damaged[: random.integers(len(damaged) // 2, len(damaged))])).shape[2] == 3
        except UnusablePictureError:
            refused += 1
    assert refused > 50
