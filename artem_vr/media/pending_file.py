"""A file that appears under its name only when it is whole."""

import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from artem_vr.errors import DisplayError


class PendingFile:
    """A temporary name in the folder of `target`, which `commit` renames; leaving without it leaves nothing behind.

    Folders that are missing are made, and taken away again when the file does not come. Raises `DisplayError` when
    the place cannot be written.
    """

    def __init__(self, target: Path) -> None:
        if target.is_symlink():
            target = target.resolve()  # the file that it points to is meant, not the link
        self.target = target
        self.path = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
        self._made: list[Path] = []
        self._open = True
        if target.is_dir():
            raise DisplayError(f"cannot write {target}: it is a folder; name a file in it")
        if target.exists() and not target.is_file():
            raise DisplayError(f"cannot write {target}: it is a device, not a file; name a file")
        try:
            self._make_folders()
            # Not tempfile: its files are readable by their owner alone, and stay so after the renaming.
            self.path.open("xb").close()
        except OSError as error:
            self.discard()
            raise DisplayError(f"cannot write {target}: {error.strerror or error}; choose another place") from error

    def commit(self) -> None:
        """Gives the file its name, replacing what had it before."""
        if not self._open:
            return
        try:
            os.replace(self.path, self.target)  # noqa: PTH105  (Path.replace reports the temporary name)
        except OSError as error:
            self.discard()
            raise DisplayError(f"cannot write {self.target}: {error.strerror or error}") from error
        self._open = False

    def discard(self) -> None:
        """Takes the temporary file away. Does nothing after `commit`."""
        if not self._open:
            return
        self._open = False
        try:
            self.path.unlink(missing_ok=True)
            for folder in reversed(self._made):
                folder.rmdir()
        except OSError:
            pass  # somebody else put a file there, or the disk is gone: nothing of ours to save

    def __enter__(self) -> "PendingFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _make_folders(self) -> None:
        missing = [folder for folder in self.target.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._made.append(folder)


class PendingWriter(ABC):
    """What takes time to write its file: as a context manager it closes it at the end, and discards it on an error."""

    @abstractmethod
    def close(self) -> Path | None:
        """Ends the file and gives it its name."""

    @abstractmethod
    def discard(self) -> None:
        """Gives up: no file stays behind. Does nothing after `close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()
