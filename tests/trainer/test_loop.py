import csv
import math
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from miniature import Miniature, StoppedError, make_miniature, train_until
from PIL import Image

from artem_vr.errors import EngineError, InputError, UsageError
from trainer import bank_task, loop
from trainer.bank import styles_of_step
from trainer.checkpoint import Checkpoint
from trainer.loop import Progress, Run, learning_rate

ROOT = Path(__file__).parents[2]


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in run.task.module.named_parameters()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert not [name for name in a if not torch.equal(a[name], b[name])]


def ignore(progress: Progress) -> None:
    pass


def test_a_resumed_run_ends_with_the_very_same_weights(miniature: Miniature) -> None:
    whole = miniature.run("whole")
    whole.train(ignore)
    train_until(miniature.run("parts"), 2)
    for stop in (3, 5):
        part = miniature.run("parts")
        part.resume()
        assert part.step < stop
        train_until(part, stop)
    last = miniature.run("parts")
    last.resume()
    last.train(ignore)
    assert last.step == whole.step == 6
    assert_same(weights_of(last), weights_of(whole))
    # Without the moments it would not be the same: the test can fail.
    forgetful = miniature.run("parts2")
    train_until(forgetful, 3)
    again = miniature.run("parts2")
    again.resume()
    for state in again._plain_optimizer.state.values():
        state["exp_avg"].zero_()
    again.train(ignore)
    assert not torch.equal(weights_of(again)["styles_SD"], weights_of(whole)["styles_SD"])


def test_training_lowers_the_loss(miniature: Miniature) -> None:
    run = miniature.run("run", steps="40", learning_rate="1e-2")
    before = run.validate()["total"]
    run.train(ignore)
    assert run.validate()["total"] < 0.9 * before


def test_the_same_recipe_gives_the_same_weights(miniature: Miniature) -> None:
    runs = [miniature.run(name, steps="2", seed=seed) for name, seed in (("a", "0"), ("b", "0"), ("c", "1"))]
    for run in runs:
        run.train(ignore)
    assert_same(weights_of(runs[0]), weights_of(runs[1]))
    assert not torch.equal(weights_of(runs[0])["styles_SD"], weights_of(runs[2])["styles_SD"])


@pytest.mark.usefixtures("shown_in_full")
def test_it_leaves_a_checkpoint_losses_and_a_grid(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 2)
    reports: list[Progress] = []
    miniature.run("run").train(reports.append, sample_every=4)
    folder = miniature.folder / "run"
    assert {path.name for path in folder.iterdir()} == {
        "checkpoint.safetensors", "losses.csv", "losses.png", "sample_000004.png", "sample_000006.png", "tensorboard",
    }  # fmt: skip
    rows = list(csv.DictReader((folder / "losses.csv").open()))
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert all(math.isfinite(float(value)) for row in rows for name, value in row.items() if "validation" not in name)
    assert [bool(row["validation/total"]) for row in rows] == [False, True, True]
    assert {"total", "style", "content/relu2_1", "grid", "variation", "overflow"} < rows[0].keys()
    with Image.open(folder / "sample_000006.png") as grid:
        assert grid.size == (3 * 256, 4 * 256)  # photographs and two styles across; the paintings and three rows down
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6]
    assert reports[-1].steps == 6
    assert reports[-1].pictures_per_second > 0


def test_the_schedule_warms_up_and_falls_to_a_hundredth(miniature: Miniature) -> None:
    recipe = miniature.recipe(steps="100", warmup="10", learning_rate="0.5")
    rates = [learning_rate(recipe, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[9] == rates[10] == max(rates) == 0.5
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert learning_rate(recipe, 100) == pytest.approx(0.005)
    assert learning_rate(recipe, 1000) == pytest.approx(0.005)
    assert learning_rate(miniature.recipe(warmup="0"), 0) == pytest.approx(3e-3)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_a_number_ends_the_run_and_spoils_nothing(miniature: Miniature, what: str) -> None:
    run = miniature.run("run")
    train_until(run, 2)
    before = weights_of(run)

    def objective(
        photos: torch.Tensor, painted: torch.Tensor, styles: torch.Tensor, phase: int
    ) -> dict[str, torch.Tensor]:
        # The root of zero is finite, its slope is not.
        return {"total": (0 * painted).sum().sqrt() if what == "gradient" else painted.sum() * math.nan}

    run.task.objective = objective  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match=rf"the {what} is not a number at step 2: .*lower learning_rate") as error:
        run.train(ignore)
    assert "\n" not in str(error.value)
    assert_same(weights_of(run), before)
    assert Checkpoint.load(run.checkpoint_path).step == 2


def test_a_finished_run_has_nothing_left_to_do(miniature: Miniature) -> None:
    miniature.run("run", steps="2").train(ignore)
    again = miniature.run("run", steps="2")
    again.resume()
    before = weights_of(again)
    again.train(lambda progress: pytest.fail("there was a step"))
    assert_same(weights_of(again), before)


def test_data_that_is_missing_is_named_before_anything_starts(miniature: Miniature) -> None:
    for overrides, says in (
        ({"data.photos": "nowhere"}, r"there is no folder .*nowhere: set data.root \(--set data.root=PATH\)"),
        ({"data.paintings": "nowhere"}, r"there is no painting .*stripes.png: set data.root or data.paintings"),
        ({"data.perceptual": "nowhere"}, "there is no perceptual network .*nowhere: set data.root or data.perceptual"),
        ({"losses.style_taps": "{relu9_1 = 1.0}"}, "has no relu9_1"),
    ):
        with pytest.raises(InputError, match=says):
            miniature.run("run", **overrides)
    assert not (miniature.folder / "run").exists()


def test_a_folder_that_cannot_be_written(miniature: Miniature) -> None:
    (miniature.folder / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write to .*--output"):
        miniature.run("file/run")


ENDLESS = """
import os, sys, torch
from pathlib import Path
from trainer import bank_task, loop
from trainer.recipe_file import load_recipe
torch.set_num_threads(1)
loop._CHECKPOINT_SECONDS = 0.0
for folder in map(Path, sys.argv[1:]):
    trained = os.fork()  # a process each: what takes its time is to import all this
    if trained:
        os.waitpid(trained, 0)
        continue
    print("process", os.getpid(), flush=True)
    recipe = load_recipe(folder / "recipe.toml", {"steps": "1000000", "warmup": "2"})
    loop.Run(recipe, folder / "data", folder / "run").train(lambda progress: print(progress.step, flush=True))
"""


def kill_one(process: subprocess.Popen[str]) -> float:
    """Kills the run that begins next, so many seconds after its fourth step."""
    assert process.stdout is not None
    # Before it comes what the one before has said until it was killed.
    number = next(line for line in process.stdout if line.startswith("process")).split()[1]
    steps = [int(process.stdout.readline() or -1) for _ in range(4)]
    moment = random.uniform(0.0, 0.2)
    time.sleep(moment)
    os.kill(int(number), signal.SIGKILL)
    assert steps == [1, 2, 3, 4]
    return moment


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_run_killed_at_any_moment_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    """It writes a checkpoint after every step, so that most moments are in the middle of a write."""
    miniatures = [make_miniature(tmp_path / str(number)) for number in range(3)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, *(str(miniature.folder) for miniature in miniatures)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
    ) as process:  # fmt: skip
        try:
            moments = [kill_one(process) for _ in miniatures]
        finally:
            process.kill()
    for miniature, moment in zip(miniatures, moments, strict=True):
        resumed = miniature.run("run", steps="1000000")
        resumed.resume()
        assert resumed.step >= 3, moment
        end = resumed.step + 2
        train_until(resumed, end)
        whole = miniature.run("whole", steps="1000000")
        train_until(whole, end)
        assert_same(weights_of(resumed), weights_of(whole))


def test_stop_comes_out_of_the_loop(miniature: Miniature) -> None:
    def report(progress: Progress) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        miniature.run("run").train(report)


def test_stop_ends_the_step_and_saves(miniature: Miniature) -> None:
    run = miniature.run("run")

    def report(progress: Progress) -> None:
        if progress.step == 3:
            run.stop()

    run.train(report)
    assert run.stopped
    assert run.step == Checkpoint.load(run.checkpoint_path).step == 3
    again = miniature.run("run")
    again.resume()
    again.train(ignore)
    assert not again.stopped
    whole = miniature.run("whole")
    whole.train(ignore)
    assert_same(weights_of(again), weights_of(whole))


def test_the_first_checkpoint_comes_early(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]  # a step takes six seconds
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock[0])
    saved = []
    run = miniature.run("run", steps="30")
    monkeypatch.setattr(run, "save", lambda: saved.append(run.step))

    def six_seconds_later(*arguments: int) -> torch.Tensor:
        clock[0] += 6.0
        return styles_of_step(*arguments)

    monkeypatch.setattr(bank_task, "styles_of_step", six_seconds_later)
    run.train(ignore, sample_every=1000)
    assert saved == [2, 13, 24, 30]


def test_a_resumed_run_repeats_no_row(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 1)
    train_until(miniature.run("run"), 3)
    checkpoint = (miniature.folder / "run" / "checkpoint.safetensors").read_bytes()
    further = miniature.run("run")
    further.resume()
    train_until(further, 5)  # killed here: this part was never saved
    (miniature.folder / "run" / "checkpoint.safetensors").write_bytes(checkpoint)
    resumed = miniature.run("run")
    resumed.resume()
    resumed.train(ignore)
    rows = list(csv.DictReader((miniature.folder / "run" / "losses.csv").open()))
    # A report that stops the run comes before the row of its step is written.
    assert [row["step"] for row in rows] == ["1", "2", "4", "5", "6"]


def test_losses_that_cannot_be_written_are_one_line(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 2)
    run = miniature.run("run")

    def report(progress: Progress) -> None:
        (miniature.folder / "run" / "losses.csv").mkdir(exist_ok=True)

    with pytest.raises(UsageError, match=r"the losses .*losses.csv") as error:
        run.train(report)
    assert "\n" not in str(error.value)


def test_a_grid_that_cannot_be_written_is_one_line(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(image: Image.Image, path: Path, format: str) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", disk_full)
    with pytest.raises(UsageError, match=r"cannot write the grid .*sample_000001.png: .*No space left") as error:
        miniature.run("run").train(ignore, sample_every=1)
    assert "\n" not in str(error.value)
    assert not list((miniature.folder / "run").glob("*.png*"))
