"""Standalone OpenGL contexts, and what a context runs on."""

import sys
from typing import Any

import moderngl

from artem_vr.errors import GraphicsError

GL_VERSION = 3, 3
"""What this program draws with."""
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swr", "software", "gdi generic", "basic render")


def create_headless_context(version: tuple[int, int] = GL_VERSION) -> moderngl.Context:
    """A context without a window, of at least that version: EGL on Linux, the system's own way elsewhere.

    Raises `GraphicsError` with the packages to install.
    """
    options: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
    try:
        return moderngl.create_context(standalone=True, require=100 * version[0] + 10 * version[1], **options)
    except Exception as error:  # glcontext raises bare Exceptions, whatever the cause
        raise GraphicsError(
            f"OpenGL {version[0]}.{version[1]} is not available ({error}): install the graphics driver, "
            "or software OpenGL (Debian: apt install libegl1 libgl1 libgl1-mesa-dri)"
        ) from error


def renderer(ctx: moderngl.Context) -> str:
    """The name of the device that draws."""
    return str(ctx.info["GL_RENDERER"])


def is_software(ctx: moderngl.Context) -> bool:
    """True when the processor draws, so that every fetched texel counts."""
    return any(name in renderer(ctx).lower() for name in _SOFTWARE)
