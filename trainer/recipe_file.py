"""Reads a recipe's TOML file and checks it before anything starts.

A recipe may begin with `extends = "bank.toml"`, the path of another recipe beside it, and then holds only what differs.
Its tables ([network], [losses], ...) are merged with the other's key by key; what a key holds, be it a number, a list
such as the styles or an inline table such as `losses.content`, is replaced as a whole. The other recipe must be
complete: it cannot itself extend a third.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from artem_vr.errors import UsageError, unknown_name
from trainer.recipe import TASKS, AnyRecipe, QuantizationRecipe, Recipe, RunRecipe


def load_recipe(path: Path, overrides: dict[str, str] | None = None) -> AnyRecipe | QuantizationRecipe:
    """Reads and checks a recipe; `overrides` maps dotted keys (`losses.style`) to TOML values.

    Raises `UsageError` in one line: a missing file, bad TOML, an unknown key with the nearest name, a bad value, a
    base that extends another.
    """
    table = _read(path)
    if "extends" in table:
        table = _extended(path, table)
    if "extends" in (overrides or {}):
        raise UsageError("--set extends: a recipe's file alone can extend another")
    for key, value in (overrides or {}).items():
        _override(table, key, value)
    task = table.get("task", "bank")
    if task not in TASKS:
        raise UsageError(f"{path}: {unknown_name('task', str(task), TASKS)}")
    model = TASKS[task]
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error, model)}") from error


def load_bank_recipe(path: Path, overrides: dict[str, str] | None = None) -> Recipe:
    """The same for a recipe that must be one of a bank. Raises `UsageError` for any other as well."""
    recipe = load_recipe(path, overrides)
    if not isinstance(recipe, Recipe):
        raise UsageError(f"{path} trains no bank (its task is {recipe.task}): name the recipe of a bank")
    return recipe


def data_root(path: Path, recipe: RunRecipe) -> Path:
    """The folder that a recipe's data is in: `data.root` is relative to the recipe's own file."""
    return path.resolve().parent / recipe.data.root


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no recipe {path}: see trainer/recipes for those that ship") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is not a recipe: {error}") from error


def _extended(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    name = table["extends"]
    if not isinstance(name, str):
        raise UsageError(f'{path}: extends: write the path of one recipe, for example extends = "bank.toml"')
    try:
        base = _read(path.parent / name)
    except UsageError as error:
        raise UsageError(f"{path}: extends: {error}") from error
    if "extends" in base:
        raise UsageError(f"{path} extends {name}, which extends another: extend a complete recipe")
    if isinstance(base.get("data"), dict) and isinstance(root := base["data"].get("root"), str):
        base["data"]["root"] = (Path(name).parent / root).as_posix()  # it was relative to the base's own folder
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            base[key] |= value
        elif key != "extends":
            base[key] = value
    return base


def _override(table: dict[str, Any], key: str, value: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {key}: {parent} is not a table")
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    problems = error.errors()
    # A misspelt key leaves the right one missing too: the misspelling is what to tell.
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        # The number of a style in the list is not a part of any key's name.
        return unknown_name("key", re.sub(r"\.\d+\.", ".", place), ["extends", *_known_keys(model)])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message.lower()}" if place else message


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                keys += _known_keys(inner, f"{prefix}{name}.")
    return keys
