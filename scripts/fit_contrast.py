"""Gives each style of a finished compact bank the contrast with which the training objective is lowest.

Training for calm leaves paint a little pale. This tries stronger and weaker contrasts of every style, between 0.9 and
1.12 times what it has, on photographs for training and on places of the built-in scene, and writes the best into the
style's vector; the network's weights, and styles that were added to the bank, stay as they are. Then it measures the
new bank on the photographs held out, for its model card. Minutes, on a processor.

    python scripts/fit_contrast.py runs/int8/int8.safetensors runs/contrast.safetensors
    python scripts/fit_contrast.py BANK OUT --data FOLDER          where the photographs and paintings are elsewhere
    python scripts/fit_contrast.py BANK OUT --places 0             without OpenGL: on photographs alone
    python scripts/fit_contrast.py BANK OUT --most 1.05            where a style comes out too harsh

A bank is calibrated for int8 first: its ranges are kept, and the one that contrast widens is widened.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from pydantic import ValidationError

from artem_vr.errors import ArtemError, InputError, UsageError
from artem_vr.progress import progress_bar
from artem_vr.styles import ModelCard, StyleBank
from trainer.contrast import LEAST, MOST, compact_config, fit_contrast, targets_of, with_contrast
from trainer.data.crops import Photos
from trainer.data.scene_pairs import ScenePairs
from trainer.export import export
from trainer.objective import Objective, weighed
from trainer.recipe import BankRecipe, LossRecipe
from trainer.shipped import recipe_and_root
from trainer.trained import TrainedBank
from trainer.validation import mean, measure

SUFFIX = ".safetensors"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path, metavar="BANK", help="the bank to fit, a file or the name of a shipped one")
    parser.add_argument("out", type=Path, metavar="OUT", help="the new bank's file, which may not be BANK")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the training data; where bank.toml says if left out"
    )
    parser.add_argument("--photographs", type=int, default=16, help="photographs to fit on (default 16)")
    parser.add_argument("--places", type=int, default=8, help="places of the scene to fit on, 0 for none (default 8)")
    parser.add_argument("--most", type=float, default=MOST, help=f"the largest factor, 1 or above (default {MOST})")
    return parser.parse_args(given)


def _check(bank: StyleBank, arguments: argparse.Namespace) -> None:
    """Before anything is drawn or read. Raises `UsageError`."""
    compact_config(bank)
    out: Path = arguments.out
    if out.suffix != SUFFIX:
        raise UsageError(f"{out}: the file's name must end in {SUFFIX}")
    if out.resolve() == bank.path.resolve():
        raise UsageError(f"{out} is the bank to fit: name another file")
    if out.is_dir():
        raise UsageError(f"{out} is a folder: name a file")
    there = next(folder for folder in out.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"cannot write to {out.parent}: name a file elsewhere")
    if arguments.photographs < 1 or arguments.places < 0:
        raise UsageError("--photographs must be at least 1, and --places at least 0")
    if arguments.most < 1:
        raise UsageError(f"--most {arguments.most}: choose 1 or above")


def _scene(places: int, recipe: BankRecipe) -> torch.Tensor:
    """The left eye's pictures of as many places (P, 3, S, S): the first that training with this seed takes."""
    size = recipe.data.crop
    if not places:
        return torch.empty(0, 3, size, size)
    with progress_bar("drawing the scene", places) as advance:
        return ScenePairs.render(places, size, recipe.seed, lambda done: advance(done, places)).left_NCHW()


def _judged(bank: StyleBank, recipe: BankRecipe, photos: Photos, objective: Objective) -> dict[str, float]:
    """The terms on the photographs held out, `total` as the bank's own losses weigh them."""
    try:
        weights = LossRecipe.model_validate(bank.card.losses)
    except ValidationError as error:
        raise InputError(f"{bank.path} was trained with other losses than there are: train it anew") from error
    names = bank.names
    pictures = len(names) * len(photos.validation)
    done = 0
    with progress_bar("measuring", pictures) as advance:

        def more(count: int) -> None:
            nonlocal done
            done += count
            advance(done, pictures)

        terms = mean(measure(TrainedBank(bank, names), recipe, photos, objective, targets_of(names, recipe), more))
    return terms | {"total": weighed(terms, weights)}


def _card(
    card: ModelCard, factors: dict[str, float], photographs: int, places: int, terms: dict[str, float]
) -> ModelCard:
    """The old card with the new figures, and a sentence more on what was done."""
    scene = f" and {places} places of the scene" if places else ""
    listed = ", ".join(f"{name} {factor:.3f}" for name, factor in factors.items())
    sentence = (
        f"Then the contrast of each style about mid-grey was multiplied by a factor of its own, fitted on "
        f"{photographs} training photographs{scene}: {listed}."
    )
    validation = {name: round(value, 5) for name, value in terms.items()}
    return card.model_copy(update={"description": f"{card.description} {sentence}".strip(), "validation": validation})


def fit(arguments: argparse.Namespace) -> None:
    """Fits, measures and writes. Raises `ArtemError` in one line, and then leaves nothing behind."""
    bank = StyleBank.load(arguments.bank)
    _check(bank, arguments)
    recipe, root = recipe_and_root(root=arguments.data)
    targets_of(bank.names[: len(bank.names) - bank.added], recipe)
    photos = Photos.find(root / recipe.data.photos)
    objective = Objective(recipe, root)
    scene = _scene(arguments.places, recipe)
    with progress_bar("fitting contrast", len(bank.names)) as advance:
        factors = fit_contrast(
            bank, recipe, photos, objective, scene, arguments.photographs, (LEAST, arguments.most), advance
        )
    for name, factor in factors.items():
        print(f"{name:20} {factor:.3f}")
    fitted = with_contrast(bank, list(factors.values()))
    terms = _judged(fitted, recipe, photos, objective)
    card = _card(fitted.card, factors, arguments.photographs, arguments.places, terms)
    fitted = replace(fitted, card=card)
    export(TrainedBank(fitted), card, arguments.out, fitted.ranges)
    before, after = bank.card.validation.get("total"), card.validation["total"]
    print(f"wrote {arguments.out}: validation loss {after:.3f}" + (f", {before:.3f} before" if before else ""))


def main(given: Sequence[str] | None = None) -> int:
    """The script's exit code: 2 after a mistake, which is told in one line."""
    try:
        fit(_arguments(given))
    except ArtemError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
