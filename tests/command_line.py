"""The command line in the process of the tests, where what it imports need not be imported again."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from artem_vr.cli import main


class Done(NamedTuple):
    """What a shell would know afterwards."""

    returncode: int
    stdout: str
    stderr: str


class CommandLine:
    """Called with arguments, it runs `artem-vr` with them to the end, as `python -m artem_vr` does.

    What is said is caught where a shell would catch it, so that libraries written in C are heard too.
    """

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *arguments: object, cwd: Path | None = None, **environment: str) -> Done:
        self._capfd.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["artem-vr", *map(str, arguments)])
            for name, value in environment.items():
                patch.setenv(name, value)
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, *self._capfd.readouterr())
