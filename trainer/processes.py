"""How a run spreads over processes: alone, or as one of many that torchrun started, on this host or on several.

    torchrun --nproc-per-node 2 -m artem_vr train RECIPE.toml

Every process paints its share of each batch, and gradients are averaged (DistributedDataParallel, Li et al. 2020), so
that N processes take the very steps that one takes on the same global batch, but for the order of additions.
"""

import os
import warnings

from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy, Strategy

from artem_vr.errors import UsageError
from trainer.device import training_device
from trainer.recipe import RunRecipe


def launch(recipe: RunRecipe) -> Fabric:
    """Joins the processes that torchrun started, or stays alone.

    Raises `UsageError` when the device is missing, or the batch cannot be shared out equally.
    """
    device = training_device(recipe.device)
    world, local = _count("WORLD_SIZE", 1), _count("LOCAL_WORLD_SIZE", _count("WORLD_SIZE", 1))
    if recipe.batch % world:
        raise UsageError(f"a batch of {recipe.batch} cannot be shared by {world} processes: --set batch=N*{world}")
    strategy: str | Strategy = "auto"
    if world > 1:
        strategy = DDPStrategy(process_group_backend="gloo" if device.type == "cpu" else "nccl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on settings that a recipe decides
        fabric = Fabric(
            accelerator=device.type,
            devices=local,
            num_nodes=max(1, world // local),
            strategy=strategy,
            precision="bf16-mixed" if recipe.precision == "bfloat16" else "32-true",
        )
        fabric.launch()
    return fabric


def _count(variable: str, otherwise: int) -> int:
    """A number that torchrun leaves in the environment."""
    value = os.environ.get(variable, "")
    return int(value) if value.isdecimal() and int(value) > 0 else otherwise
