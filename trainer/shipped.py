"""The recipe that ships, as the place where commands without a recipe of their own find losses and data."""

from pathlib import Path

from trainer.recipe import Recipe
from trainer.recipe_file import data_root, load_bank_recipe

BANK_RECIPE = Path(__file__).parent / "recipes" / "bank.toml"


def recipe_and_root(path: Path | None = None, root: Path | None = None) -> tuple[Recipe, Path]:
    """A recipe, the shipped one by default, and the folder that its data is in: `root`, or what the recipe says.

    Raises `UsageError` as `load_recipe` does.
    """
    path = path or BANK_RECIPE
    recipe = load_bank_recipe(path)
    return recipe, root or data_root(path, recipe)
