"""The forwarding of tests to another Python, on a tiny project whose other Python is this one."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HERE = f"Interpreter([{sys.executable!r}], dict(os.environ))"
CONFTEST = f"""
import os, sys
from contextlib import contextmanager
from pathlib import Path
import pytest
sys.path.insert(0, {str(ROOT / "tests" / "xr")!r})
import forwarding, other_pytest
from other_pytest import Interpreter
other_pytest._GRACE_S = 2.0

@contextmanager
def provide(say):
    yield PROVIDED

def unavailable():
    raise forwarding.UnavailableError("no runtime: get one")

def pytest_configure(config):
    forwarding.install(config, Path(__file__).parent, "xr", provide)

def note(line):
    with open("notes.txt", "a") as file:
        print(line, "inside" if "ARTEM_VR_XR_INSIDE" in os.environ else "outside", file=file)

@pytest.fixture(scope="session")
def kept():
    note("set up")
    yield
    note("put away")
"""
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the other Python is for Linux")


@pytest.fixture
def project(tmp_path: Path) -> Run:
    """Runs pytest on a file with that text."""

    def run(text: str, *options: str, provided: str = HERE, marks: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "conftest.py").write_text(CONFTEST.replace("PROVIDED", provided))
        (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 20\nmarkers =\n  xr: x\n")
        (tmp_path / "test_it.py").write_text("import os, pytest, signal, time\nfrom conftest import note\n" + text)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ci"), "ARTEM_VR_NO_SKIPS": marks}
        environment.pop("CI", None)  # there pytest says everything twice
        command = [sys.executable, "-m", "pytest", "-p", "no_skips", "-p", "no:cacheprovider", *options]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stdout.splitlines()[-1]


ALL_OUTCOMES = """
pytestmark = pytest.mark.xr
@pytest.fixture
def broken(): raise OSError("no such thing")

def test_good(kept): note("good")
def test_bad():
    print("said before")
    assert 1 + 1 == 3
def test_skipped(): pytest.skip("not today")
@pytest.mark.xfail(reason="known")
def test_known(): assert False
def test_without_setup(broken): pass
"""


def test_outcomes_are_those_of_the_other_python(project: Run, tmp_path: Path) -> None:
    run = project(ALL_OUTCOMES, "--junitxml=junit.xml", "-ra")
    assert run.returncode == 1
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error" in last_line(run)
    for shown in ("assert (1 + 1) == 3", "said before", "not today", "OSError: no such thing"):
        assert shown in run.stdout
    assert (tmp_path / "notes.txt").read_text() == "set up inside\ngood inside\nput away inside\n"
    [suite] = ElementTree.parse(tmp_path / "junit.xml").getroot()
    counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 5, "failures": 1, "errors": 1, "skipped": 2}


def test_a_skip_over_there_fails_where_skips_are_failures(project: Run) -> None:
    run = project(ALL_OUTCOMES, "-k", "skipped", marks="xr")
    assert "1 failed" in last_line(run)
    assert "a test marked xr may not be skipped here: Skipped: not today" in run.stdout


MIXED = """
@pytest.fixture(scope="module")
def shared():
    note("set up")
    yield
    note("put away")

def test_here(shared): note("here")
@pytest.mark.xr
def test_there(shared): note("there")
@pytest.mark.xr
def test_there_too(): note("there too")
"""


def test_only_marked_tests_go_there(project: Run, tmp_path: Path) -> None:
    (tmp_path / "test_last.py").write_text("def test_last(): pass")
    run = project(MIXED, "-v", "test_it.py", "test_last.py")
    assert "4 passed" in last_line(run)
    outside = [line for line in (tmp_path / "notes.txt").read_text().splitlines() if line.endswith("outside")]
    assert outside == ["set up outside", "here outside", "put away outside"]


@pytest.mark.parametrize("choice", [["-k", "there_too"], ["test_it.py::test_there_too"]])
def test_only_the_chosen_tests_run(project: Run, tmp_path: Path, choice: list[str]) -> None:
    assert "1 passed" in last_line(project(MIXED, *choice))
    assert (tmp_path / "notes.txt").read_text() == "there too inside\n"


FIVE = """
pytestmark = pytest.mark.xr
def test_before(kept): pass
def test_itself(): BODY
def test_after(): time.sleep(0.5)
def test_long_after(): note("still running")
"""


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("os._exit(3)", "ended with code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended with signal SIGSEGV"),
        # Neither pytest-timeout nor an interruption reaches it, as in a call into a library that does not return.
        (
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGINT]); time.sleep(60)",
            "said nothing for 3 s and was ended",
        ),
    ],
)
def test_when_the_other_python_dies_the_rest_fails(project: Run, body: str, how: str) -> None:
    run = project(FIVE.replace("BODY", body), "--timeout=1", "--tb=long")
    assert "3 failed, 1 passed" in last_line(run)
    assert f"The Python in which this test runs {how}, in this test." in run.stdout
    assert run.stdout.count("before it came to this test. The end of its output:") == 2


def test_a_test_that_takes_too_long_fails_alone(project: Run) -> None:
    run = project(FIVE.replace("BODY", "time.sleep(60)"), "--timeout=2")
    assert "1 failed, 3 passed" in last_line(run)
    assert "Timeout (>2.0s) from pytest-timeout" in run.stdout


def test_stopping_early_stops_the_other_python_too(project: Run, tmp_path: Path) -> None:
    run = project(FIVE.replace("BODY", "assert False"), "-x")
    assert "1 failed, 1 passed" in last_line(run)
    assert (tmp_path / "notes.txt").read_text() == "set up inside\nput away inside\n"


def test_a_crash_when_all_is_done_is_told(project: Run) -> None:
    leaving = "import atexit; atexit.register(lambda: os.kill(os.getpid(), signal.SIGSEGV))"
    run = project(FIVE.replace("BODY", leaving))
    assert run.returncode == 1
    assert "4 passed" in last_line(run)
    assert "The Python of the tests marked xr ended with signal SIGSEGV" in run.stdout


def test_without_the_other_python_its_tests_are_skipped_and_say_why(project: Run) -> None:
    run = project(MIXED, "-rs", provided="unavailable()")
    assert run.returncode == 0
    assert "1 passed, 2 skipped" in last_line(run)
    assert "no runtime: get one" in run.stdout
    run = project(MIXED, provided="unavailable()", marks="xr")
    assert run.returncode == 1
    assert "1 passed, 2 errors" in last_line(run)


def test_an_other_python_that_cannot_be_started_fails_its_tests(project: Run) -> None:
    run = project(MIXED, provided="Interpreter(['/no/such/python'], {})")
    assert "1 passed, 2 errors" in last_line(run)
    assert "/no/such/python" in run.stdout
