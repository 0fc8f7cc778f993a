"""The row of a finished network in the table of those beside it, all judged alike."""

from pathlib import Path

from rich.console import Console

from artem_vr.styles import StyleBank
from trainer.data.crops import Photos
from trainer.network_table import measure_row, render, write_row
from trainer.objective import Objective, weighed
from trainer.recipe import BankRecipe
from trainer.shipped import recipe_and_root
from trainer.trained import TrainedBank
from trainer.validation import Painter, validate

TABLE = "networks.csv"


def tell_row(console: Console, path: Path, terms: dict[str, float], name: str = "", precision: str = "auto") -> None:
    """Adds a network to the table in the folder above its own, and shows the table.

    terms: its unweighted validation losses. Their total is taken as the shipped recipe weighs them, whatever the
    network's own recipe did: only so do rows compare. Without terms the row has no total.
    """
    total = weighed(terms, recipe_and_root()[0].losses) if terms else float("nan")
    table = path.parent.parent / TABLE
    write_row(table, measure_row(StyleBank.load(path), total, name, precision=precision))
    console.print(render(table), highlight=False)
    console.print(f"wrote {table}")


def judged(painter: Painter, recipe: BankRecipe, root: Path) -> dict[str, float]:
    """The unweighted terms of what a finished network paints, by a recipe that has exactly its styles."""
    return validate(painter, recipe, Photos.find(root / recipe.data.photos), Objective(recipe, root))


def measures_alike(recipe: BankRecipe) -> bool:
    """Whether a recipe's terms are those of the shipped one, by the same network at the same taps, however weighed."""
    shipped = recipe_and_root()[0]
    one, other = (
        (each.losses.form, each.losses.style_taps, each.losses.content.keys(), each.data.perceptual, each.data.crop)
        for each in (recipe, shipped)
    )
    return one == other


def judged_as_bank(path: Path, root: Path) -> dict[str, float]:
    """The terms of a network that was trained by other losses, in those of its styles that the shipped recipe has.

    None where there is no such style, or `root` lacks what the shipped recipe measures with.
    """
    recipe, bank = recipe_and_root()[0], StyleBank.load(path)
    paintings = root / recipe.data.paintings
    known = [one for one in recipe.styles if one.name in bank.names and (paintings / one.painting).is_file()]
    if not known or not (root / recipe.data.perceptual).is_file():
        return {}
    recipe = recipe.model_copy(update={"styles": known})
    return judged(TrainedBank(bank, [style.name for style in known]), recipe, root)
