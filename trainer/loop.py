"""The training loop: deterministic in its step number, so that a run that was stopped goes on as if it never was."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from artem_vr.errors import EngineError, InputError, UsageError
from trainer.bank import Bank, styles_of_step
from trainer.checkpoint import Checkpoint
from trainer.data import Photos, training_batch
from trainer.device import training_device
from trainer.loss_log import LossLog
from trainer.objective import Objective
from trainer.recipe import Recipe
from trainer.validation import sample_grid, validate

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


def learning_rate(recipe: Recipe, step: int) -> float:
    """A linear warm-up, then half a cosine down to a hundredth (Loshchilov and Hutter 2017)."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Run:
    """One training run in a folder: checkpoint.safetensors, losses.csv and sample grids."""

    def __init__(self, recipe: Recipe, root: Path, folder: Path) -> None:
        self.recipe, self._root, self._folder = recipe, root, folder
        self._device = training_device(recipe.device)
        # A GPU works behind the host's back: it is asked for numbers only now and then, for each time both wait.
        self._deferred = self._device.type != "cpu"
        self._finite = torch.ones((), dtype=torch.bool, device=self._device)
        self.stopped = False
        self._losses = LossLog(folder / "losses.csv")
        torch.manual_seed(recipe.seed)
        self.bank = Bank(recipe)
        self.bank.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = [
            {"params": list(self.bank.network.parameters()), "factor": 1.0},
            {"params": [self.bank.styles_SD], "factor": recipe.style_rate_factor},
        ]
        self._optimizer = torch.optim.Adam(groups, lr=recipe.learning_rate, betas=(0.9, 0.99))
        self._photos = Photos.find(root / recipe.data.photos)
        self._objective = Objective(recipe, root, self._device)
        self.step = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot write to {folder}: {error.strerror}; name another folder with --output"
            ) from error

    @property
    def checkpoint_path(self) -> Path:
        """Where the newest checkpoint is."""
        return self._folder / CHECKPOINT_NAME

    def resume(self) -> None:
        """Goes on from the checkpoint. Raises `InputError` when it does not fit."""
        checkpoint = Checkpoint.load(self.checkpoint_path)
        if checkpoint.style_names != [style.name for style in self.recipe.styles]:
            raise InputError(
                f"{self.checkpoint_path} was trained on other styles ({', '.join(checkpoint.style_names)}): "
                "start without --resume in another --output"
            )
        checkpoint.restore(self.bank, self._optimizer)
        self.step = checkpoint.step

    def train(self, report: Callable[[Progress], None], sample_every: int = 500) -> None:
        """Runs to the last step, or until `stop`, and saves.

        Raises `EngineError` for a loss or gradient that is not a number, before anything is made of it, and
        `UsageError` when a file cannot be written.
        """
        self._losses.cut(self.step)
        smoothed, shown = _Smoothed(), dict[str, float]()
        started = time.monotonic()
        due = started + min(_FIRST_CHECKPOINT_SECONDS, _CHECKPOINT_SECONDS)
        first = self.step
        while self.step < self.recipe.steps:
            smoothed.add(self._take_step())
            if not (self._deferred and shown) or self.step % _LOG_EVERY == 0:
                self._check_deferred()
                shown = smoothed.read()
            rate = (self.step - first) * self.recipe.batch / max(time.monotonic() - started, 1e-6)
            report(Progress(self.step, self.recipe.steps, shown, rate))
            if self.step % _LOG_EVERY == 0:
                self._losses.append(self.step, rate, shown)
            if time.monotonic() > due:
                self.save()
                due = time.monotonic() + _CHECKPOINT_SECONDS
            if self.step % sample_every == 0 or self.step == self.recipe.steps:
                sample_grid(self.bank, self.recipe, self._root, self._folder / f"sample_{self.step:06d}.png")
            if self.stopped:
                break
        if self.step > 0:
            self.save()

    def stop(self) -> None:
        """Lets `train` end after the step that it is in. May be called from a signal handler or another thread."""
        self.stopped = True

    def save(self) -> None:
        """Writes the checkpoint. Raises `EngineError` rather than save weights that are not numbers."""
        self._check_deferred()
        text = self.recipe.model_dump_json()
        Checkpoint.capture(self.step, text, self.bank, self._optimizer).save(self.checkpoint_path)

    def validate(self) -> dict[str, float]:
        """The unweighted loss terms on the photographs that training never saw, averaged over all styles."""
        return validate(self.bank, self.recipe, self._photos, self._objective)

    def _take_step(self) -> dict[str, Tensor]:
        recipe = self.recipe
        data = recipe.data
        photos = training_batch(self._photos, data.crop, recipe.batch, recipe.seed, self.step, data.smooth_share)
        photos = photos.contiguous(memory_format=torch.channels_last).to(self._device)
        styles = styles_of_step(len(recipe.styles), recipe.batch, recipe.seed, self.step).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            painted = self.bank(photos, styles)
        terms = self._objective(photos, painted, styles, phase=self.step)
        self._expect_finite("loss", terms["total"])
        self._optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = nn.utils.clip_grad_norm_(self.bank.parameters(), recipe.gradient_clip)
        self._expect_finite("gradient", norm)  # the loss may be finite where its gradient is not: no weight may see it
        for group in self._optimizer.param_groups:
            group["lr"] = group["factor"] * learning_rate(recipe, self.step)
        self._optimizer.step()
        self.step += 1
        return terms

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
