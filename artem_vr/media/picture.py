"""Picture files of every common kind, read as upright 8-bit RGB and written back alike."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from artem_vr.errors import DisplayError, InputError
from artem_vr.frame import Size
from artem_vr.media.pending_file import PendingFile

_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".bmp": ("BMP", {}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
}
PICTURES_WRITTEN = frozenset(_FORMATS)
"""Suffixes that `write_picture` knows."""

_WITHOUT_ALPHA = ("JPEG", "BMP")
_WITHOUT_PROFILE = ("BMP",)
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a picture file holds, with the pixels the right way up.

    `rgb_HWC` is uint8 sRGB-encoded, or in the RGB space of `profile` (an ICC profile) where there is one.
    `alpha_HW` is uint8, None when everything is opaque. `grey` tells that the file had no colours.
    """

    rgb_HWC: NDArray[np.uint8]
    alpha_HW: NDArray[np.uint8] | None = None
    grey: bool = False
    profile: bytes | None = None

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.rgb_HWC.shape[1], self.rgb_HWC.shape[0]

    def resized(self, size: Size) -> "Picture":
        """The same picture at another size (Lanczos)."""
        alpha = None if self.alpha_HW is None else _resize(self.alpha_HW, size)
        return Picture(_resize(self.rgb_HWC, size), alpha, self.grey, self.profile)


def read_picture(path: Path) -> Picture:
    """Reads a picture: EXIF rotation applied; palette, grey, 16-bit and CMYK turned into 8-bit RGB.

    Raises `InputError` when the file is missing, truncated or not a picture.
    """
    if not path.exists():
        raise InputError(f"picture {path} does not exist: check the path")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a picture file in it, or use folder:{path}")
    try:
        with Image.open(path) as image:
            image.load()
            return _picture(ImageOps.exif_transpose(image))
    except PermissionError as error:
        raise InputError(f"cannot read picture {path}: {error.strerror}") from error
    except _BROKEN as error:
        if path.stat().st_size == 0:
            raise InputError(f"picture {path} is empty: the file has no bytes") from error
        raise InputError(f"picture {path} cannot be read: it is damaged or not a picture") from error


def write_picture(path: Path, rgb_HWC: NDArray[np.uint8], like: Picture | None = None) -> None:
    """Writes uint8 RGB in the format of the suffix, with the transparency and colour profile of `like`.

    Formats without transparency (jpg, bmp) show the picture on white. The file appears whole or not at all. Raises
    `InputError` for an unknown suffix, `DisplayError` when the place cannot be written.
    """
    check_picture_suffix(path)
    file_format, options = _FORMATS[path.suffix.lower()]
    image = Image.fromarray(np.ascontiguousarray(rgb_HWC))
    if like is not None and like.alpha_HW is not None:
        image.putalpha(Image.fromarray(like.alpha_HW))
        if file_format in _WITHOUT_ALPHA:
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image).convert("RGB")
    if like is not None and like.profile is not None and file_format not in _WITHOUT_PROFILE:
        options = {**options, "icc_profile": like.profile}
    with PendingFile(path) as pending:
        try:
            image.save(pending.path, format=file_format, **options)
        except (OSError, ValueError, struct.error) as error:
            raise DisplayError(f"cannot write {path}: {error}") from error
        pending.commit()


def check_picture_suffix(path: Path) -> None:
    """Raises `InputError` when `write_picture` does not know the suffix of this path."""
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"cannot write {path.name}: the name of a picture ends in .png, .jpg, .webp, .bmp or .tiff")


def _picture(image: Image.Image) -> Picture:
    grey = image.mode.startswith(_GREY_MODES) and not image.mode.startswith("LAB")
    profile = _rgb_profile(image)
    image = _to_eight_bits(image)
    if image.mode == "CMYK":
        image = _from_cmyk(image)
    if not image.has_transparency_data:
        return Picture(np.asarray(image.convert("RGB")), None, grey, profile)
    rgba_HWC = np.asarray(image.convert("RGBA"))
    alpha_HW = np.ascontiguousarray(rgba_HWC[..., 3])
    return Picture(np.ascontiguousarray(rgba_HWC[..., :3]), None if alpha_HW.min() == 255 else alpha_HW, grey, profile)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion of these modes to 8 bits clips, it does not scale.
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    if image.mode == "F":
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
    else:
        scale = 1.0 if image.mode == "I" and values.max(initial=0) <= 255 else 255 / 65535
    return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))


def _from_cmyk(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a broken profile: the plain conversion is near enough
        if converted is not None:
            return converted
    return image.convert("RGB")


def _rgb_profile(image: Image.Image) -> bytes | None:
    """The ICC profile, where it also fits the RGB pixels that are made of the image."""
    profile = image.info.get("icc_profile")
    fits = image.mode in ("RGB", "RGBA", "P") and isinstance(profile, bytes) and profile[16:20] == b"RGB "
    return profile if fits else None


def _resize(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
