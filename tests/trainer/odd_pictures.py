"""Pictures as files hold them in the wild, and the ways of packing a folder of them."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from banks import picture
from PIL import Image


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(seed: int, height: int = 40, width: int = 52) -> bytes:
    return encoded(Image.fromarray(picture(height, width, seed)), "JPEG", quality=90)


def png16(grey: np.ndarray | None = None) -> bytes:
    if grey is None:
        grey = np.linspace(0, 65535, 40 * 52).reshape(40, 52).astype(np.uint16)
    return encoded(Image.fromarray(grey))


def turned(orientation: int, image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, "PNG", exif=exif)


def make_photos(folder: Path, count: int = 23) -> Path:
    """JPEGs in two folders."""
    for number in range(count):
        path = folder / ("a" if number % 3 else "b") / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
    return folder


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def files_below(folder: Path, prefix: str = "") -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {prefix + path.relative_to(folder).as_posix(): path.read_bytes() for path in reversed(files)}
