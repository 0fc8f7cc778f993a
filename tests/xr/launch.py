"""The Python that the OpenXR tests run in: one that can load the runtime, in a home of its own, one on a machine."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from forwarding import Say, UnavailableError
from monado import NoRuntimeError, find_runtime
from other_pytest import Interpreter

_LOCK = Path(tempfile.gettempdir()) / "artem-vr-openxr-tests.lock"
_PATIENCE_S = 300.0


@contextmanager
def python_with_runtime(say: Say, lock_file: Path = _LOCK) -> Iterator[Interpreter]:
    try:
        runtime = find_runtime()
    except NoRuntimeError as error:
        raise UnavailableError(f"no OpenXR runtime: run make openxr-runtime ({error})") from None
    with (
        sole_use(say, lock_file) as lock,
        # The runtime and the service keep settings, a socket and caches in the home: not in the person's own.
        tempfile.TemporaryDirectory(prefix="artem-vr-xr-", ignore_cleanup_errors=True) as home,
    ):
        # The other Python holds the lock too, in case that it outlives this one.
        yield Interpreter(runtime.prefix, runtime.client_environment(Path(home)), (lock.fileno(),))


@contextmanager
def sole_use(say: Say, path: Path, patience: float = _PATIENCE_S) -> Iterator[IO[Any]]:
    """Waits until no other OpenXR tests run on this machine: their services would want the same port."""
    if not path.exists():
        path.touch()
        path.chmod(0o644)
    deadline = time.monotonic() + patience
    with path.open("rb") as lock:  # to lock it, another person's file need only be readable
        is_waiting = False
        while not _try_to_lock(lock):
            if not is_waiting:
                is_waiting = True
                say(f"Other OpenXR tests run on this machine: waiting for them, up to {patience:.0f} s")
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"other OpenXR tests have run on this machine for {patience:.0f} s ({path} is locked)"
                )
            time.sleep(0.1)
        yield lock


def _try_to_lock(file: IO[Any]) -> bool:
    import fcntl  # not on Windows, where there is no runtime to be had either

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
