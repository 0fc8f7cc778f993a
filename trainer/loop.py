"""The training loop: deterministic in its step number, so that a run that was stopped goes on as if it never was."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from artem_vr.errors import EngineError, InputError, UsageError
from trainer.bank import Bank, styles_of_step
from trainer.checkpoint import Checkpoint
from trainer.data import Photos, training_batch
from trainer.objective import Objective
from trainer.recipe import Recipe
from trainer.validation import sample_grid, validate

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
        torch.manual_seed(recipe.seed)
        self.bank = Bank(recipe)
        self.bank.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = [
            {"params": list(self.bank.network.parameters()), "factor": 1.0},
            {"params": [self.bank.styles_SD], "factor": recipe.style_rate_factor},
        ]
        self._optimizer = torch.optim.Adam(groups, lr=recipe.learning_rate, betas=(0.9, 0.99))
        self._photos = Photos.find(root / recipe.data.photos)
        self._objective = Objective(recipe, root)
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
        return self._folder / "checkpoint.safetensors"

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
        """Runs to the last step. Raises `EngineError` at the first loss or gradient that is not a number."""
        smoothed: dict[str, float] = {}
        saved = started = time.monotonic()
        first = self.step
        while self.step < self.recipe.steps:
            terms = self._take_step()
            for name, value in terms.items():
                smoothed[name] = _SMOOTHING * smoothed.get(name, value) + (1 - _SMOOTHING) * value
            rate = (self.step - first) * self.recipe.batch / (time.monotonic() - started)
            report(Progress(self.step, self.recipe.steps, smoothed, rate))
            if self.step % _LOG_EVERY == 0:
                self._log(smoothed, rate)
            if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self.save()
                saved = time.monotonic()
            if self.step % sample_every == 0 or self.step == self.recipe.steps:
                sample_grid(self.bank, self.recipe, self._root, self._folder / f"sample_{self.step:06d}.png")
        self.save()

    def save(self) -> None:
        """Writes the checkpoint."""
        text = self.recipe.model_dump_json()
        Checkpoint.capture(self.step, text, self.bank, self._optimizer).save(self.checkpoint_path)

    def validate(self) -> dict[str, float]:
        """The unweighted loss terms on the photographs that training never saw, averaged over all styles."""
        return validate(self.bank, self.recipe, self._photos, self._objective)

    def _take_step(self) -> dict[str, float]:
        recipe = self.recipe
        data = recipe.data
        photos = training_batch(self._photos, data.crop, recipe.batch, recipe.seed, self.step, data.smooth_share)
        photos = photos.contiguous(memory_format=torch.channels_last)
        styles = styles_of_step(len(recipe.styles), recipe.batch, recipe.seed, self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            painted = self.bank(photos, styles)
        terms = self._objective(photos, painted, styles, phase=self.step)
        if not math.isfinite(terms["total"].item()):
            raise EngineError(_not_a_number("loss", self.step))
        self._optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = nn.utils.clip_grad_norm_(self.bank.parameters(), recipe.gradient_clip)
        if not math.isfinite(norm.item()):  # the loss may be finite where its gradient is not: no weight may see it
            raise EngineError(_not_a_number("gradient", self.step))
        for group in self._optimizer.param_groups:
            group["lr"] = group["factor"] * learning_rate(recipe, self.step)
        self._optimizer.step()
        self.step += 1
        return {name: value.item() for name, value in terms.items()}

    def _log(self, terms: dict[str, float], rate: float) -> None:
        path = self._folder / "losses.csv"
        new = not path.exists()
        with path.open("a", encoding="utf-8") as file:
            if new:
                file.write(",".join(["step", "pictures_per_second", *terms]) + "\n")
            file.write(",".join([str(self.step), f"{rate:.2f}", *(f"{value:.6f}" for value in terms.values())]) + "\n")


def _not_a_number(what: str, step: int) -> str:
    return f"the {what} is not a number at step {step}: resume with a lower learning_rate or precision float32"
