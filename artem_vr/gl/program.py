"""GLSL programs from files, with `#include "name.glsl"` and errors that name the file and the line."""

import re
from pathlib import Path

import moderngl

from artem_vr import resources
from artem_vr.errors import GraphicsError

_INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"\s*$')
# File and line as Mesa and most drivers write them, "0:17", or as NVIDIA's does, "0(17)".
_MESSAGE = re.compile(r"\b(\d+)(?::(\d+)\b|\((\d+)\))")


def load_program(
    ctx: moderngl.Context, vertex: str, fragment: str, defines: dict[str, int | float] | None = None
) -> moderngl.Program:
    """Builds a program from two files of `shaders/`.

    `defines` become `#define NAME value` lines after the `#version` line of both. Raises `GraphicsError` with file
    and line when a file is missing, an include is circular or the compiler objects.
    """
    sources = [ShaderSource.read(resources.shaders() / name, defines or {}) for name in (vertex, fragment)]
    try:
        return ctx.program(vertex_shader=sources[0].text, fragment_shader=sources[1].text)
    except moderngl.Error as error:
        blamed = sources[0] if "vertex_shader" in str(error).lower() else sources[1]
        raise GraphicsError(f"{vertex} + {fragment} does not build: {blamed.name_lines(str(error))}") from error


class ShaderSource:
    """A shader's text after its includes, which remembers where each line came from."""

    def __init__(self, text: str, files: list[str]) -> None:
        self.text = text
        self._files = files

    @classmethod
    def read(cls, path: Path, defines: dict[str, int | float]) -> "ShaderSource":
        """Reads a file, its includes (from `include/` beside it) and puts the defines under `#version`."""
        files: list[str] = []
        lines = _expand(path, path.parent / "include", files, ())
        if not lines or not lines[0].startswith("#version"):
            raise GraphicsError(f"{path.name}: the first line must be '#version 330'")
        header = [f"#define {name} {value}" for name, value in defines.items()]
        return cls("\n".join([lines[0], *header, "#line 2 0", *lines[1:]]) + "\n", files)

    def name_lines(self, message: str) -> str:
        """The compiler's message on one line, its numbers replaced by file names and lines."""

        def name(match: re.Match[str]) -> str:
            string, line = int(match.group(1)), int(match.group(2) or match.group(3))
            return f"{self._files[string]}:{line}" if string < len(self._files) else match.group(0)

        useful = [line.strip() for line in message.splitlines() if _MESSAGE.search(line)]
        return _MESSAGE.sub(name, "; ".join(useful) or " ".join(message.split()))


def _expand(path: Path, includes: Path, files: list[str], open_files: tuple[str, ...]) -> list[str]:
    if path.name in open_files:
        raise GraphicsError(f"{path.name} includes itself: {' -> '.join([*open_files, path.name])}")
    if not path.is_file():
        raise GraphicsError(f"shader {path.name} is missing from {path.parent}: install the package again")
    number = len(files)
    files.append(path.name)
    lines: list[str] = []
    for index, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        include = _INCLUDE.match(line)
        if include:
            lines.append(f"#line 1 {len(files)}")
            lines += _expand(includes / include.group(1), includes, files, (*open_files, path.name))
            lines.append(f"#line {index + 1} {number}")
        else:
            lines.append(line)
    return lines
