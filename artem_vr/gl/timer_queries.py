"""Timer queries of OpenGL, which moderngl has only in the kind that waits.

Importing this takes 12 ms, so it is done when somebody wants to know. PyOpenGL finds the functions, whatever the window
system; its own bindings of them would take ten times as long to import.
"""

import ctypes
from typing import Any

import moderngl
import OpenGL

# Before anything else of PyOpenGL: its own checks report errors that others left behind.
OpenGL.ERROR_CHECKING = False
from OpenGL.platform import PLATFORM  # noqa: E402

from artem_vr.gl.context import is_software  # noqa: E402

_TIMESTAMP, _COUNTER_BITS, _RESULT, _RESULT_AVAILABLE = 0x8E28, 0x8864, 0x8866, 0x8867
_UINT, _INT = ctypes.c_uint, ctypes.c_int
_LOWEST_VERSION = 330


class GlTimerQueries:
    """See `artem_vr.gl.timer.TimerQueries`. The context must be current whenever it is used.

    Software OpenGL collects all commands for a framebuffer and carries them out tile by tile, stamps with them: one
    before and one behind a drawing would show the same time. There each stamp sends off what was collected, which
    waits for nothing and takes 25 microseconds. Graphics cards get no such call.

    Raises `AttributeError` where OpenGL lacks a function.
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        if ctx.version_code < _LOWEST_VERSION:
            raise AttributeError(f"OpenGL {ctx.version_code} has no timer queries")
        pointer = ctypes.c_void_p
        self._generate = _function("glGenQueries", _INT, pointer)
        self._delete = _function("glDeleteQueries", _INT, pointer)
        self._stamp = _function("glQueryCounter", _UINT, _UINT)
        self._number = _function("glGetQueryObjectiv", _UINT, _UINT, pointer)
        self._long_number = _function("glGetQueryObjectui64v", _UINT, _UINT, pointer)
        self._integer = _function("glGetInteger64v", _UINT, pointer)
        self._send_off = PLATFORM.GL.glFlush if is_software(ctx) else None
        self._short, self._long, self._signed = _INT(), ctypes.c_uint64(), ctypes.c_int64()
        self._at_short, self._at_long = ctypes.addressof(self._short), ctypes.addressof(self._long)
        ask = _function("glGetQueryiv", _UINT, _UINT, pointer)
        ask(_TIMESTAMP, _COUNTER_BITS, self._at_short)
        self.counter_bits = int(self._short.value)

    def create(self, count: int) -> list[int]:
        """New queries."""
        names = (_UINT * count)()
        self._generate(count, names)
        return list(names)

    def stamp(self, query: int) -> None:
        """Has the device write its time when it gets here."""
        self._stamp(query, _TIMESTAMP)
        if self._send_off is not None:
            self._send_off()

    def is_available(self, query: int) -> bool:
        """True when that has happened. Never waits."""
        self._number(query, _RESULT_AVAILABLE, self._at_short)
        return bool(self._short.value)

    def nanoseconds(self, query: int) -> int:
        """The stamp; waits for it if it is not available."""
        self._long_number(query, _RESULT, self._at_long)
        return int(self._long.value)

    def now(self) -> int:
        """The device's clock at this moment, whatever it still has to do."""
        self._integer(_TIMESTAMP, ctypes.addressof(self._signed))
        return int(self._signed.value)

    def delete(self, queries: list[int]) -> None:
        """Gives them back."""
        self._delete(len(queries), (_UINT * len(queries))(*queries))


def _function(name: str, *arguments: Any) -> Any:
    address = PLATFORM.getExtensionProcedure(name.encode())
    if not address:
        raise AttributeError(f"OpenGL has no {name}")
    return PLATFORM.functionTypeFor(PLATFORM.GL)(None, *arguments)(address)
