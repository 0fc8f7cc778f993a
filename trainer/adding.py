"""What `artem-vr styles add` does: learns the vector of one new style for a finished network.

The network stays as it is, so that nothing of its other styles changes, and the new one is a vector of some hundred
numbers (Dumoulin, Shlens and Kudlur 2017, section 3.2, learn styles on a frozen network in the same way).
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from artem_vr.added_styles import SUFFIX, AddedStyles
from artem_vr.errors import InputError, UsageError
from artem_vr.styles import IDENTITY, StyleBank, StyleCard
from trainer.data.crops import Photos, read_rgb
from trainer.device import training_device
from trainer.objective import Objective
from trainer.perceptual_files import SMALL, perceptual_file
from trainer.recipe import Recipe, StyleRecipe
from trainer.replacing import replacing
from trainer.shipped import recipe_and_root
from trainer.trained import TrainedBank
from trainer.validation import draw_grid, validate, write_grid
from trainer.vector import VectorTraining

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SMALLEST_SIDE = 64
_LONGEST_SHAPE = 8
_JUDGED_PHOTOS = 8
# A frozen tail cannot learn to avoid a grid, only the vector can: with the recipe's own weights it came out of the
# paint as coloured fringes. These bring `lattice` from 0.066 to 0.048 and cost 6 % of the style loss.
_GRID_FACTOR = 4.0
_LATTICE_FACTOR = 8.0


@dataclass(frozen=True, slots=True)
class NewStyle:
    """What was asked for. Whatever is None is found: see `add_style`.

    `perceptual` is a file, or a name that `perceptual_file` knows; the small one that ships unless given.
    `short_side` is the number of pixels of the painting's shorter side at which its strokes are read.
    """

    painting: Path
    name: str
    title: str | None = None
    artist: str = "unknown"
    year: str = ""
    bank: Path | None = None
    photos: Path | None = None
    perceptual: Path | None = None
    steps: int = 400
    short_side: int = 512
    output: Path | None = None
    replace: bool = False
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Added:
    """What was made: the style's file, its contact sheet, and the loss terms on photographs that it never saw.

    `live` tells whether the file is where the bank finds it.
    """

    path: Path
    sheet: Path
    live: bool
    photographs: str
    losses: dict[str, float]


def add_style(wanted: NewStyle, advance: Callable[[int, int], None], draw_scene: Callable[[Path], None]) -> Added:
    """Trains the style, writes its file and its contact sheet, and says where they are.

    Photographs are those named, else those of the shipped recipe; where there are none, `draw_scene` fills a folder
    with pictures to train on instead. `advance` is told steps done and of how many. Raises `ArtemError` in one line
    before anything is trained, or when a file cannot be written; then, and when it is interrupted, it leaves nothing
    behind.
    """
    bank = StyleBank.load(wanted.bank)
    path = _check(wanted, bank)
    recipe, root = _recipe(wanted)
    with _photographs(wanted, root / recipe.data.photos, draw_scene) as (folder, photographs):
        photos = Photos.find(folder)
        device = training_device(wanted.device)
        objective = Objective(recipe, root, device)
        frozen = TrainedBank(bank, device=device)
        VectorTraining(frozen, recipe, photos, objective).run(advance)
        losses = validate(frozen, recipe, replace(photos, validation=photos.validation[:_JUDGED_PHOTOS]), objective)
        card = StyleCard(**recipe.styles[0].model_dump(include=set(StyleCard.model_fields)))
        card = card.model_copy(update={"painting": wanted.painting.name})
        added = AddedStyles([card], frozen.styles_SD.detach().cpu().numpy(), bank.fingerprint)
        training = {"steps": recipe.steps, "pictures_seen": recipe.steps * recipe.batch, "photographs": photographs,
                    "losses": {name: round(value, 5) for name, value in losses.items()}}  # fmt: skip
        with _both_or_none(path) as sheet:
            write_grid(draw_grid(frozen, recipe, root, photos), sheet)
            with replacing(path, "the style") as temporary:
                temporary.write_bytes(added.to_bytes(training))
    return Added(path, sheet, path.parent.resolve() == bank.added_folder.resolve(), photographs, losses)


def _check(wanted: NewStyle, bank: StyleBank) -> Path:
    """The path of the file to write. Raises `UsageError` or `InputError`."""
    if not _NAME.fullmatch(wanted.name) or wanted.name == IDENTITY:
        raise UsageError(f"--name {wanted.name}: take lower-case letters, digits and hyphens, for example my-painting")
    if bank.card.network.get("kind") == "adain":
        raise UsageError(
            f"{bank.path.name} takes any picture as it is: preview --style {wanted.painting}, without adding"
        )
    path = wanted.output or bank.added_folder / f"{wanted.name}{SUFFIX}"
    if wanted.name in bank.names[: len(bank.names) - bank.added]:
        raise UsageError(f"--name {wanted.name} is a style of the bank itself: choose another name")
    if not wanted.replace and (wanted.name in bank.names or path.exists()):
        raise UsageError(f"there is a style '{wanted.name}' already: choose another --name, or add --replace")
    if path.suffix != SUFFIX:
        raise UsageError(f"--output {path}: the file's name must end in {SUFFIX}")
    _check_old_file(wanted, bank, path)
    if not 1 <= wanted.steps <= 100_000:
        raise UsageError(f"--steps {wanted.steps}: choose between 1 and 100000")
    if not _SMALLEST_SIDE <= wanted.short_side <= 2048:
        raise UsageError(f"--short-side {wanted.short_side}: choose between {_SMALLEST_SIDE} and 2048 pixels")
    _check_folder(path.absolute().parent)
    _check_painting(wanted.painting)
    return path


def _check_old_file(wanted: NewStyle, bank: StyleBank, path: Path) -> None:
    """Only a file that holds this style and no other is replaced, and no style is added twice."""
    if not path.exists():
        if wanted.output is None and wanted.name in bank.names:
            raise UsageError(f"'{wanted.name}' stands in another file of {path.parent}: delete that one first")
        return
    try:
        others = [card.name for card in AddedStyles.load(path).cards if card.name != wanted.name]
    except ValueError as error:
        raise UsageError(f"{path} is not replaced, for {error}: delete it, or name another --output") from error
    if others:
        raise UsageError(f"{path} is not replaced, for it holds {', '.join(others)} too: name another --output")


def _check_folder(folder: Path) -> None:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"cannot write to {folder}: name a file elsewhere with --output")


def _check_painting(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"there is no painting {path}: name a picture file")
    height, width = read_rgb(path).shape[:2]
    if min(height, width) < _SMALLEST_SIDE or max(height, width) > _LONGEST_SHAPE * min(height, width):
        raise InputError(
            f"the painting {path} has {width}x{height} pixels: take one of at least {_SMALLEST_SIDE} pixels a side, "
            f"and not more than {_LONGEST_SHAPE} times as long as wide"
        )


def _recipe(wanted: NewStyle) -> tuple[Recipe, Path]:
    recipe, root = recipe_and_root()
    perceptual = perceptual_file(str(wanted.perceptual or SMALL), Path())
    if not perceptual.is_file():
        raise InputError(
            f"there is no perceptual network {perceptual}: name small, vgg16 or vgg19, or a file as safetensors, with "
            "--perceptual (trainer/perceptual.py says what the file holds)"
        )
    style = StyleRecipe(
        name=wanted.name,
        painting=str(wanted.painting.absolute()),
        title=wanted.title or wanted.painting.stem.replace("_", " ").replace("-", " "),
        artist=wanted.artist,
        year=wanted.year,
        short_side=wanted.short_side,
    )
    data = recipe.data.model_copy(update={"perceptual": str(perceptual.absolute())})
    scaled = {"grid": _GRID_FACTOR * recipe.losses.grid, "lattice": _LATTICE_FACTOR * recipe.losses.lattice}
    losses = recipe.losses.model_copy(update=scaled)
    return recipe.model_copy(update={"styles": [style], "data": data, "losses": losses, "steps": wanted.steps}), root


@contextmanager
def _photographs(wanted: NewStyle, usual: Path, draw_scene: Callable[[Path], None]) -> Iterator[tuple[Path, str]]:
    """A folder of pictures to train on, and what to call them."""
    if wanted.photos is not None:
        if not wanted.photos.exists():
            raise InputError(f"--photos {wanted.photos}: there is no such folder; name one with 20 photographs or more")
        yield wanted.photos, f"the photographs in {wanted.photos.name}"
    elif usual.exists():
        yield usual, "the recipe's photographs"
    else:
        with tempfile.TemporaryDirectory(prefix="artem-vr-") as temporary:
            draw_scene(Path(temporary))
            yield Path(temporary), "pictures of the built-in scene"


@contextmanager
def _both_or_none(path: Path) -> Iterator[Path]:
    """Makes the folder of a style's file and gives the name of its contact sheet; takes both away when it fails."""
    sheet = path.with_suffix(".png")
    new = [folder for folder in path.absolute().parents if not folder.exists()]
    had_sheet = sheet.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield sheet
    except BaseException as error:
        with suppress(OSError):
            if not had_sheet:
                sheet.unlink(missing_ok=True)
            for folder in new:
                folder.rmdir()
        if isinstance(error, OSError):
            raise UsageError(f"cannot write to {path.parent}: {error.strerror}") from error
        raise
