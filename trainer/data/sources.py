"""Where pictures come from: a folder tree, an archive, or tar shards in the WebDataset layout.

An archive is read in place. Of a tar the start notes where each picture begins and how long it is; a zip has such a
list at its end; a .tar.gz can only be read from front to back, so its pictures' files are kept in memory. The
`webdataset` library is not used: it streams shards in order and shuffles within a buffer, so that a step's batch
depends on all that was read before it, where a run that is resumed needs any picture at any time.

Nothing is unpacked to disk: a member's name is no more than a label, whatever path it spells, and links, sparse and
special files are no pictures.
"""

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from artem_vr.errors import InputError
from trainer.data.decode import UnusablePictureError
from trainer.data.shards import shards_of_pattern

SUFFIXES = {
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".avif", ".jp2",
}  # fmt: skip
_LARGEST_MEMBER = 256 << 20
_MOST_IN_MEMORY = 2 << 30


class Picture(Protocol):
    """One picture's file, wherever it lies."""

    @property
    def name(self) -> str:
        """A label that no other picture of the same source has: its path there, with slashes."""

    def open(self) -> IO[bytes]:
        """The file's bytes, from any thread. Raises `OSError` or `UnusablePictureError`."""


def find_pictures(path: Path) -> list[Picture]:
    """All pictures of a folder tree, an archive or shards, in the order of their names (shard by shard).

    A folder that holds .tar files and no picture is one of shards. Raises `InputError` when there is nothing of that
    name, or it is not an archive, or a damaged one.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_picture(file.name))
        if files or not (shards := sorted(path.glob("*.tar"))):
            return [_File(file.relative_to(path).as_posix(), file) for file in files]
        return _shards(path, shards)
    if path.exists():
        return _archive(path, "", _is_picture)
    base, shards = shards_of_pattern(path)
    if not shards:
        raise InputError(
            f"there is no folder or archive {path}: set data.root (--set data.root=PATH) to where photos, paintings "
            "and the perceptual network are"
        )
    return _shards(base, shards)


def _shards(base: Path, shards: list[Path]) -> list[Picture]:
    named = [(shard.relative_to(base).as_posix() + "/", shard) for shard in shards]
    return [picture for name, shard in named for picture in _archive(shard, name, _is_sample_picture)]


def _is_picture(name: str) -> bool:
    # "._name.jpg" is what macOS puts beside name.jpg, in archives above all: no picture.
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not PurePosixPath(name).name.startswith("._")


def _is_sample_picture(name: str) -> bool:
    # In a shard all after the first dot says what a file is: 0001.jpg is a picture, 0001.seg.png its labels.
    base, dot, kind = PurePosixPath(name).name.partition(".")
    return bool(base) and (dot + kind).lower() in SUFFIXES


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    path: Path

    def open(self) -> IO[bytes]:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class _Slice:
    """A member of a tar that is not compressed."""

    name: str
    archive: Path
    offset: int
    size: int

    def open(self) -> IO[bytes]:
        _expect_size(self.size)
        with self.archive.open("rb") as file:  # a handle for each reading: no two threads share a position
            file.seek(self.offset)
            return io.BytesIO(file.read(self.size))


@dataclass(frozen=True, slots=True)
class _Zipped:
    name: str
    archive: zipfile.ZipFile  # it locks around each reading, and closes when the last picture is gone
    info: zipfile.ZipInfo

    def open(self) -> IO[bytes]:
        _expect_size(self.info.file_size)
        try:
            return io.BytesIO(self.archive.read(self.info))
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise UnusablePictureError("broken", str(error)) from error
        except (RuntimeError, NotImplementedError) as error:  # a password, a compression that Python lacks
            raise UnusablePictureError("unreadable", str(error)) from error


@dataclass(frozen=True, slots=True)
class _InMemory:
    name: str
    content: bytes

    def open(self) -> IO[bytes]:
        return io.BytesIO(self.content)


def _expect_size(size: int) -> None:
    if size > _LARGEST_MEMBER:
        raise UnusablePictureError("too large", f"a file of {size >> 20} MB")


def _archive(path: Path, prefix: str, is_picture: Callable[[str], bool]) -> list[Picture]:
    name = path.name.lower()
    try:
        if name.endswith(".zip"):
            found = _zip_pictures(path, prefix, is_picture)
        elif name.endswith((".tar", ".tar.gz", ".tgz")):
            found = _tar_pictures(path, prefix, is_picture, name.endswith("gz"))
        else:
            raise InputError(f"{path} is neither a folder nor an archive of pictures (.zip, .tar, .tar.gz)")
        # A name that comes twice was appended anew: the last one counts, as when unpacking.
        named = {picture.name: picture for picture in found}
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read the archive {path}: {error}; copy or pack it again") from error
    return sorted(named.values(), key=lambda picture: PurePosixPath(picture.name).parts)


def _zip_pictures(path: Path, prefix: str, is_picture: Callable[[str], bool]) -> Iterator[Picture]:
    archive = zipfile.ZipFile(path)
    for info in archive.infolist():
        if not stat.S_ISLNK(info.external_attr >> 16) and is_picture(info.filename):
            yield _Zipped(prefix + info.filename, archive, info)


def _tar_pictures(path: Path, prefix: str, is_picture: Callable[[str], bool], packed: bool) -> Iterator[Picture]:
    kept = 0
    with tarfile.open(path, "r:gz" if packed else "r:") as tar:
        for member in tar:
            if not member.isreg() or member.issparse() or not is_picture(member.name):
                continue
            if not packed:
                yield _Slice(prefix + member.name, path, member.offset_data, member.size)
                continue
            kept += member.size
            if kept > _MOST_IN_MEMORY:
                raise InputError(
                    f"{path} holds more than {_MOST_IN_MEMORY >> 30} GB of pictures, which gzip lets nobody reach "
                    "but one after the other: make it a .tar or a .zip"
                )
            file = tar.extractfile(member)  # a stream: nothing is written
            yield _InMemory(prefix + member.name, file.read() if file else b"")
        _expect_end(tar)


def _expect_end(tar: tarfile.TarFile) -> None:
    # A header that is garbage reads like the end: what is there must be empty blocks, or nothing at all.
    if tar.fileobj is not None:
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"it is damaged at byte {tar.offset}")
