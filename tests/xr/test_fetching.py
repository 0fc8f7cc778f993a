"""scripts/fetch-openxr-runtime.sh on pretended machines: what it makes, and that it leaves nothing half-made."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch-openxr-runtime.sh"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the set-up scripts are for Linux")

GOOD = {
    "uname": "echo Linux x86_64",
    "df": "printf 'Filesystem MB\\n/dev/x 1 1 9000 1%% /\\n'",
    "dpkg-query": "exit 1",
    # The folder of its cache is among its options; a package in it is what has been fetched.
    "apt-get": """
        for word in "$@"; do [[ $word == Dir::Cache=* ]] && cache=${word#*=}; done
        case "$*" in
            indextargets*) echo 'http://mirror.example/debian/ $(LABEL)' ;;
            *install*) touch "$cache/archives/one.deb" ;;
        esac""",
    "dpkg-deb": 'mkdir -p "$3/usr/bin" && touch "$3/usr/bin/monado-service" && chmod +x "$3/usr/bin/monado-service"',
}
Fetch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """Runs the script on a machine with these commands, good ones unless others are given."""

    def run(*arguments: str, **commands: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "commands"
        folder.mkdir(exist_ok=True)
        for name, body in (GOOD | {name.replace("_", "-"): body for name, body in commands.items()}).items():
            (folder / name).write_text(f'#!/usr/bin/env bash\necho {name} >>"{tmp_path}/calls"\n{body}\n')
            (folder / name).chmod(0o755)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path / "home")}
        return subprocess.run(["bash", str(SCRIPT), *arguments], env=environment, capture_output=True, text=True)

    return run


needs_keys = pytest.mark.skipif(
    not list(Path("/usr/share/keyrings").glob("debian-archive-keyring.*")),
    reason="the keys of Debian are not installed",
)


@needs_keys
def test_it_is_fetched_once(fetch: Fetch, tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".cache" / "artem-vr" / "openxr"
    run = fetch()
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"Fetching an OpenXR runtime for the tests into {folder}")
    assert [path.name for path in folder.parent.iterdir()] == ["openxr"]
    assert [path.name for path in folder.iterdir()] == ["root"]
    (tmp_path / "calls").unlink()
    run = fetch()
    assert (run.returncode, run.stdout) == (0, f"OpenXR runtime for the tests: {folder}\n")
    assert "apt-get" not in (tmp_path / "calls").read_text()


def test_a_folder_with_something_else_is_left_alone(fetch: Fetch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    run = fetch(str(other))
    assert (run.returncode, run.stderr) == (1, f"No OpenXR runtime for the tests: {other} holds something else\n")
    assert [path.name for path in other.iterdir()] == ["letter.txt"]
    assert not (tmp_path / "calls").exists(), "nothing is fetched in vain"


def test_a_system_that_has_a_good_one_needs_no_other(fetch: Fetch, tmp_path: Path) -> None:
    run = fetch(dpkg_query="echo 25.0.0+dfsg-2", dpkg='[[ "$*" == "--compare-versions 25.0.0+dfsg-2 ge 25" ]]')
    assert (run.returncode, run.stdout) == (0, "OpenXR runtime for the tests: the system's own Monado\n")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        ({"uname": "echo Linux aarch64"}, "this is Linux aarch64"),
        ({"df": "printf 'Filesystem MB\\n/dev/x 1 1 900 1%% /\\n'"}, "needs 1500 MB for a while, and 900 MB are free"),
        ({"apt_get": "exit 1"}, "apt's sources name no mirror of Debian"),
        pytest.param({"dpkg_deb": "echo broken package >&2; exit 2"}, "broken package", marks=needs_keys),
        pytest.param(
            {"apt_get": "[[ $1 == indextargets ]] && echo http://m/debian && exit; echo E: no route to host; exit 100"},
            "http://m/debian does not give it: E: no route to host",
            marks=needs_keys,
        ),
    ],
)
def test_one_line_says_why_there_is_none(fetch: Fetch, tmp_path: Path, commands: dict[str, str], why: str) -> None:
    run = fetch(**commands)
    assert run.returncode == 1
    [line] = run.stderr.splitlines()
    assert line.startswith("No OpenXR runtime for the tests: ")
    assert line.endswith(why)
    assert not list((tmp_path / "home").glob(".cache/artem-vr/*"))
