import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from miniature import Miniature, train_until

import trainer.command
from artem_vr.errors import InputError, UsageError
from artem_vr.styles import StyleBank
from trainer.checkpoint import Checkpoint
from trainer.command import train
from trainer.loop import Run


def test_a_recipe_becomes_a_bank(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    path = train(miniature.recipe_path, {"steps": "3"}, miniature.folder / "run", resume=False)
    assert path == miniature.folder / "run" / "miniature.safetensors"
    bank = StyleBank.load(path)
    assert bank.names == ["stripes", "dots"]
    assert bank.card.steps == 3
    assert bank.card.pictures_seen == 9
    assert bank.card.validation["total"] > 0
    assert "miniature.safetensors" in capsys.readouterr().out.replace("\n", "")


def test_a_run_is_not_overwritten_but_resumed(miniature: Miniature) -> None:
    folder = miniature.folder / "run"
    train_until(miniature.run("run"), 2)
    before = (folder / "checkpoint.safetensors").read_bytes()
    with pytest.raises(UsageError, match="holds a run already: add --resume"):
        train(miniature.recipe_path, {}, folder, resume=False)
    assert (folder / "checkpoint.safetensors").read_bytes() == before
    assert StyleBank.load(train(miniature.recipe_path, {}, folder, resume=True)).card.steps == 6


def test_the_run_is_named_by_the_recipe(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(miniature.folder)
    assert train(Path("recipe.toml"), {"steps": "1"}, None, resume=False) == Path(
        "runs/miniature/miniature.safetensors"
    )


def test_the_root_is_beside_the_recipe_unless_it_is_set(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = miniature.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    one = train(miniature.recipe_path, {"steps": "1"}, Path("one"), resume=False)
    two = train(miniature.recipe_path, {"steps": "1", "data.root": "../data"}, Path("two"), resume=False)
    assert one.is_file() and two.is_file()


@pytest.mark.parametrize("resume", [False, True])
def test_a_bad_recipe_leaves_nothing(miniature: Miniature, resume: bool) -> None:
    with pytest.raises(UsageError, match="unknown key"):
        train(miniature.recipe_path, {"setps": "1"}, miniature.folder / "run", resume)
    assert not (miniature.folder / "run").exists()


def test_nothing_to_resume_is_said_before_anything_is_loaded_or_made(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.command, "Run", lambda *_: pytest.fail("the data was loaded"))
    with pytest.raises(InputError, match=r"run2 holds no checkpoint to go on from: start without --resume"):
        train(miniature.recipe_path, {}, miniature.folder / "run2", resume=True)
    assert not (miniature.folder / "run2").exists()
    (miniature.folder / "run").mkdir()
    (miniature.folder / "run" / "checkpoint.safetensors").touch()
    with pytest.raises(UsageError, match="holds a run already"):
        train(miniature.recipe_path, {}, miniature.folder / "run", resume=False)


def test_missing_data_leaves_no_folder(miniature: Miniature) -> None:
    with pytest.raises(InputError, match=r"--set data.root=PATH"):
        train(miniature.recipe_path, {"data.root": "nowhere"}, miniature.folder / "run", resume=False)
    assert not (miniature.folder / "run").exists()


@pytest.fixture
def terminal() -> Iterator[None]:
    """Signals as a terminal's programs have them: what a shell starts in its background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    """What Python does on Ctrl-C. A real signal is for a process of its own, as in the test of the command line."""
    handler = signal.getsignal(signal.SIGINT)
    assert callable(handler)
    handler(signal.SIGINT, None)


def test_an_interrupt_ends_the_step_and_saves(
    miniature: Miniature, capsys: pytest.CaptureFixture[str], terminal: None
) -> None:
    taken = Run._take_step
    before = signal.getsignal(signal.SIGINT)

    def interrupted(run: Run) -> dict[str, torch.Tensor]:
        if run.step == 2:
            interrupt()
        return taken(run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_take_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(miniature.recipe_path, {}, miniature.folder / "run", resume=False)
    assert signal.getsignal(signal.SIGINT) is before
    assert "stopped at step 3; go on with --resume" in capsys.readouterr().out
    assert Checkpoint.load(miniature.folder / "run" / "checkpoint.safetensors").step == 3
    assert not (miniature.folder / "run" / "miniature.safetensors").exists()
    assert StyleBank.load(train(miniature.recipe_path, {}, miniature.folder / "run", resume=True)).card.steps == 6


def test_a_second_interrupt_does_not_wait(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch, terminal: None
) -> None:
    def stuck(run: Run) -> dict[str, torch.Tensor]:
        interrupt()
        interrupt()
        pytest.fail("it went on")

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Run, "_take_step", stuck)
    with pytest.raises(KeyboardInterrupt):
        train(miniature.recipe_path, {}, miniature.folder / "run", resume=False)
    assert signal.getsignal(signal.SIGINT) is before


STARTED_BY_A_TERMINAL = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would have inherited that it is ignored
runpy.run_module("artem_vr", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_the_command_line_ends_with_130(miniature: Miniature) -> None:
    command = ["train", str(miniature.recipe_path), "--set", "steps=100000", "--output", str(miniature.folder / "run")]
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED_BY_A_TERMINAL, *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("step 50/")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    step = Checkpoint.load(miniature.folder / "run" / "checkpoint.safetensors").step
    assert f"stopped at step {step}; go on with --resume" in out
