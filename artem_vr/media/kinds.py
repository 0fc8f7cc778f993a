"""Which files are pictures and which are videos, by their names."""

import re
from pathlib import Path

from artem_vr.errors import InputError

PICTURES_READ = frozenset(
    ".png .jpg .jpeg .jfif .webp .bmp .tif .tiff .gif .ppm .pgm .pnm .tga .avif .jp2".split()  # noqa: SIM905
)
"""Suffixes that are taken for pictures. What is in the file is found out when it is read."""

VIDEOS_READ = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .wmv .flv .ogv .3gp".split()  # noqa: SIM905
)
"""Suffixes that are taken for videos."""

_DIGITS = re.compile(r"(\d+)")


def is_picture(path: Path) -> bool:
    """True when the name is that of a picture file."""
    return path.suffix.lower() in PICTURES_READ


def is_video(path: Path) -> bool:
    """True when the name is that of a video file."""
    return path.suffix.lower() in VIDEOS_READ


def list_pictures(folder: Path) -> list[Path]:
    """The picture files of a folder in natural order: frame2 before frame10. Hidden files are left out.

    Raises `InputError` when the folder is missing, cannot be read, or has no picture.
    """
    if not folder.exists():
        raise InputError(f"folder {folder} does not exist: check the path")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name the folder that the pictures are in")
    try:
        pictures = [path for path in folder.iterdir() if _is_visible_picture(path)]
    except OSError as error:
        raise InputError(f"cannot read folder {folder}: {error.strerror or error}") from error
    if not pictures:
        raise InputError(f"folder {folder} has no pictures: they must be .png, .jpg, .webp, .bmp or .tiff")
    return sorted(pictures, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that reads runs of digits as numbers."""
    parts = [part for part in _DIGITS.split(name) if part]
    # Numbers sort before letters; the text itself comes last, so that frame01 and frame1 still differ.
    key = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts)
    return (*key, (2, 0, name))


def _is_visible_picture(path: Path) -> bool:
    return not path.name.startswith(".") and is_picture(path) and path.is_file()
