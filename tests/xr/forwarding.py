"""Tests that run in another Python, started once for all of them, and are reported here as if they had run here.

A library that needs a newer C library than the system's can only be loaded by a Python that was started on that C
library. So the tests of a folder that carry a mark run in a second pytest, and the first one hands its reports on as
they come: failures, skips, durations, `-x`, `-k` and `--lf` are what they always are. What a test prints is shown when
it fails; with `-s` it is not shown at once.
"""

import ctypes
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from other_pytest import INSIDE_VARIABLE, REPORTS_VARIABLE, Interpreter, OtherPytest, failure

Say = Callable[[str], None]
Provide = Callable[[Say], AbstractContextManager[Interpreter]]


class UnavailableError(Exception):
    """The other Python cannot be had on this machine: its tests are skipped, and say so."""


def install(config: pytest.Config, folder: Path, mark: str, provide: Provide) -> None:
    """Forwards the tests below the folder that carry the mark; in the other Python, it reports them.

    `provide` is given a function that shows a line to whoever watches, and says how to start the other Python for as
    long as its context lasts. It raises UnavailableError where there is none; any other error fails the tests.
    """
    if INSIDE_VARIABLE not in os.environ:
        config.pluginmanager.register(_Forwarder(config, folder, mark, provide))
    elif REPORTS_VARIABLE in os.environ:
        config.pluginmanager.register(_Reporter(config, Path(os.environ[REPORTS_VARIABLE])))


class _Reporter:
    """The plugin of the second pytest: writes down what happens, at once."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._file = path.open("a", encoding="utf-8")
        # What a shell runs in the background is told to ignore the interruption by which this Python is ended.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if sys.platform == "linux":
            pr_set_pdeathsig = 1  # it ends with the first pytest, however that ends
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write("start", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._write("report", self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._write("finish", nodeid)

    def _write(self, event: str, content: Any) -> None:
        self._file.write(json.dumps([event, content], default=str) + "\n")
        self._file.flush()


class _Forwarder:
    """The plugin of the first pytest. The second one is started when it is the first such test's turn."""

    def __init__(self, config: pytest.Config, folder: Path, mark: str, provide: Provide) -> None:
        self._config = config
        self._folder = folder
        self._mark = mark
        self._provide = provide
        self._resources = ExitStack()
        self._pending: set[str] = set()
        self._other: OtherPytest | None = None
        self._unavailable: str | None = None
        self._error: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not self._is_forwarded(item):
            return None
        if self._other is None and self._unavailable is None and self._error is None:
            self._start(item.session)
        if self._unavailable is not None:
            item.add_marker(pytest.mark.skip(reason=self._unavailable))
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool | None:
        """The time of a forwarded test is limited where it runs."""
        return True if self._is_forwarded(item) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._other is not None:
            wrong = self._other.end(is_done=not self._pending)
            if wrong is not None and not self._other.has_broken_off:
                self._say(f"The Python of the tests marked {self._mark} {wrong}:\n{self._other.tail()}")
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        self._resources.close()

    def _is_forwarded(self, item: pytest.Item) -> bool:
        return item.get_closest_marker(self._mark) is not None and item.path.is_relative_to(self._folder)

    def _start(self, session: pytest.Session) -> None:
        node_ids = [item.nodeid for item in session.items if self._is_forwarded(item)]
        try:
            interpreter = self._resources.enter_context(self._provide(self._say))
            folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="artem-vr-reports-"))
            self._other = OtherPytest(self._config, node_ids, interpreter, Path(folder))
            self._pending = set(node_ids)
        except UnavailableError as error:
            self._unavailable = str(error)
        except Exception as error:
            self._error = str(error) or repr(error)

    def _reports(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.TestReport]:
        if self._other is not None:
            yield from self._other.reports_of(item)
            self._pending.discard(item.nodeid)
        else:
            yield failure(item, self._error or "", "setup")
        # What an earlier test left set up here, because this one seemed to share it, is not left to the next one.
        teardown = partial(item.session._setupstate.teardown_exact, nextitem)
        call = pytest.CallInfo.from_call(teardown, "teardown")
        if call.excinfo is not None:
            yield item.ihook.pytest_runtest_makereport(item=item, call=call)

    def _say(self, text: str) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(text)
