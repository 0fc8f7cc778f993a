"""What `artem-vr train` does: checks the recipe, trains with a progress bar, validates and exports."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from artem_vr.errors import InputError, UsageError
from trainer.journal import VALIDATION_PREFIX
from trainer.loop import CHECKPOINT_NAME, Run
from trainer.loop import Progress as LoopProgress
from trainer.recipe import QuantizationRecipe, Recipe, StylesRecipe
from trainer.recipe_file import data_root, load_recipe

_PLAIN_LINE_EVERY = 50


def train(recipe_path: Path, overrides: dict[str, str], output: Path | None, resume: bool) -> Path:
    """Trains a recipe to its last step and returns the path of the network.

    `output` is the run's folder (`runs/NAME` unless given). Raises `UsageError`, `InputError` and `EngineError` in
    one line each. Ctrl-C lets the step end and saves, then raises `KeyboardInterrupt`; a second one does so at once.
    """
    recipe = load_recipe(recipe_path, overrides)
    folder = output or Path("runs") / recipe.name
    # What is typed is relative to where it is typed, what stands in the file to the file.
    root = Path(recipe.data.root) if "data.root" in overrides else data_root(recipe_path, recipe)
    if isinstance(recipe, QuantizationRecipe):
        if resume:
            raise UsageError(f"{recipe_path} calibrates, which takes minutes: leave out --resume")
        from trainer.calibration import calibrate  # brings what only this needs

        return calibrate(recipe, root, folder, Console())
    _check_folder(folder, resume)  # before anything is loaded or made
    run = Run(recipe, root, folder)
    if resume:
        run.resume()
    console = Console(quiet=not run.fabric.is_global_zero)
    with _Watcher(console, recipe.steps) as watcher, _stopping_on_interrupt(run):
        run.train(watcher.report)
    if run.stopped:
        console.print(f"stopped at step {run.step}; go on with --resume")
        raise KeyboardInterrupt
    path = folder / f"{recipe.name}.safetensors"
    if not run.fabric.is_global_zero:
        return path
    console.print("validating ...")
    validation = run.validate()
    run.task.export(path, run.step, validation)
    console.print("  ".join(f"{name} {value:.4f}" for name, value in validation.items()))
    console.print(f"wrote {path}")
    if isinstance(recipe, StylesRecipe):
        from trainer.ranking import judged_as_bank, measures_alike, tell_row  # brings an engine; only this needs it

        alike = isinstance(recipe, Recipe) and measures_alike(recipe)
        tell_row(console, path, validation if alike else judged_as_bank(path, root))
    return path


def _check_folder(folder: Path, resume: bool) -> None:
    there = (folder / CHECKPOINT_NAME).exists()
    if there and not resume:
        raise UsageError(f"{folder} holds a run already: add --resume to go on with it, or name another --output")
    if resume and not there:
        raise InputError(f"{folder} holds no checkpoint to go on from: start without --resume, or correct --output")


@contextmanager
def _stopping_on_interrupt(run: Run) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread gets signals, and a shell's background jobs are to ignore this one.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        run.stop()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Watcher:
    """A progress bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console = console
        columns = (
            TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )  # fmt: skip
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("training", total=steps, losses="")

    def __enter__(self) -> "_Watcher":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, progress: LoopProgress) -> None:
        """Shows where the run is."""
        terms = progress.terms
        style = f"  style {terms['style']:.4f}" if "style" in terms else ""
        losses = f"loss {terms['total']:.3f}{style}  {progress.pictures_per_second:.1f} pictures/s"
        if (unseen := terms.get(f"{VALIDATION_PREFIX}total")) is not None:
            losses += f"  unseen {unseen:.3f}"
        self._bar.update(self._task, completed=progress.step, losses=losses)
        if not self._console.is_terminal and progress.step % _PLAIN_LINE_EVERY == 0:
            self._console.print(f"step {progress.step}/{progress.steps}  {losses}")
