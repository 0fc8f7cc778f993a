import logging
import sys
import threading
from pathlib import Path

import pytest
import torch
from miniature import Miniature, StoppedError, train_until
from odd_pictures import make_photos

from artem_vr.errors import InputError
from trainer.data import loader as data_loader
from trainer.data.crops import Photos, training_batch
from trainer.data.loader import BatchLoader
from trainer.loop import Progress
from trainer.recipe import Recipe


def recipe_with(miniature: Miniature, workers: int, steps: int = 50) -> Recipe:
    return miniature.recipe(**{"data.workers": str(workers), "steps": str(steps)})


def worker_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("photos")]


def photos_with_bad_ones(folder: Path) -> Path:
    make_photos(folder, 40)
    for name in ("a/004.jpg", "a/002.jpg", "b/003.jpg"):
        (folder / name).write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("cache_mb", [0, 1])
@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_the_batches_are_those_of_training_batch(
    miniature: Miniature, tmp_path: Path, workers: int, cache_mb: int
) -> None:
    folder = photos_with_bad_ones(tmp_path / "photos")
    recipe, plain = recipe_with(miniature, workers), Photos.find(folder)
    order = [*range(12), 30, 31, 5, 49, 48, 50, 60]  # a resumed run jumps, and one may ask beyond the last step
    with BatchLoader(Photos.find(folder, cache_mb), recipe) as loader:
        for step in order:
            data = recipe.data
            expected = training_batch(plain, data.crop, recipe.batch, recipe.seed, step, data.smooth_share)
            assert torch.equal(loader.batch(step), expected)
        assert len(worker_threads()) <= workers
    assert not worker_threads()


def test_the_workers_are_ahead(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: dict[int, str] = {}
    done = threading.Condition()

    def noted(photos: Photos, size: int, batch: int, seed: int, step: int, share: float) -> torch.Tensor:
        with done:
            computed[step] = threading.current_thread().name
            done.notify_all()
        return training_batch(photos, size, batch, seed, step, share)

    monkeypatch.setattr(data_loader, "training_batch", noted)
    with BatchLoader(Photos.find(miniature.root / "photos"), recipe_with(miniature, 2, steps=7)) as loader:
        loader.batch(0)
        with done:
            assert done.wait_for(lambda: len(computed) == 5, timeout=10)  # two for each worker
        loader.batch(4)
        with done:
            assert done.wait_for(lambda: len(computed) == 7, timeout=10)
    assert sorted(computed) == list(range(7))  # each step once, and none beyond the last
    assert all(name.startswith("photos") for name in computed.values())


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_worker_is_raised_at_its_step(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    def failing(*arguments: object) -> torch.Tensor:
        if arguments[4] == 3:
            raise InputError("the photographs have gone")
        return torch.zeros(3, 3, 32, 32)

    monkeypatch.setattr(data_loader, "training_batch", failing)
    with (
        pytest.raises(InputError, match="the photographs have gone"),
        BatchLoader(Photos.find(miniature.root / "photos"), recipe_with(miniature, workers)) as loader,
    ):
        for step in range(3):
            assert len(loader.batch(step)) == 3
        loader.batch(3)
    assert not worker_threads()


def test_it_can_be_entered_again(miniature: Miniature) -> None:
    loader = BatchLoader(Photos.find(miniature.root / "photos"), recipe_with(miniature, 1))
    with loader:
        first = loader.batch(0)
    assert not worker_threads()
    outside = loader.batch(0)
    with loader:
        assert torch.equal(loader.batch(0), first) and torch.equal(outside, first)


def test_pictures_that_are_not_worth_a_start(miniature: Miniature, tmp_path: Path) -> None:
    folder = make_photos(tmp_path / "photos")
    for path in folder.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="21 of 21 pictures tried"):
        BatchLoader(Photos.find(folder), recipe_with(miniature, 1))
    with pytest.raises(InputError, match="21 of 21 pictures tried"):
        miniature.run("run", **{"data.photos": str(folder)})
    assert not (miniature.folder / "run").exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_skipped_is_told_once(
    miniature: Miniature, tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    photos = Photos.find(photos_with_bad_ones(tmp_path / "photos"))
    with caplog.at_level(logging.WARNING), BatchLoader(photos, recipe_with(miniature, workers)) as loader:
        for step in range(12):
            loader.batch(step)
        assert not caplog.messages
        for step in range(12, 30):
            loader.batch(step)  # the first of these ends the epoch: 13 steps of 3 are 38 pictures and more
        assert len(caplog.messages) == 1
    assert len(caplog.messages) == 1
    assert caplog.messages[0] == (
        "skipped 3 of 40 pictures (39 read so far): broken 3: a/002.jpg, a/004.jpg, b/003.jpg"
    )


def test_good_pictures_are_not_worth_a_line(miniature: Miniature, caplog: pytest.LogCaptureFixture) -> None:
    with BatchLoader(Photos.find(miniature.root / "photos"), recipe_with(miniature, 1)) as loader:
        for step in range(20):
            loader.batch(step)
    assert not caplog.messages


def test_a_run_learns_the_same_with_any_number_of_workers(miniature: Miniature) -> None:
    def weights(name: str, **overrides: str) -> torch.Tensor:
        run = miniature.run(name, **overrides)
        train_until(run, 3)
        return torch.cat([parameter.detach().flatten() for parameter in run.task.module.parameters()])

    inline = weights("inline", **{"data.workers": "0"})
    assert torch.equal(weights("two", **{"data.workers": "2", "data.cache_mb": "1"}), inline)


def test_no_worker_outlives_a_run(miniature: Miniature) -> None:
    def interrupted(progress: Progress) -> None:
        assert worker_threads()
        raise StoppedError

    with pytest.raises(StoppedError):
        miniature.run("interrupted").train(interrupted)
    assert not worker_threads()
    run = miniature.run("stopped")
    run.train(lambda progress: run.stop())
    assert run.step < 6 and not worker_threads()


def test_the_line_reaches_a_person(miniature: Miniature, capfd: pytest.CaptureFixture[str]) -> None:
    # Without any configuration of logging a warning goes to the error stream as it is.
    logger, root = data_loader._log, logging.getLogger()
    kept, root.handlers = root.handlers, []
    try:
        logger.warning("%s", "skipped 1 of 2 pictures")
        sys.stderr.flush()
    finally:
        root.handlers = kept
    assert capfd.readouterr().err == "skipped 1 of 2 pictures\n"
