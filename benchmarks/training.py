"""Measures how fast a training runs, and how near that is to what the machine's arithmetic allows.

`python benchmarks/training.py [--recipe trainer/recipes/bank.toml] [--steps 30] [--set data.perceptual=small ...]`

Steps of the recipe are taken as the loop takes them, and their floating-point operations counted by PyTorch (forward
and backward, matrix products and convolutions). The limit is the fastest matrix product of the same precision, measured
in the same run before and after. The rate is the median of single steps: other work on the machine makes it slower, not
faster.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from torch.utils.flop_counter import FlopCounterMode

from artem_vr.arithmetic import fastest_matmuls
from trainer.loop import Run
from trainer.recipe_file import data_root, load_bank_recipe

ROOT = Path(__file__).resolve().parent.parent
WARMING = 5
PRODUCTS = 100


def peak(precision: str) -> float:
    """Operations a second of the fastest matrix product, at its fastest of many."""
    rates = []
    for matmul in fastest_matmuls(precision):
        seconds = []
        for _ in range(PRODUCTS):
            start = time.perf_counter()
            matmul.run()
            seconds.append(time.perf_counter() - start)
        rates.append(matmul.flops / min(seconds))
    return max(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=ROOT / "trainer/recipes/bank.toml")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    overrides = dict(override.split("=", 1) for override in arguments.overrides)
    recipe = load_bank_recipe(arguments.recipe, overrides)
    root = Path(recipe.data.root) if "data.root" in overrides else data_root(arguments.recipe, recipe)
    precision = "bf16" if recipe.precision == "bfloat16" else "f32"
    before = peak(precision)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(recipe, root, Path(folder))
        for _ in range(WARMING):
            run._take_step()
        with FlopCounterMode(display=False) as counter:
            run._take_step()
        seconds = []
        for _ in range(arguments.steps):
            start = time.perf_counter()
            run._take_step()
            seconds.append(time.perf_counter() - start)
    fastest = max(before, peak(precision))
    step, flops = median(seconds), counter.get_total_flops()
    print(
        f"{recipe.name}, {recipe.batch} pictures of {recipe.data.crop} px, losses by {recipe.data.perceptual}: "
        f"{recipe.batch / step:.1f} pictures a second ({1e3 * step:.0f} ms a step)\n"
        f"{flops / 1e9:.0f} GFLOP a step at {flops / step / 1e9:.0f} GFLOP/s: {flops / step / fastest:.2f} of the "
        f"{precision} peak of {fastest / 1e9:.0f} GFLOP/s, which would allow {recipe.batch * fastest / flops:.1f}"
    )


if __name__ == "__main__":
    main()
