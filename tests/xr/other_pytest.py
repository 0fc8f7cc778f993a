"""A second pytest in another Python, as the first one sees it: started, listened to, and ended.

It writes its reports to a file, one JSON object a line, which the first one reads while the second is still at work.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INSIDE_VARIABLE = "ARTEM_VR_XR_INSIDE"
REPORTS_VARIABLE = "ARTEM_VR_XR_REPORTS"
_DEFAULT_TIMEOUT_S, _GRACE_S, _END_S = 240.0, 60.0, 20.0
_POLL_S = 0.02
_TAIL_LINES = 40


@dataclass(frozen=True)
class Interpreter:
    """How to start the other Python."""

    command: list[str]
    environment: dict[str, str]
    file_descriptors: tuple[int, ...] = ()  # that stay open in it


class OtherPytest:
    """The second pytest, at work on the tests with these node IDs from the start."""

    def __init__(self, config: pytest.Config, node_ids: list[str], interpreter: Interpreter, folder: Path) -> None:
        self._config = config
        self._patience = _timeout(config) + _GRACE_S
        self._running: str | None = None
        self._finished: set[str] = set()
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._output = folder / "output.txt"
        reports = folder / "reports.jsonl"
        reports.touch()
        self._lines = reports.open("rb")
        self._rest = b""
        environment = {**interpreter.environment, INSIDE_VARIABLE: "1", REPORTS_VARIABLE: str(reports)}
        environment.pop("PYTEST_ADDOPTS", None)  # would choose among the tests again, or write another file of results
        tests = [f"{config.rootpath}/{node_id}" for node_id in node_ids]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*interpreter.command, "-m", "pytest", *_options(config), *tests],
                env=environment,
                cwd=config.invocation_params.dir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=interpreter.file_descriptors,
                start_new_session=True,  # so that it can be ended together with all that it has started
            )
        self.has_broken_off = False

    def reports_of(self, item: pytest.Item) -> list[pytest.TestReport]:
        """Waits until the test is done there, or until nothing more is to be expected."""
        deadline = time.monotonic() + self._patience
        while item.nodeid not in self._finished:
            # Asked first: what it writes between the two questions is read the next time.
            code = self._process.poll()
            if self._read():
                deadline = time.monotonic() + self._patience
            elif code is not None:
                return self._broken_off(item, f"ended with {_name(code)}")
            elif time.monotonic() > deadline:
                return self._broken_off(item, f"said nothing for {self._patience:.0f} s and was ended")
            else:
                time.sleep(_POLL_S)
        return self._reports.pop(item.nodeid, [])

    def end(self, is_done: bool) -> str | None:
        """Waits for its end, or brings that about while there is something left to do. Says what went wrong."""
        try:
            if is_done:
                code = self._process.wait(_END_S)
                good = code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
                return None if good else f"ended with {_name(code)}"
            self._process.send_signal(signal.SIGINT)  # unlike a kill, this lets the tests put away what they started
            self._process.wait(_END_S)
            return None
        except subprocess.TimeoutExpired:
            return "did not end by itself"
        finally:
            self._kill()
            self._lines.close()

    def tail(self) -> str:
        """The end of what it printed."""
        return "\n".join(self._output.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def _read(self) -> bool:
        """Takes in what has been written since. Says whether there was anything."""
        *lines, self._rest = (self._rest + self._lines.read()).split(b"\n")
        for line in lines:
            event, content = json.loads(line)
            if event == "start":
                self._running = content
            elif event == "finish":
                self._finished.add(content)
            else:
                report = _report(self._config, content)
                self._reports.setdefault(report.nodeid, []).append(report)
        return bool(lines)

    def _broken_off(self, item: pytest.Item, how: str) -> list[pytest.TestReport]:
        """The reports that there are, and one that says why there are no more."""
        self.has_broken_off = True
        self._kill()
        reports = self._reports.pop(item.nodeid, [])
        when = "in this test" if self._running == item.nodeid else "before it came to this test"
        message = f"The Python in which this test runs {how}, {when}. The end of its output:\n\n{self.tail()}"
        was_called = any(report.when == "call" for report in reports)
        return [*reports, failure(item, message, "teardown" if was_called else "call")]

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def failure(item: pytest.Item, message: str, phase: str) -> pytest.TestReport:
    keywords = dict.fromkeys(item.keywords, 1)
    return pytest.TestReport(item.nodeid, item.location, keywords, "failed", message, phase)  # type: ignore[arg-type]


def _report(config: pytest.Config, content: Any) -> pytest.TestReport:
    # JSON has made lists of tuples, and where a test was skipped has to be a tuple.
    for name in ("location", "longrepr"):
        if isinstance(content[name], list):
            content[name] = tuple(content[name])
    for name in ("sections", "user_properties"):
        content[name] = [tuple(pair) for pair in content[name]]
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=content)
    return report


def _options(config: pytest.Config) -> Iterator[str]:
    """Those of the first pytest's options that say how tests run and what reports hold, but not which tests to run."""
    option = config.option
    yield from (f"--rootdir={config.rootpath}", f"--tb={option.tbstyle}", f"--verbosity={option.verbose}")
    if config.inipath is not None:
        yield f"--config-file={config.inipath}"
    for plugin in (*option.plugins, "no:cacheprovider"):
        yield from ("-p", plugin)
    for name in ("showlocals", "runxfail"):
        if getattr(option, name):
            yield f"--{name}"
    for setting in option.override_ini or ():
        yield f"--override-ini={setting}"
    for warning in option.pythonwarnings or ():
        yield f"--pythonwarnings={warning}"
    for name in ("timeout", "timeout_method"):
        if getattr(option, name, None) is not None:
            yield f"--{name.replace('_', '-')}={getattr(option, name)}"


def _timeout(config: pytest.Config) -> float:
    """How long a single test may take."""
    named = getattr(config.option, "timeout", None)
    if named is None and config.pluginmanager.has_plugin("timeout"):
        named = config.getini("timeout")
    return float(named or _DEFAULT_TIMEOUT_S)


def _name(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
