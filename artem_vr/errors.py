"""What can go wrong, as a small tree.

Every message is one line that says what happened and what to do about it. The command line prints it and
ends with exit code 2; a library user catches `ArtemError`.
"""

import difflib
from collections.abc import Iterable


class ArtemError(Exception):
    """The root of everything this package raises on purpose."""


class UsageError(ArtemError):
    """A request that makes no sense: an unknown style, a size of zero, two options that exclude each other."""


class InputError(ArtemError):
    """A file, a folder or a camera that is missing, unreadable or not what it says it is."""


class ModelError(ArtemError):
    """A network file that is missing, corrupt, of an unknown kind, or in a format that is never loaded."""


class EngineError(ArtemError):
    """The engine cannot start on this machine, or failed while it ran."""


class GraphicsError(ArtemError):
    """OpenGL is not there, too old, or a shader does not build."""


class DisplayError(ArtemError):
    """No window, no screen, or the output cannot be written."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """One line for a name that does not exist, with the nearest ones (or all, when none is near)."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if near:
        return f"unknown {kind} '{name}': did you mean {' or '.join(near)}?"
    return f"unknown {kind} '{name}': choose from {', '.join(names)}"
