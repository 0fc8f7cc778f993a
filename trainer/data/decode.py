"""One picture's bytes as RGB: whatever the file holds, it is converted or refused with a reason."""

import warnings
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Photographs' formats alone: Pillow knows others, of which one runs a program to read a file.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000")
# It also remarks upon damage that it can live with, and would do so between the lines that training prints.
warnings.filterwarnings("ignore", module=r"PIL\.")
_BACKDROP = (128, 128, 128, 255)
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnusablePictureError(Exception):
    """A picture that cannot be used: `reason` is a word or two that many share, the text is what is wrong with it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def decode_rgb(source: Path | IO[bytes], shortest_side: int = 1) -> NDArray[Any]:
    """A picture as uint8 RGB (H, W, 3), upright as its EXIF says.

    Grey, palette and CMYK become RGB by Pillow's own conversion (colour profiles are not applied); 16 bits of grey are
    scaled to 8. What is transparent is laid on mid-grey (128): on white or black every cut-out would teach a network
    large areas at the end of the scale. Of an animation the first frame counts. Raises `UnusablePictureError`: "too
    small" (a side below `shortest_side`), "too large" (more pixels than Pillow takes), "unreadable" (the system's
    errors), "broken" (all else).
    """
    try:
        with Image.open(source, formats=_known_formats()) as image:
            if min(image.size) < shortest_side:
                raise UnusablePictureError("too small", f"{image.size[0]}x{image.size[1]} pixels")
            image.load()
            return _to_rgb(_upright(image))
    except UnusablePictureError:
        raise
    except Image.DecompressionBombError as error:
        raise UnusablePictureError("too large", str(error)) from error
    except Exception as error:  # a damaged file makes Pillow stumble in every way there is, and none may end a training
        system = isinstance(error, OSError) and error.errno is not None
        raise UnusablePictureError("unreadable" if system else "broken", str(error) or type(error).__name__) from error


@cache
def _known_formats() -> list[str]:
    Image.init()  # without it Pillow may not have heard of them yet; some builds lack one or the other
    return [name for name in _FORMATS if name in Image.OPEN]


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # the picture itself is whole: it is taken as it lies
        return image
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("its pixels have more than 16 bits")
        return np.repeat(((values * 255 + 32767) // 65535).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of no stated range")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, _BACKDROP), rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))
