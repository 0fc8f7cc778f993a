"""Monado, an OpenXR runtime that needs no headset: where this machine has one, and a service that tests start and stop.

It is the system's own, if one is installed, or the one that `make openxr-runtime` has unpacked into a folder. The
unpacked one is newer than many a system: its programs run on the C library that came with it, through that library's
`ld.so`, and so does a Python that is to load it.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from remote import PORT

from artem_vr import openxr_manifest

FOLDER_VARIABLE = "ARTEM_VR_OPENXR_RUNTIME"
_OLDEST = 25  # the first Monado whose remote driver speaks as remote.py does
_START_S, _STOP_S = 20.0, 10.0


class NoRuntimeError(Exception):
    """There is no OpenXR runtime that these tests could run against."""


class ServiceError(Exception):
    """The service does not do what it was told to."""


@dataclass(frozen=True)
class Runtime:
    """A Monado: its service, the manifest by which clients find it, and the folder it is unpacked in, if it is."""

    service: Path
    manifest: Path
    unpacked: Path | None = None

    @property
    def _loader(self) -> list[str]:
        """What a command starts with so that it finds the unpacked libraries.

        LD_LIBRARY_PATH would do the same, but the system's programs inherit it and break on those libraries.
        """
        if self.unpacked is None:
            return []
        libraries = self.unpacked / "usr/lib/x86_64-linux-gnu"
        folders = [libraries, *(libraries / name for name in ("blas", "lapack", "pulseaudio")), libraries.parent]
        return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", ":".join(map(str, folders))]

    @property
    def prefix(self) -> list[str]:
        """The command that starts this Python so that it can load the runtime; its arguments follow."""
        if self.unpacked is None:
            return [sys.executable]
        # A virtual environment is found by the name that Python was called by, not by the file that is run.
        return [*self._loader, "--argv0", sys.executable, os.path.realpath(sys.executable)]

    @property
    def service_command(self) -> list[str]:
        return [*self._loader, str(self.service)]

    def client_environment(self, home: Path) -> dict[str, str]:
        """The variables of a program that opens OpenXR sessions. What it and the service write is below `home`.

        With each instance the runtime lists some facts on stderr. OXR_NO_PRINTING would silence that, but also what
        the runtime has to say about a call that failed.
        """
        variables = dict(
            os.environ,
            HOME=str(home),
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_CACHE_HOME=str(home / "cache"),
            XDG_RUNTIME_DIR=str(home / "run"),
            XR_RUNTIME_JSON=str(self.manifest),
        )
        if self.unpacked is not None:
            # So that a tested client finds this runtime again, though its HOME is another.
            variables[FOLDER_VARIABLE] = str(self.unpacked.parent)
            variables["VK_DRIVER_FILES"] = str(self.unpacked / "usr/share/vulkan/icd.d/lvp_icd.json")
            variables["__EGL_VENDOR_LIBRARY_DIRS"] = str(self.unpacked / "usr/share/glvnd/egl_vendor.d")
            variables["GBM_BACKENDS_PATH"] = str(self.unpacked / "usr/lib/x86_64-linux-gnu/gbm")
        return variables

    def environment(self, window: str | None, home: Path) -> dict[str, str]:
        """The variables of the service, which shows in a window on that X display, or shows nothing."""
        variables = self.client_environment(home)
        # The headset and the controllers are those of its remote driver, whatever is plugged in.
        variables["P_OVERRIDE_ACTIVE_CONFIG"] = "remote"
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            variables.pop(name, None)
        if window is None:
            variables["XRT_COMPOSITOR_NULL"] = "1"
        else:
            variables.update(DISPLAY=window, XRT_COMPOSITOR_FORCE_XCB="1")
        return variables


def find_runtime() -> Runtime:
    """The runtime in the folder that ARTEM_VR_OPENXR_RUNTIME names, the system's own, or the one fetched before."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return _unpacked(Path(named))
    try:
        return _installed()
    except NoRuntimeError as installed:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        try:
            return _unpacked(cache / "artem-vr" / "openxr")
        except NoRuntimeError as unpacked:
            raise NoRuntimeError(f"{installed}; {unpacked}") from None


def _unpacked(folder: Path) -> Runtime:
    root = folder.resolve() / "root"
    service, manifest = root / "usr/bin/monado-service", root / "usr/share/openxr/1/openxr_monado.json"
    if not (service.is_file() and manifest.is_file()):
        raise NoRuntimeError(f"{folder} holds none")
    return Runtime(service, manifest, root)


def _installed() -> Runtime:
    found = shutil.which("monado-service")
    if found is None:
        raise NoRuntimeError("monado-service is not installed")
    service = Path(found).resolve()
    packaged = service.parent.parent / "share/openxr/1/openxr_monado.json"
    manifest = packaged if packaged.is_file() else openxr_manifest.active_runtime()
    if manifest is None or not _is_monados(manifest):
        raise NoRuntimeError(f"{service} has no manifest")
    version = _version(service)
    if version is None or version < _OLDEST:
        raise NoRuntimeError(f"{service} is older than Monado {_OLDEST}")
    return Runtime(service, manifest)


def _is_monados(manifest: Path) -> bool:
    try:
        return "monado" in openxr_manifest.read(manifest).name.lower()
    except (OSError, ValueError):
        return False


def _version(service: Path) -> int | None:
    """The service says its version only when it starts; without an input it then ends at once."""
    with tempfile.TemporaryDirectory(prefix="artem-vr-xr-") as home:
        environment = {**os.environ, "XDG_RUNTIME_DIR": home, "XDG_CONFIG_HOME": home, "XRT_COMPOSITOR_NULL": "1"}
        try:
            run = subprocess.run(
                [service], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    said = re.search(rb"Monado\S* .*?'v?(\d+)\.", run.stdout + run.stderr)
    return int(said[1]) if said else None


class Service:
    """Monado's service, which an OpenXR client needs running. One machine runs one at a time.

    stop() and kill() may be called at any time, and start() afterwards.
    """

    def __init__(self, runtime: Runtime, home: Path) -> None:
        self._runtime = runtime
        self._home = home
        self._log = home / "service.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the service said since it was started last."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self, window: str | None = None, **settings: str) -> None:
        """Starts it with no display at all, or with a window on the X display of that name. Returns when it is ready.
        `settings` are further variables of its own.

        Raises ServiceError with the end of its log.
        """
        if self.is_running:
            raise ServiceError("the service runs already")
        environment = {**self._runtime.environment(window, self._home), **settings}
        runtime_dir = Path(environment["XDG_RUNTIME_DIR"])
        runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        door = runtime_dir / "monado_comp_ipc"
        door.unlink(missing_ok=True)  # one that was killed left it behind, and the next would not start
        if _listens(PORT):
            raise ServiceError(f"port {PORT} is taken: another Monado with a remote driver runs on this machine")
        with self._log.open("wb") as log:
            # Whatever comes from its input ends the service. A pipe keeps quiet, and is closed when this process dies.
            self._process = subprocess.Popen(
                self._runtime.service_command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while not (door.exists() and _listens(PORT)):
            if not self.is_running or time.monotonic() > deadline:
                self.kill()
                raise ServiceError("the service did not start. The end of its log:\n" + self.log[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it as it wants to be ended, and by force if it does not."""
        if self._process is None:
            return
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._process.communicate(b"\n", timeout=_STOP_S)
        self.kill()

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None


def _listens(port: int) -> bool:
    """Whether something on this machine listens there; asked without connecting, which Monado would take for one."""
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(fields[1].endswith(wanted) and fields[3] == "0A" for fields in map(str.split, lines))
