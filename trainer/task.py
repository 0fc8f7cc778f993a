"""What a run trains, as the loop sees it: the loop knows steps, optimisers and checkpoints, a task everything else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.data.crops import Photos
from trainer.data.loader import BatchLoader
from trainer.recipe import AdainRecipe, AnyRecipe, PerceptualRecipe

Forward = Callable[..., Any]
"""The task's module, or what stands for it where many processes train it."""

Terms = dict[str, Tensor]
"""Loss terms by name, each one number; "total" is what is minimised."""


class Task(Protocol):
    """A module to train, what it is trained for, and what is left of it in the end."""

    @property
    def module(self) -> nn.Module:
        """Its parameters that require gradients are trained, and saved in checkpoints."""

    def groups(self) -> list[dict[str, Any]]:
        """The optimiser's groups of parameters; `factor` is how much faster than the recipe's rate each learns."""

    def terms(self, forward: Forward, photos_NCHW: Tensor, step: int, share: slice) -> Terms:
        """The loss terms of a step, from this process's `share` of the batch that `photos_NCHW` is."""

    def glance(self) -> dict[str, float]:
        """Loss terms on a few of the held-out photographs: seconds, not minutes."""

    def validate(self) -> dict[str, float]:
        """Loss terms on all held-out photographs."""

    def draw(self) -> NDArray[np.uint8]:
        """A picture (H, W, 3) that shows a person how far it is."""

    def export(self, path: Path, steps: int, validation: dict[str, float]) -> None:
        """Writes the finished network. Raises `UsageError` when it cannot be written."""


def open_task(recipe: AnyRecipe, root: Path, photos: Photos, batches: BatchLoader, device: Any) -> Task:
    """The task that a recipe describes, with a fresh module. Raises `InputError` and `UsageError`.

    Everything random is drawn from torch's generator, which the caller has seeded.
    """
    if isinstance(recipe, PerceptualRecipe):
        from trainer.perceptual_task import PerceptualTask

        return PerceptualTask(recipe, root, photos, device)
    if isinstance(recipe, AdainRecipe):
        from trainer.adain_task import AdainTask

        return AdainTask(recipe, root, photos, device)
    from trainer.bank_task import BankTask

    return BankTask(recipe, root, photos, batches, device)
