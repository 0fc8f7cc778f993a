"""Which OpenXR runtime is the active one, found as the OpenXR loader finds it, without loading anything."""

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

_REGISTRY_KEY = r"SOFTWARE\Khronos\OpenXR\1"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a runtime's manifest says: its name, its library, and whether that library is known not to be there."""

    name: str
    library: str
    library_is_missing: bool


def active_runtime() -> Path | None:
    """The manifest of the active runtime: the XR_RUNTIME_JSON variable's, else the system's; None where there is none.

    The manifest that XR_RUNTIME_JSON names is returned even when no such file exists.
    """
    if named := os.environ.get("XR_RUNTIME_JSON"):
        return Path(named)
    if sys.platform == "win32":
        return _from_registry()
    return next((path for path in _candidates() if path.is_file()), None)


def read(manifest: Path) -> Runtime:
    """Reads a manifest. Raises OSError or ValueError with the path when it cannot be read or is not one."""
    try:
        runtime = json.loads(manifest.read_text())["runtime"]
        library = str(runtime["library_path"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{manifest} is not an OpenXR runtime manifest") from error
    # A bare file name is looked up by the system's linker; anything else is relative to the manifest.
    is_path = "/" in library or "\\" in library
    missing = is_path and not (manifest.resolve().parent / library).exists()
    return Runtime(str(runtime.get("name") or Path(library).stem), library, missing)


def _candidates() -> list[Path]:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    shared = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    folders = [home, *(Path(entry) for entry in shared.split(":") if entry), Path("/usr/local/etc"), Path("/etc")]
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    names = (f"active_runtime.{machine}.json", "active_runtime.json")
    return [folder / "openxr" / "1" / name for folder in folders for name in names]


def _from_registry() -> Path | None:
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _REGISTRY_KEY) as key:  # type: ignore[attr-defined,unused-ignore]
            return Path(str(winreg.QueryValueEx(key, "ActiveRuntime")[0]))  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return None
