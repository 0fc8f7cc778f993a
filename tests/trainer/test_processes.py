"""Two processes take the steps that one takes."""

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from miniature import Miniature

from artem_vr.errors import UsageError
from trainer import loop
from trainer.processes import launch

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from trainer import journal, loop
from trainer.recipe_file import load_recipe
loop._LOG_EVERY = 1
journal.plot_losses = lambda csv_path, path: None  # two seconds each
recipe, root, *folders = (Path(argument) for argument in sys.argv[1:])
for folder in folders:
    run = loop.Run(load_recipe(recipe, {"batch": "4", "steps": "6"}), root, folder)
    stop_at = 3 if folder.name == "stopped" else 99
    run.train(lambda progress: run.stop() if progress.step == stop_at else None, sample_every=4)
    print(folder.name, "rank", run.fabric.global_rank, "ended at", run.step, flush=True)
"""


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def started_by_torchrun(rank: int, count: int, port: str) -> dict[str, str]:
    """What torchrun leaves in the environment of each process."""
    return {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "ROLE_RANK": str(rank),
        "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
    }  # fmt: skip


def train_with(count: int, miniature: Miniature, *names: str) -> str:
    """Trains run after run in so many processes; what they printed."""
    port, processes = free_port(), []
    for rank in range(count):
        environment = {**os.environ, **started_by_torchrun(rank, count, port)}
        environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        folders = [miniature.folder / name for name in names]
        arguments = [str(path) for path in (miniature.recipe_path, miniature.root, *folders)]
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, *arguments],
                env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        )  # fmt: skip
    said = "".join(process.communicate(timeout=240)[0] for process in processes)
    assert [process.returncode for process in processes] == [0] * count, said
    return said


def rows_of(miniature: Miniature, name: str) -> list[dict[str, str]]:
    """The rows of losses.csv."""
    return list(csv.DictReader((miniature.folder / name / "losses.csv").open()))


@pytest.mark.timeout(300)
def test_two_processes_have_the_losses_of_one(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 1)
    with monkeypatch.context() as patch:  # one process of torchrun's is this one
        for name, value in started_by_torchrun(0, 1, free_port()).items():
            patch.setenv(name, value)
        alone = miniature.run("one", batch="4", steps="6")
        alone.train(lambda progress: None, sample_every=4)
    assert (alone.fabric.world_size, alone.step) == (1, 6)
    said = train_with(2, miniature, "two", "stopped")
    one, two = (rows_of(miniature, name) for name in ("one", "two"))
    assert [row["step"] for row in one] == [row["step"] for row in two] == [str(step) for step in range(1, 7)]
    for name in ("total", "style", "content/relu2_1", "variation"):
        losses = [[float(row[name]) for row in rows] for rows in (one, two)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert len({row["total"] for row in one}) == 6  # something was learnt
    assert float(two[-1]["validation/total"]) == pytest.approx(float(one[-1]["validation/total"]), rel=1e-3)
    assert "two rank 0 ended at 6" in said
    assert "two rank 1 ended at 6" in said
    # One is told to stop: both do, after the same step.
    assert "stopped rank 0 ended at 4" in said
    assert "stopped rank 1 ended at 4" in said


def test_a_batch_that_cannot_be_shared(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="a batch of 3 cannot be shared by 2 processes"):
        launch(miniature.recipe())


def test_alone_there_is_one_process(miniature: Miniature) -> None:
    assert launch(miniature.recipe()).world_size == 1
