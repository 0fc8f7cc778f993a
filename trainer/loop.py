"""The training loop: deterministic in its step number, so that a run that was stopped goes on as if it never was."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from artem_vr.errors import EngineError, InputError
from trainer.checkpoint import Checkpoint
from trainer.data.crops import Photos
from trainer.data.loader import BatchLoader
from trainer.host_memory import keep_freed_memory
from trainer.journal import VALIDATION_PREFIX, Journal
from trainer.muon import Muon
from trainer.processes import launch
from trainer.recipe import AnyRecipe, RunRecipe
from trainer.room import check_room
from trainer.task import open_task

CHECKPOINT_NAME = "checkpoint.safetensors"
_FIRST_CHECKPOINT_SECONDS = 10.0
_CHECKPOINT_SECONDS = 60.0
_LOG_EVERY = 20
_SMOOTHING = 0.98


@dataclass(frozen=True, slots=True)
class Progress:
    """What the loop tells whoever watches: steps done, of how many, smoothed loss terms, pictures a second."""

    step: int
    steps: int
    terms: dict[str, float]
    pictures_per_second: float


def learning_rate(recipe: RunRecipe, step: int) -> float:
    """A linear warm-up, then what `schedule` says: half a cosine down to a hundredth (Loshchilov and Hutter 2017), the
    same to the end, or rate / (1 + decay * step) (Huang and Belongie 2017, in their published code)."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "inverse":
        return recipe.learning_rate / (1 + recipe.decay * step)
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Run:
    """One training run in a folder: checkpoint.safetensors and what `trainer.journal` writes."""

    def __init__(self, recipe: AnyRecipe, root: Path, folder: Path) -> None:
        self.recipe, self._folder = recipe, folder
        self.fabric = launch(recipe)
        self._device = self.fabric.device
        # A GPU works behind the host's back: it is asked for numbers only now and then, for each time both wait.
        self._deferred = self._device.type != "cpu"
        self._finite = torch.ones((), dtype=torch.bool, device=self._device)
        self.stopped = self._stopping = False
        keep_freed_memory()
        photos = Photos.find(root / recipe.data.photos, recipe.data.cache_mb, recipe.data.share)
        self._batches = BatchLoader(photos, recipe)
        torch.manual_seed(recipe.seed)
        self.task = open_task(recipe, root, photos, self._batches, self._device)
        self.task.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._plain_optimizer = {"muon": Muon, "adam": torch.optim.Adam}[recipe.optimizer](
            self.task.groups(), lr=recipe.learning_rate, betas=(0.9, 0.99)
        )
        self._module, self._optimizer = self.fabric.setup(self.task.module, self._plain_optimizer)
        self.step = 0
        check_room(folder, self.task.module)

    @property
    def checkpoint_path(self) -> Path:
        """Where the newest checkpoint is."""
        return self._folder / CHECKPOINT_NAME

    def resume(self) -> None:
        """Goes on from the checkpoint. Raises `InputError` when it does not fit."""
        checkpoint = Checkpoint.load(self.checkpoint_path)
        if checkpoint.task != self.recipe.task:
            raise InputError(
                f"{self.checkpoint_path} is of a run whose task was {checkpoint.task}, not {self.recipe.task}: "
                "start without --resume in another --output"
            )
        names = [style.name for style in getattr(self.recipe, "styles", [])]
        if checkpoint.style_names != names:
            raise InputError(
                f"{self.checkpoint_path} was trained on other styles ({', '.join(checkpoint.style_names)}): "
                "start without --resume in another --output"
            )
        if checkpoint.optimizer != self.recipe.optimizer:
            name = checkpoint.optimizer
            raise InputError(f"{self.checkpoint_path} was trained with {name}: --set optimizer={name}")
        checkpoint.restore(self.task.module, self._plain_optimizer)
        self.step = checkpoint.step

    def train(self, report: Callable[[Progress], None], sample_every: int = 500) -> None:
        """Runs to the last step, or until `stop`, and saves. Of many processes the first alone reports and writes.

        Raises `EngineError` for a loss or gradient that is not a number, before anything is made of it, and
        `UsageError` when a file cannot be written.
        """
        with self._batches:  # its workers end with the training, however that ends
            if not self.fabric.is_global_zero:
                while self.step < self.recipe.steps and not self.stopped:
                    self._take_step()
                return
            with Journal(self._folder, self.step) as journal:
                self._train(report, journal, sample_every)

    def _train(self, report: Callable[[Progress], None], journal: Journal, sample_every: int) -> None:
        smoothed, shown, judged = _Smoothed(), dict[str, float](), dict[str, float]()
        started = time.monotonic()
        due = started + min(_FIRST_CHECKPOINT_SECONDS, _CHECKPOINT_SECONDS)
        first = self.step
        while self.step < self.recipe.steps:
            smoothed.add(self._take_step())
            if not (self._deferred and shown) or self.step % _LOG_EVERY == 0:
                self._check_deferred()
                shown = smoothed.read()
            rate = (self.step - first) * self.recipe.batch / max(time.monotonic() - started, 1e-6)
            sampled = self.step % sample_every == 0 or self.step == self.recipe.steps
            if sampled:
                judged = self.glance()
            report(Progress(self.step, self.recipe.steps, shown | judged, rate))
            if self.step % _LOG_EVERY == 0 or sampled:
                journal.log(self.step, rate, shown | (judged if sampled else {}))
            if time.monotonic() > due:
                self.save()
                due = time.monotonic() + _CHECKPOINT_SECONDS
            if sampled:
                journal.show(self.step, self.task.draw())
            if self.stopped:
                break
        if self.step > 0:
            self.save()

    def stop(self) -> None:
        """Lets `train` end after the step that it is in. May be called from a signal handler or another thread."""
        self._stopping = True
        if self.fabric.world_size == 1:
            self.stopped = True

    def save(self) -> None:
        """Writes the checkpoint. Raises `EngineError` rather than save weights that are not numbers."""
        self._check_deferred()
        text = self.recipe.model_dump_json()
        Checkpoint.capture(self.step, text, self.task.module, self._plain_optimizer).save(self.checkpoint_path)

    def validate(self) -> dict[str, float]:
        """The unweighted loss terms on the photographs that training never saw."""
        return self.task.validate()

    def glance(self) -> dict[str, float]:
        """The same on few of them, to be followed while training; names begin "validation/"."""
        return {VALIDATION_PREFIX + name: value for name, value in self.task.glance().items()}

    def _take_step(self) -> dict[str, Tensor]:
        recipe, share = self.recipe, slice(self.fabric.global_rank, None, self.fabric.world_size)
        photos = self._batches.batch(self.step)[share]
        photos = photos.contiguous(memory_format=torch.channels_last).to(self._device)
        terms = self.task.terms(self._module, photos, self.step, share)
        means = self._everywhere(terms)
        self._expect_finite("loss", means["total"])
        self._optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(terms["total"])
        norm = nn.utils.clip_grad_norm_(self.task.module.parameters(), recipe.gradient_clip)
        self._expect_finite("gradient", norm)  # the loss may be finite where its gradient is not: no weight may see it
        for group in self._plain_optimizer.param_groups:
            group["lr"] = group["factor"] * learning_rate(recipe, self.step)
        self._optimizer.step()
        self.step += 1
        return means

    def _everywhere(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """The means of the terms over all processes; and when one of them is to stop, all stop after this step."""
        if self.fabric.world_size == 1:
            return terms
        stopping = terms["total"].new_tensor(float(self._stopping))  # where the terms are, be that a GPU
        values = torch.stack([*(value.detach() for value in terms.values()), stopping])
        *means, stopping = self.fabric.all_reduce(values, reduce_op="mean").unbind()  # type: ignore[union-attr]
        self.stopped = stopping.item() > 0
        return dict(zip(terms, means, strict=True))

    def _expect_finite(self, what: str, value: Tensor) -> None:
        if self._deferred:
            self._finite = self._finite & torch.isfinite(value.detach())
        elif not math.isfinite(value.item()):
            raise EngineError(_not_a_number(what, f"at step {self.step}"))

    def _check_deferred(self) -> None:
        if self._deferred and not self._finite.item():
            raise EngineError(_not_a_number("loss or its gradient", f"before step {self.step}"))


class _Smoothed:
    """A running mean of the loss terms that stays on their device, so that adding to it waits for nothing."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._means: Tensor | None = None

    def add(self, terms: dict[str, Tensor]) -> None:
        self._names = list(terms)
        values = torch.stack([value.detach() for value in terms.values()]).double()
        self._means = _SMOOTHING * (values if self._means is None else self._means) + (1 - _SMOOTHING) * values

    def read(self) -> dict[str, float]:
        return {} if self._means is None else dict(zip(self._names, self._means.tolist(), strict=True))


def _not_a_number(what: str, when: str) -> str:
    return f"the {what} is not a number {when}: resume with a lower learning_rate or precision float32"
