"""Recipes: what a training run is made of, as a TOML file that is checked before anything starts.

A recipe may begin with `extends = "bank.toml"`, the path of another recipe beside it, and then holds only what differs.
Its tables ([network], [losses], ...) are merged with the other's key by key; what a key holds, be it a number, a list
such as the styles or an inline table such as `losses.content`, is replaced as a whole. The other recipe must be
complete: it cannot itself extend a third.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from artem_vr.errors import UsageError, unknown_name
from artem_vr.nets.johnson import Output, Upsampling
from artem_vr.styles import IDENTITY


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StyleRecipe(_Strict):
    """One painting: what it is called, what it is, and how large its brush strokes shall be."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    painting: str
    title: str
    artist: str
    year: str
    short_side: int = Field(default=400, ge=64, le=2048)
    style_weight: float = Field(default=1.0, gt=0)


class NetworkRecipe(_Strict):
    """Which generator, and its shape."""

    kind: Literal["compact", "johnson"] = "compact"
    channels: int = Field(default=32, ge=4, le=256)
    blocks: int = Field(default=5, ge=1, le=20)
    deep_channels: int = Field(default=64, ge=4, le=256)
    """Of the compact network alone, as are the next two."""
    shallow_blocks: int = Field(default=1, ge=0, le=20)
    tail_channels: int = Field(default=16, ge=4, le=256)
    upsampling: Upsampling = "nearest"
    """Of johnson alone, as is `output`."""
    output: Output = "linear"


class LossRecipe(_Strict):
    """The weights of the loss terms (see `trainer.losses`); a tap with no entry is not computed."""

    content: dict[str, float] = Field(default={"relu3_1": 1.0}, min_length=1)
    style_taps: dict[str, float] = Field(
        default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0}, min_length=1
    )
    """How much each tap counts in the style loss: the first ones hold colour and grain, the last ones strokes."""
    style: float = Field(default=4.0, ge=0)
    total_variation: float = Field(default=0.2, ge=0)
    tone: float = Field(default=1.0, ge=0)
    patch: float = Field(default=0.0, ge=0)
    palette: float = Field(default=0.0, ge=0)
    grid: float = Field(default=0.0, ge=0)
    lattice: float = Field(default=0.0, ge=0)
    constant_grid: float = Field(default=0.0, ge=0)
    """Of a grid that is the same all over the picture as it is shown: real detail averages out far better there."""
    grid_share: float = Field(default=0.0, ge=0)
    weave: float = Field(default=0.0, ge=0)
    overflow: float = Field(default=1.0, ge=0)


class DataRecipe(_Strict):
    """Where the photographs, the paintings and the perceptual network are, relative to `root`, and the terms of use."""

    root: str
    photos: str
    """A folder tree, an archive, or tar shards such as "photos/shard-{000000..000009}.tar" (`trainer.data.sources`)."""
    paintings: str
    perceptual: str
    terms: str
    crop: int = Field(default=256, ge=32, le=1024, multiple_of=4)
    smooth_share: float = Field(default=0.1, ge=0, le=1)
    workers: int = Field(default=1, ge=0, le=64)
    """Threads that decode the next steps' pictures while a step is computed; 0: the step itself does."""
    cache_mb: int = Field(default=0, ge=0)
    """Megabytes of decoded pictures to keep in memory."""


class Recipe(_Strict):
    """A whole training run."""

    name: str
    steps: int = Field(ge=1)
    batch: int = Field(default=4, ge=1)
    optimizer: Literal["muon", "adam"] = "muon"
    """Muon (`trainer.muon`) had brought a bank's loss to 2.51 where Adam had it at 2.97, after 400 steps each."""
    learning_rate: float = Field(default=3e-3, gt=0)
    style_rate_factor: float = Field(default=3.0, gt=0)
    """Style vectors learn this much faster than weights: each sees only its own share of the pictures."""
    warmup: int = Field(default=100, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    seed: int = Field(default=0, ge=0)
    start: str = ""
    """A bank to begin from (its path): weights and the styles of the same names are taken over. Else random weights."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs: "auto" is an NVIDIA GPU where there is one, else the processor."""
    licence: str = "MIT for the weights; see the terms of the training data"
    network: NetworkRecipe = NetworkRecipe()
    losses: LossRecipe = LossRecipe()
    data: DataRecipe
    styles: list[StyleRecipe] = Field(min_length=1)

    @field_validator("styles")
    @classmethod
    def _each_name_once(cls, styles: list[StyleRecipe]) -> list[StyleRecipe]:
        names = [style.name for style in styles]
        for name in names:
            if name == IDENTITY:
                raise ValueError(f"the name '{IDENTITY}' is taken by the untouched picture")
            if names.count(name) > 1:
                raise ValueError(f"two styles are called '{name}'")
        return styles


def load_recipe(path: Path, overrides: dict[str, str] | None = None) -> Recipe:
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
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error)}") from error


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


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    # A misspelt key leaves the right one missing too: the misspelling is what to tell.
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        # The number of a style in the list is not a part of any key's name.
        return unknown_name("key", re.sub(r"\.\d+\.", ".", place), ["extends", *_known_keys(Recipe)])
    return f"{place}: {problem['msg'].lower()}"


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                keys += _known_keys(inner, f"{prefix}{name}.")
    return keys
