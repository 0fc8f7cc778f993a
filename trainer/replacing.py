"""Files that are never half-written: a temporary name beside the real one, renamed when all is in it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from artem_vr.errors import UsageError


@contextmanager
def replacing(path: Path, what: str) -> Iterator[Path]:
    """Gives the temporary name to write to; whatever goes wrong, nothing of it stays and the old file does.

    `what` is what the file is called in the `UsageError` that is raised when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise UsageError(f"cannot write {what} {path}: {error}") from error
    finally:
        with suppress(OSError):  # on a read-only disk even this fails
            temporary.unlink(missing_ok=True)
