"""Checkpoints: everything a run needs to go on, in one safetensors file that is never half-written."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from artem_vr.errors import InputError
from trainer.replacing import replacing


@dataclass(slots=True)
class Checkpoint:
    """The state after `step` steps: weights, the optimiser's moments, and the recipe's text they belong to.

    Adam has two moments of every weight, Muon the second one of some alone.
    """

    step: int
    recipe: str
    weights: dict[str, Tensor]
    first_moments: dict[str, Tensor]
    second_moments: dict[str, Tensor]

    @classmethod
    def capture(cls, step: int, recipe: str, module: nn.Module, optimizer: Optimizer) -> "Checkpoint":
        """Looks at a run; the tensors are not copied."""
        learned = _learned(module)
        weights = {name: parameter.detach() for name, parameter in learned.items()}
        states = {name: optimizer.state[parameter] for name, parameter in learned.items()}
        return cls(
            step,
            recipe,
            weights,
            {name: state["exp_avg"] for name, state in states.items()},
            {name: state["exp_avg_sq"] for name, state in states.items() if "exp_avg_sq" in state},
        )

    @property
    def style_names(self) -> list[str]:
        """The names of the styles in the recipe, in the order of their vectors; none where nothing is painted."""
        return [style["name"] for style in json.loads(self.recipe).get("styles", [])]

    @property
    def task(self) -> str:
        """What was trained."""
        return str(json.loads(self.recipe).get("task", "bank"))  # recipes did not always say

    @property
    def optimizer(self) -> str:
        """Which optimiser the moments are of."""
        return str(json.loads(self.recipe).get("optimizer", "adam"))  # recipes did not always say

    def restore(self, module: nn.Module, optimizer: Optimizer) -> None:
        """Puts a run into this state. Raises `InputError` when the network has another shape."""
        parameters = _learned(module)
        if parameters.keys() != self.weights.keys():
            raise InputError("the checkpoint belongs to another network: start without --resume")
        with torch.no_grad():
            for name, parameter in parameters.items():
                if parameter.shape != self.weights[name].shape:
                    raise InputError(f"the checkpoint's {name} has another shape: start without --resume")
                parameter.copy_(self.weights[name])
                moments = {"exp_avg": self.first_moments, "exp_avg_sq": self.second_moments}
                optimizer.state[parameter] = {"step": torch.tensor(float(self.step))} | {
                    key: torch.empty_like(parameter).copy_(found[name])
                    for key, found in moments.items()
                    if name in found
                }

    def save(self, path: Path) -> None:
        """Writes to a temporary file beside `path`, flushes it to the disk and renames it. Raises `UsageError`."""
        groups = {"weights": self.weights, "first": self.first_moments, "second": self.second_moments}
        tensors = {
            f"{group}/{name}": tensor.cpu().contiguous()
            for group, named in groups.items()
            for name, tensor in named.items()
        }
        with replacing(path, "the checkpoint") as temporary:
            save_file(tensors, temporary, {"step": str(self.step), "recipe": self.recipe})
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Reads a checkpoint. Raises `InputError` when it is missing, corrupt or something else."""
        groups: dict[str, dict[str, Tensor]] = {"weights": {}, "first": {}, "second": {}}
        if not path.exists():
            raise InputError(f"there is no checkpoint {path}: start without --resume")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                for key in file.keys():  # noqa: SIM118 - not a dictionary
                    group, name = key.split("/", 1)
                    groups[group][name] = file.get_tensor(key)
            step, recipe = int(metadata["step"]), metadata["recipe"]
            checkpoint = cls(step, recipe, groups["weights"], groups["first"], groups["second"])
            checkpoint.check()
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is not a checkpoint ({error}): start without --resume") from error
        return checkpoint

    def check(self) -> None:
        """Raises `ValueError`, `KeyError` or `TypeError` when parts are missing or do not belong together."""
        if self.step < 0 or not json.loads(self.recipe)["name"]:
            raise ValueError("no step or no recipe")
        for name, weight in self.weights.items():
            for moment in (self.first_moments[name], self.second_moments.get(name, weight)):
                if moment.shape != weight.shape:
                    raise ValueError(f"the moments of {name} have another shape")


def _learned(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training changes: all others are made anew with the module."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
