"""What a fresh clone needs: the Makefile and its scripts, run against pretended machines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = ROOT / "scripts" / "system-libraries.sh"
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the set-up scripts are for Linux")

ALL_LIBRARIES = ["EGL", "GL", "X11", "Xcursor", "Xi", "Xinerama", "Xrandr"]


class Machine:
    """A folder of pretended commands that stand before the real ones, each noting how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.calls = folder / "calls.txt"
        self.calls.touch()
        self.command("sudo", "exit 1")
        self.command("nvidia-smi", "exit 1")

    def command(self, name: str, body: str, at: Path | None = None) -> None:
        path = (at or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >>"{self.calls}"\n{body}\n')
        path.chmod(0o755)

    def libraries(self, names: list[str]) -> None:
        lines = "\n".join(f"\tlib{name}.so.{version} (libc6) => /lib" for name in names for version in (1, 2, 6))
        self.command("ldconfig", f"cat <<'END'\n{lines}\nEND")

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder)}
        return subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def called(self, start: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(start)]


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path / "machine")
    made.libraries(ALL_LIBRARIES)
    made.command("python3", "exit 0")
    made.command("Xvfb", "exit 0")
    made.command("apt-get", "exit 0")
    return made


def test_a_machine_with_everything_installs_nothing(machine):
    run = machine.run("bash", str(SYSTEM), "--tests")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert machine.called("apt-get") == []


def test_root_installs_exactly_what_is_missing(machine):
    machine.libraries([name for name in ALL_LIBRARIES if name not in {"EGL", "Xi"}])
    machine.command("id", "echo 0")
    run = machine.run("bash", str(SYSTEM), "--tests")
    assert run.returncode == 0, run.stderr
    [call] = machine.called("apt-get")
    assert call.split()[-2:] == ["libegl1", "libxi6"]
    assert "libegl1 libxi6" in run.stdout


def test_the_demo_does_not_ask_for_what_only_tests_need(machine):
    machine.libraries(["EGL", "GL"])
    assert machine.run("bash", str(SYSTEM)).returncode == 0
    assert machine.called("apt-get") == []


def test_package_lists_are_fetched_when_the_first_try_fails(machine):
    machine.libraries([])
    machine.command("id", "echo 0")
    machine.command(
        "apt-get", f'[[ $1 == update ]] && touch "{machine.folder}/lists"; [[ -e "{machine.folder}/lists" ]]'
    )
    assert machine.run("bash", str(SYSTEM)).returncode == 0
    assert [call.split()[1] for call in machine.called("apt-get")] == ["install", "update", "install"]


def test_a_failing_apt_ends_with_its_words_and_ours(machine):
    machine.libraries([])
    machine.command("id", "echo 0")
    machine.command("apt-get", "echo no route to host >&2; exit 100")
    run = machine.run("bash", str(SYSTEM))
    assert run.returncode == 1
    assert "no route to host" in run.stderr
    assert "could not install libegl1" in run.stderr


def test_without_rights_the_exact_command_is_named(machine):
    machine.libraries(["GL"])
    machine.command("id", "echo 1000")
    run = machine.run("bash", str(SYSTEM))
    assert run.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends libegl1\n" in run.stderr
    assert machine.called("apt-get") == []


def test_passwordless_sudo_is_used(machine):
    machine.libraries(["GL"])
    machine.command("id", "echo 1000")
    machine.command("sudo", 'shift; "$@"')
    assert machine.run("bash", str(SYSTEM)).returncode == 0
    assert len(machine.called("apt-get install")) == 1


def test_python_is_the_named_one_or_the_first_that_is_new_enough(machine):
    find = str(ROOT / "scripts" / "find-python.sh")
    machine.command("python3", "exit 1")
    machine.command("python3.12", "exit 0")
    for version in ("3.14", "3.13", "3.11"):
        machine.command(f"python{version}", "exit 1")
    assert machine.run("bash", find).stdout.strip() == str(machine.folder / "python3.12")
    named = machine.run("env", "PYTHON=python3.11", "bash", find)
    assert named.stdout.strip() == str(machine.folder / "python3.12"), "one that is too old is passed over"
    machine.command("python3.12", "exit 1")
    run = machine.run("bash", find)
    assert run.returncode == 1
    assert "python3-venv" in run.stderr


@pytest.fixture
def clone(machine, tmp_path):
    """A copy of what set-up reads, with a virtual environment whose Python only notes what is asked of it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / "versions").write_text("torch (2.15.0)\nAvailable versions: 2.15.0, 2.14.0+cpu, 2.14.0, 2.13.0+cpu\n")
    machine.command(
        "python",
        """case "$*" in
            *importlib.metadata*) exit 1 ;;
            *"index versions"*) cat versions ;;
            *torch==*) exit "${TORCH_FAILS:-0}" ;;
        esac""",
        at=folder / ".venv" / "bin",
    )
    return folder


def installs(machine):
    return [call.split("install ")[1] for call in machine.called("python -m pip install")]


on_no_gpu = pytest.mark.skipif(
    Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists(), reason="a machine with a GPU takes the standard build"
)


@on_no_gpu
def test_the_newest_cpu_build_of_torch_is_taken_where_there_is_no_gpu(machine, clone):
    run = machine.run("bash", "scripts/create-venv.sh", cwd=clone)
    assert run.returncode == 0, run.stderr
    torch, package = installs(machine)
    assert "torch==2.14.0+cpu" in torch
    assert "torch>=" in torch, "what pyproject.toml asks for holds too"
    assert package.endswith("-e .[dev]")


@on_no_gpu
def test_without_a_cpu_build_the_standard_one_comes_and_its_size_is_told(machine, clone):
    (clone / "versions").write_text("Available versions: 2.15.0, 2.14.0\n")
    run = machine.run("bash", "scripts/create-venv.sh", cwd=clone)
    assert run.returncode == 0, run.stderr
    assert len(installs(machine)) == 1
    assert "several GB" in run.stdout


@on_no_gpu
def test_a_cpu_build_that_does_not_install_is_not_the_end(machine, clone):
    run = machine.run("env", "TORCH_FAILS=1", "bash", "scripts/create-venv.sh", cwd=clone)
    assert run.returncode == 0, run.stderr
    assert installs(machine)[-1].endswith("-e .[dev]")


def test_a_machine_with_a_gpu_takes_the_standard_build(machine, clone):
    machine.command("nvidia-smi", "exit 0")
    assert machine.run("bash", "scripts/create-venv.sh", cwd=clone).returncode == 0
    assert len(installs(machine)) == 1


@needs_make
def test_make_installs_once_and_again_when_the_requirements_change(machine, clone):
    for expected in (True, False):
        before = len(installs(machine))
        run = machine.run("make", "venv", cwd=clone)
        assert run.returncode == 0, run.stderr
        assert (len(installs(machine)) > before) is expected
    later = (clone / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(clone / "pyproject.toml", (later, later))
    machine.run("make", "venv", cwd=clone)
    assert len(installs(machine)) > before


@needs_make
@pytest.mark.parametrize(("target", "last"), [("demo", "python -m artem_vr demo"), ("test", "python -m pytest")])
def test_make_ends_in_the_main_job(machine, clone, target, last):
    run = machine.run("make", target, cwd=clone)
    assert run.returncode == 0, run.stderr
    assert machine.calls.read_text().splitlines()[-1].strip() == last


@needs_make
def test_help_lists_the_targets(machine):
    listed = machine.run("make", cwd=ROOT).stdout
    for target in ("demo", "test", "check", "lint", "bench", "venv", "system", "openxr-runtime", "clean"):
        assert f"make {target} " in listed
