"""Measures how fast the trainer's pictures come: alone, and beside a network that uses them up.

`python benchmarks/data_loading.py [--photos PATH] [--recipe trainer/recipes/bank.toml] [--rounds 5] [--training N]`

All rows are taken in turns in one run, so that whatever else the machine does falls on each of them alike; a figure is
the median of its rounds. `--training N` has the recipe's network consume N batches a round, forth and back but without
the perceptual network, whose work is several times that of all else; `--processes` adds rows for worker processes that
hand their crops over, which the trainer itself does not use.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.bank import Bank, styles_of_step
from trainer.data.crops import Photos, training_batch
from trainer.data.loader import BatchLoader
from trainer.recipe import Recipe
from trainer.recipe_file import load_bank_recipe

ROOT = Path(__file__).resolve().parent.parent
WORKERS = (0, 1, 2, 4)
BATCHES = 25
STARTING = 4
CACHE_MB = 1024


class Source:
    """Batches one after the other, from where it last stopped."""

    def __init__(self, place: Path, recipe: Recipe, workers: int, cache_mb: int = 0) -> None:
        data = recipe.data.model_copy(update={"workers": workers})
        # No end that it could see: it always works ahead, as in the middle of a training.
        recipe = recipe.model_copy(update={"data": data, "steps": 10**9})
        self._batch = recipe.batch
        photos = Photos.find(place, cache_mb)
        for picture in photos.training if cache_mb else []:
            photos.reader.read(picture)  # from here on the cache holds what it can
        self._loader = BatchLoader(photos, recipe)
        self._step = 0

    def rate(self) -> float:
        """Pictures a second over some batches, the first ones left out: there the workers start."""
        with self:
            for _ in range(STARTING):
                self.next()
            start = time.perf_counter()
            for _ in range(BATCHES):
                self.next()
            return BATCHES * self._batch / (time.perf_counter() - start)

    def next(self) -> Tensor:
        """One more batch."""
        self._step += 1
        return self._loader.batch(self._step - 1)

    def __enter__(self) -> "Source":
        self._loader.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._loader.__exit__(*problem)


class Processes:
    """The same work in processes: what threads are compared with."""

    def __init__(self, place: Path, recipe: Recipe, workers: int) -> None:
        self._batch = recipe.batch
        data = recipe.data
        self._arguments: tuple[Any, ...] = (str(place), data.crop, recipe.batch, recipe.seed, data.smooth_share)
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        self._ahead = 2 * workers
        self._step = 0

    def rate(self) -> float:
        futures = [self._pool.submit(crops_of, self._step + n, *self._arguments) for n in range(self._ahead + 1)]
        start = 0.0
        for number in range(BATCHES + STARTING):
            if number == STARTING:
                start = time.perf_counter()
            futures.pop(0).result()
            futures.append(self._pool.submit(crops_of, self._step + self._ahead + 1 + number, *self._arguments))
        self._step += BATCHES + STARTING
        rate = BATCHES * self._batch / (time.perf_counter() - start)
        for future in futures:
            future.result()
        return rate


_found: dict[str, Photos] = {}


def crops_of(step: int, place: str, size: int, batch: int, seed: int, share: float) -> NDArray[Any]:
    if place not in _found:
        _found[place] = Photos.find(Path(place))
    return training_batch(_found[place], size, batch, seed, step, share).numpy()


def cpu_cost(place: Path, recipe: Recipe, cache_mb: int = 0) -> float:
    """Milliseconds of processor time that a picture takes, which a busy machine changes less than the rate."""
    source = Source(place, recipe, 0, cache_mb)
    start = time.process_time()
    source.rate()
    return 1000 * (time.process_time() - start) / (recipe.batch * (BATCHES + STARTING))


def in_turns(rows: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each row, a round taking every row once."""
    figures: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, measure in rows.items():
            figures[name].append(measure())
    return {name: median(values) for name, values in figures.items()}


def show(title: str, figures: dict[str, float]) -> None:
    base = next(iter(figures.values()))
    print(f"\n{title}\n")
    for name, rate in figures.items():
        print(f"  {name:34} {rate:8.1f} pictures/s  {rate / base:5.2f}")


class Learner:
    """The network of the recipe learning something simple from a source's batches: much less work than a training."""

    def __init__(self, recipe: Recipe, source: Source, steps: int) -> None:
        self._bank, self._recipe, self._source, self._steps = Bank(recipe), recipe, source, steps

    def rate(self) -> float:
        """Pictures a second."""
        with self._source:
            self._step()
            start = time.perf_counter()
            for _ in range(self._steps):
                self._step()
            return self._steps * self._recipe.batch / (time.perf_counter() - start)

    def _step(self) -> None:
        photos = self._source.next()
        styles = styles_of_step(len(self._recipe.styles), len(photos), 0, 0)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.precision == "bfloat16"):
            painted = self._bank(photos.contiguous(memory_format=torch.channels_last), styles)
        (painted.float() - photos).square().mean().backward()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=ROOT / "trainer" / "recipes" / "bank.toml")
    parser.add_argument("--photos", type=Path, help="a folder, an archive or shards; else the recipe's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training", type=int, default=0, metavar="STEPS")
    parser.add_argument("--processes", action="store_true")
    arguments = parser.parse_args()
    recipe = load_bank_recipe(arguments.recipe)
    root = (arguments.recipe.resolve().parent / recipe.data.root).resolve()
    place = (arguments.photos or root / recipe.data.photos).absolute()
    rows: dict[str, Callable[[], float]] = {
        f"{workers} workers": Source(place, recipe, workers).rate for workers in WORKERS
    }
    for workers in (0, 1):
        rows[f"{workers} workers, cache of {CACHE_MB} MB"] = Source(place, recipe, workers, CACHE_MB).rate
    if arguments.processes:
        for workers in (1, 2):
            rows[f"{workers} worker processes"] = Processes(place, recipe, workers).rate
    show(f"loading alone, crops of {recipe.data.crop}", in_turns(rows, arguments.rounds))
    for cache_mb in (0, CACHE_MB):
        name = f"cache of {cache_mb} MB" if cache_mb else "no cache"
        print(f"  processor time, {name}: {cpu_cost(place, recipe, cache_mb):.2f} ms a picture")
    if arguments.training:
        learners: dict[str, Callable[[], float]] = {
            f"{workers} workers": Learner(recipe, Source(place, recipe, workers), arguments.training).rate
            for workers in WORKERS[:3]
        }
        show(f"beside the {recipe.network.kind} network, forth and back", in_turns(learners, arguments.rounds))


if __name__ == "__main__":
    main()
