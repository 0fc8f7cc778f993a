"""A pytest plugin that turns skips into failures for the marks named in ARTEM_VR_NO_SKIPS (such as "window,xr").

Continuous integration has what those tests need, so a skip there means that something broke. Load it with
`PYTHONPATH=.ci pytest -p no_skips`.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest


def _marks() -> set[str]:
    return {mark.strip() for mark in os.environ.get("ARTEM_VR_NO_SKIPS", "").split(",") if mark.strip()}


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test with one of the marks has failed; an expected failure stays what it is."""
    report = yield
    forbidden = sorted(mark for mark in _marks() if item.get_closest_marker(mark))
    if report.skipped and forbidden and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"a test marked {', '.join(forbidden)} may not be skipped here: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, pytest.CollectReport]:
    """The same for a whole file that skips itself before its marks are known: its text is searched for them."""
    report: pytest.CollectReport = yield
    if report.outcome == "skipped" and collector.path.is_file():
        text = collector.path.read_text(errors="replace")
        forbidden = sorted(mark for mark in _marks() if f"mark.{mark}" in text)
        if forbidden:
            report.outcome = "failed"
            report.longrepr = f"a file marked {', '.join(forbidden)} may not be skipped here: {_reason(report)}"
    return report
