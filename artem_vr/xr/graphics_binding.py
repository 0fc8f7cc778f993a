"""The OpenGL context that a runtime shares textures with, and the structure that tells the runtime of it."""

import contextlib
import ctypes
import os
import sys
from typing import Any

# GLX is X's: on a Wayland desktop GLFW would open a window of that instead.
if sys.platform.startswith("linux"):
    os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")

import glfw
import moderngl

from artem_vr.errors import DisplayError, GraphicsError
from artem_vr.gl.context import GL_VERSION, create_headless_context
from artem_vr.gl.window import open_window, window_context
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import EGL, Runtime

_EGL_NONE, _EGL_CONFIG_ID = 0x3038, 0x3028
_GLX_FBCONFIG_ID, _GLX_SCREEN, _GLX_VISUAL_ID = 0x8013, 0x800C, 0x800B
_HIDDEN = (64, 64)


class GraphicsContext:
    """An OpenGL context of the kind and version that a runtime takes, current in this thread.

    `kind` is "EGL" (no window system needed), "GLX" or "WGL" (in a window that is never seen). Outlives sessions.
    Raises `GraphicsError` or `DisplayError` where there is none.
    """

    ctx: moderngl.Context

    def __init__(self, runtime: Runtime) -> None:
        self._window: Any = None
        # Drivers hand out the version that was asked for, and many runtimes want a newer one than we do.
        version = max(GL_VERSION, lowest_version(runtime))
        with contextlib.ExitStack() as opened:
            if EGL in runtime.extensions:
                self.kind = "EGL"
                self.ctx = create_headless_context(version)
            else:
                self.kind = "WGL" if sys.platform == "win32" else "GLX"
                self._window = _hidden_window(opened, version)
                self.ctx = window_context(self._window)
            opened.callback(self.ctx.release)
            self._opened = opened.pop_all()

    def binding(self) -> Any:
        """The structure to chain to `xr.SessionCreateInfo`; makes the context current."""
        if self._window is not None:
            glfw.make_context_current(self._window)
        else:
            self.ctx.__enter__()
        return {"EGL": _egl, "GLX": _glx, "WGL": _wgl}[self.kind]()

    def check_version(self, runtime: Runtime) -> None:
        """What OpenXR wants asked before a session. Raises `GraphicsError` for a context that is too old."""
        lowest = lowest_version(runtime)
        here = self.ctx.version_code // 100, self.ctx.version_code % 100 // 10
        if here < lowest:
            raise GraphicsError(
                f"the runtime asks for OpenGL {lowest[0]}.{lowest[1]} and the driver has {here[0]}.{here[1]}:"
                " update the graphics driver"
            )

    def close(self) -> None:
        """Ends the context and its window. May be called twice."""
        self._opened.close()


def lowest_version(runtime: Runtime) -> tuple[int, int]:
    """The oldest OpenGL that a runtime takes. Raises what OpenXR raises."""
    asked = xr.get_opengl_graphics_requirements_khr(runtime.instance, runtime.system).min_api_version_supported
    return asked.major, asked.minor


def _hidden_window(opened: contextlib.ExitStack, version: tuple[int, int]) -> Any:
    interfaces = (glfw.NATIVE_CONTEXT_API,)
    try:
        return open_window(opened, _HIDDEN, "Art'Em VR", visible=False, interfaces=interfaces, version=version)
    except DisplayError as error:
        why = str(error).partition(":")[0]
        raise DisplayError(
            f"this OpenXR runtime takes OpenGL from a window system only, and there is {why}: start it from a desktop"
        ) from error


def _library(*names: str) -> Any:
    for name in names:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    raise DisplayError(f"{names[0]} is not there: install the graphics driver")


def _function(library: Any, name: str, result: Any = ctypes.c_void_p, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def _egl() -> Any:
    library = _library("libEGL.so.1", "libEGL.so")
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    display = _function(library, "eglGetCurrentDisplay")()
    context = _function(library, "eglGetCurrentContext")()
    number = integer()
    query = _function(library, "eglQueryContext", integer, pointer, pointer, integer, ctypes.POINTER(integer))
    query(display, context, _EGL_CONFIG_ID, ctypes.byref(number))
    config, count = pointer(), integer()
    choose = _function(
        library, "eglChooseConfig", integer, pointer, pointer, ctypes.POINTER(pointer), integer, ctypes.POINTER(integer)
    )
    choose(
        display, (integer * 3)(_EGL_CONFIG_ID, number.value, _EGL_NONE), ctypes.byref(config), 1, ctypes.byref(count)
    )
    find = xr.PFN_xrEglGetProcAddressMNDX(ctypes.cast(library.eglGetProcAddress, pointer).value)
    binding = xr.GraphicsBindingEGLMNDX
    kinds = dict(binding._fields_)
    return binding(
        get_proc_address=find,
        display=kinds["display"](display),
        config=kinds["config"](config.value),
        context=kinds["context"](context),
    )


def _glx() -> Any:
    library = _library("libGL.so.1", "libGLX.so.0")
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    display = _function(library, "glXGetCurrentDisplay")()
    context = _function(library, "glXGetCurrentContext")()
    drawable = _function(library, "glXGetCurrentDrawable", ctypes.c_ulong)()
    if not display or not context:
        raise DisplayError(
            "the OpenGL context is not GLX's, which this OpenXR runtime takes: start it under X or XWayland"
        )
    query = _function(library, "glXQueryContext", integer, pointer, pointer, integer, ctypes.POINTER(integer))
    number, screen = integer(), integer()
    query(display, context, _GLX_FBCONFIG_ID, ctypes.byref(number))
    query(display, context, _GLX_SCREEN, ctypes.byref(screen))
    choose = _function(
        library, "glXChooseFBConfig", ctypes.POINTER(pointer), pointer, integer, pointer, ctypes.POINTER(integer)
    )
    count = integer()
    configs = choose(display, screen, (integer * 3)(_GLX_FBCONFIG_ID, number.value, 0), ctypes.byref(count))
    if not configs or not count.value:
        raise DisplayError("the X server does not tell how its OpenGL context is made: try another graphics driver")
    visual = integer()
    attribute = _function(library, "glXGetFBConfigAttrib", integer, pointer, pointer, integer, ctypes.POINTER(integer))
    attribute(display, configs[0], _GLX_VISUAL_ID, ctypes.byref(visual))
    binding = xr.GraphicsBindingOpenGLXlibKHR
    kinds = dict(binding._fields_)
    return binding(
        x_display=ctypes.cast(display, kinds["x_display"]),
        visualid=visual.value,
        glx_fbconfig=ctypes.cast(configs[0], kinds["glx_fbconfig"]),
        glx_drawable=drawable,
        glx_context=ctypes.cast(context, kinds["glx_context"]),
    )


def _wgl() -> Any:
    library = ctypes.windll.opengl32  # type: ignore[attr-defined,unused-ignore]
    device = _function(library, "wglGetCurrentDC")()
    context = _function(library, "wglGetCurrentContext")()
    return xr.GraphicsBindingOpenGLWin32KHR(h_dc=device, h_glrc=context)
