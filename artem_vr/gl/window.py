"""Windows of GLFW and the OpenGL contexts in them."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

import glfw
import moderngl

from artem_vr.errors import DisplayError
from artem_vr.frame import Size
from artem_vr.gl.context import GL_VERSION

# With GLX, X ends the process when the thread still holds a headless context, which is EGL's on Linux.
INTERFACES = (
    (glfw.EGL_CONTEXT_API, glfw.NATIVE_CONTEXT_API) if sys.platform.startswith("linux") else (glfw.NATIVE_CONTEXT_API,)
)
"""How a window may get its context: what to try first comes first."""


class _Loader:
    """Lets moderngl find OpenGL through GLFW, whatever the window system."""

    def __init__(self, window: Any) -> None:
        self._window = window

    def load_opengl_function(self, name: str) -> Any:
        return glfw.get_proc_address(name) or 0

    def __enter__(self) -> None:
        glfw.make_context_current(self._window)

    def __exit__(self, *error: object) -> None:
        pass

    def release(self) -> None:
        """The window owns the context."""


def open_window(
    opened: contextlib.ExitStack,
    size: Size,
    title: str,
    visible: bool = True,
    interfaces: Sequence[int] = INTERFACES,
    version: tuple[int, int] = GL_VERSION,
) -> Any:
    """A GLFW window with a current context, to be closed by `opened`. The first of the `interfaces` that works is used.

    Raises `DisplayError` without a screen or without OpenGL of at least that `version`.
    """
    # GLFW's own report is a warning with a stack; the reason belongs into our one line.
    reasons: list[str] = []

    def note(code: int, text: Any) -> None:
        reasons.append(text.decode(errors="replace") if isinstance(text, bytes) else text)

    glfw.set_error_callback(note)
    if not glfw.init():
        raise DisplayError(f"no screen ({'; '.join(reasons) or 'unknown cause'}): use --headless")
    opened.callback(glfw.terminate)
    glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, version[0])
    glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, version[1])
    glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
    glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
    glfw.window_hint(glfw.VISIBLE, visible)
    window = None
    for interface in interfaces:
        glfw.window_hint(glfw.CONTEXT_CREATION_API, interface)
        window = window or glfw.create_window(*size, title, None, None)
    if not window:
        reason = "; ".join(reasons) or "unknown cause"
        raise DisplayError(
            f"no window with OpenGL {version[0]}.{version[1]} ({reason}): install the graphics driver or use --headless"
        )
    opened.callback(glfw.destroy_window, window)
    glfw.make_context_current(window)
    return window


def window_context(window: Any) -> moderngl.Context:
    """The context of a window, for moderngl. Raises `DisplayError` when it is too old."""
    loader: Any = _Loader(window)
    try:
        return moderngl.create_context(require=330, context=loader)
    except Exception as error:  # moderngl raises bare Exceptions, whatever the cause
        raise DisplayError(
            f"the window has no OpenGL 3.3 ({error}): install the graphics driver or use --headless"
        ) from error
