"""Where a person's programs keep what they can make or get again."""

import os
import sys
from pathlib import Path

from artem_vr.errors import InputError

CACHE_VARIABLE = "ARTEM_VR_CACHE"
"""The environment variable that names another cache folder."""


def cache_folder() -> Path:
    """Where this user's programs keep what they can get again. It need not exist. Raises `InputError`."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).absolute()
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InputError(f"there is no home folder to keep downloads in: set {CACHE_VARIABLE} to a folder") from error
    if sys.platform == "win32":
        base = _from_environment("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = _from_environment("XDG_CACHE_HOME") or home / ".cache"
    return base / "artem-vr"


def _from_environment(variable: str) -> Path | None:
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None  # the XDG rules want a relative one ignored
