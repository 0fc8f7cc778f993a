"""The OpenXR binding, imported in one place, where what is missing becomes one line."""

import os

from artem_vr.errors import DisplayError

# The loader reports each step of a failure on the error stream; what it means is said in one line of ours.
if not os.environ.get("ARTEM_VR_DEBUG"):
    os.environ.setdefault("XR_LOADER_DEBUG", "none")

try:
    import OpenGL

    # PyOpenGL's own checks report errors that others left behind.
    OpenGL.ERROR_CHECKING = False
    import xr
except ImportError as error:
    raise DisplayError(f"OpenXR cannot be used ({error}): python -m pip install --force-reinstall pyopenxr") from error
except (AttributeError, OSError) as error:  # what PyOpenGL raises without libGL
    raise DisplayError("OpenXR needs the system's OpenGL library (Debian: apt install libgl1)") from error
except NotImplementedError as error:
    raise DisplayError("OpenXR runs on Windows and Linux only: use artem-vr preview here") from error

__all__ = ["xr"]
