"""What `artem-vr evaluate` does: the loss terms of a bank's styles on photographs that training never saw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from artem_vr.errors import InputError, UsageError
from artem_vr.styles import StyleBank, StyleCard
from trainer.data.crops import Photos
from trainer.device import training_device
from trainer.objective import Objective
from trainer.recipe import Recipe, StyleRecipe
from trainer.shipped import recipe_and_root
from trainer.trained import TrainedBank
from trainer.validation import Terms, draw_grid, mean, measure, write_grid

_SHEET_ROWS = 4
_SHOWN = ("style", "content", "total")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for.

    `model` None is the shipped bank, `recipe` None its recipe, which holds the paintings and the losses, `data` None
    the folder that the recipe names; `count` None takes all held-out photographs.
    """

    model: Path | None = None
    data: Path | None = None
    recipe: Path | None = None
    reference: Path | None = None
    sheet: Path | None = None
    count: int | None = None
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The unweighted loss terms of each style, `content` (the taps' weighted mean) and `total` (what is minimised).

    `reference` holds those of the other network for the styles that it has too; `skipped` the styles whose painting
    is not known.
    """

    model: Path
    photographs: int
    styles: dict[str, Terms]
    skipped: list[str]
    reference_model: Path | None
    reference: dict[str, Terms]

    def to_json(self) -> dict[str, object]:
        """Everything, for machines."""
        found: dict[str, object] = {
            "model": str(self.model),
            "photographs": self.photographs,
            "styles": self.styles,
            "mean": mean([*self.styles.values()]),
            "skipped": self.skipped,
        }
        if self.reference_model is not None:
            found["reference"] = {
                "model": str(self.reference_model),
                "styles": self.reference,
                "mean": mean([*self.reference.values()]),
                "ratios": {name: ratios(self.styles[name], terms) for name, terms in self.reference.items()},
            }
        return found


class _Count:
    """Keeps count of the pictures that are done, of a total."""

    def __init__(self, total: int, advance: Callable[[int, int], None]) -> None:
        self._done, self._total, self._advance = 0, total, advance

    def add(self, pictures: int) -> None:
        self._done += pictures
        self._advance(self._done, self._total)


def evaluate(question: Question, advance: Callable[[int, int], None] = lambda done, of: None) -> Evaluation:
    """Measures a bank, in float32 and with the same photographs and losses for the reference.

    `advance` is told how many pictures of how many are painted. Writes the contact sheet where one was asked for.
    Raises `ArtemError`: a file that is missing, no style whose painting is known, no style in common.
    """
    if question.sheet is not None and question.sheet.suffix.lower() != ".png":
        raise UsageError(f"--sheet {question.sheet}: the contact sheet is a .png file")
    banks = [StyleBank.load(question.model)]
    if question.reference is not None:
        banks.append(StyleBank.load(question.reference))
    recipe, root = recipe_and_root(question.recipe, question.data)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}: name the one that holds photos and paintings with --data")
    known = {style.name: style for style in _known(recipe, banks[0], root)}
    if not known:
        raise UsageError(f"{banks[0].path}: no painting of its styles is known; name its recipe with --recipe")
    names = [[name for name in bank.names if name in known] for bank in banks]
    if not names[-1]:
        raise UsageError(f"{banks[-1].path} has no style in common with {banks[0].path}: compare others")
    recipe = recipe.model_copy(update={"styles": list(known.values()), "precision": "float32"})
    photos = _held_out(root / recipe.data.photos, question.count)
    device = training_device(question.device)
    trained = [TrainedBank(bank, chosen, device) for bank, chosen in zip(banks, names, strict=True)]
    objective, order = Objective(recipe, root, device), list(known)
    count = _Count(sum(map(len, names)) * len(photos.validation), advance)
    found = [
        _by_name(recipe, chosen, measure(bank, recipe, photos, objective, [*map(order.index, chosen)], count.add))
        for bank, chosen in zip(trained, names, strict=True)
    ]
    if question.sheet is not None:
        rows = min(_SHEET_ROWS, len(photos.validation))
        write_grid(draw_grid(trained[0], recipe, root, photos, rows), question.sheet)
    skipped = [name for name in banks[0].names if name not in known]
    compared = (banks[1].path, found[1]) if len(banks) > 1 else (None, {})
    return Evaluation(banks[0].path, len(photos.validation), found[0], skipped, *compared)


def render(found: Evaluation) -> str:
    """The style and content losses as a table for a person, with the reference and the ratios to it where asked."""
    width = max(map(len, ["mean", *found.styles]))
    titles = [f"{term:>8}" + ("  reference   ratio" if found.reference else "") for term in _SHOWN]
    lines = [f"{'':{width}}  " + "   ".join(titles)]
    # Means are compared over the same styles.
    means = mean([found.styles[name] for name in found.reference or found.styles])
    rows = [(name, terms, found.reference.get(name)) for name, terms in found.styles.items()]
    rows.append(("mean", means, mean([*found.reference.values()]) if found.reference else None))
    for name, terms, reference in rows:
        cells = [f"{terms[term]:8.4f}{_compared(terms, reference, term) if found.reference else ''}" for term in _SHOWN]
        lines.append(f"{name:{width}}  {'   '.join(cells)}".rstrip())
    lines.append(f"\n{found.photographs} held-out photographs in each style of {found.model}; less is better")
    if found.reference:
        lines.append(f"reference: {found.reference_model}; the means are over the styles that both have")
    if found.skipped:
        lines.append(f"left out, for the recipe names no painting of theirs: {', '.join(found.skipped)}")
    return "\n".join(lines)


def ratios(terms: Terms, reference: Terms) -> Terms:
    """Each term as a multiple of the reference's, where that is not zero."""
    return {name: terms[name] / value for name, value in reference.items() if value}


def _known(recipe: Recipe, bank: StyleBank, root: Path) -> list[StyleRecipe]:
    """The styles of the bank whose painting the recipe or their own card names, in the bank's order."""
    by_name = {style.name: style for style in recipe.styles}
    found = []
    for card in bank.card.styles:
        style = _from_card(card)
        if style is None or not (root / recipe.data.paintings / style.painting).is_file():
            style = by_name.get(card.name)
        if style is not None:
            found.append(style)
    return found


def _from_card(card: StyleCard) -> StyleRecipe | None:
    try:
        return StyleRecipe.model_validate(card.model_dump()) if card.painting else None
    except ValidationError:
        return None  # no short side, or a card from elsewhere


def _held_out(folder: Path, count: int | None) -> Photos:
    """The held-out photographs, or `count` of them, evenly spread."""
    photos = Photos.find(folder)
    if count is None:
        return photos
    if count < 1:
        raise UsageError(f"--photographs {count}: take at least one")
    total = len(photos.validation)
    count = min(count, total)
    return replace(photos, validation=[photos.validation[index * total // count] for index in range(count)])


def _compared(terms: Terms, reference: Terms | None, term: str) -> str:
    if reference is None or not reference[term]:
        return f"  {'-':>9}  {'-':>6}"
    return f"  {reference[term]:9.4f}  {terms[term] / reference[term]:6.3f}"


def _by_name(recipe: Recipe, names: list[str], found: list[Terms]) -> dict[str, Terms]:
    return {name: _with_content(recipe, terms) for name, terms in zip(names, found, strict=True)}


def _with_content(recipe: Recipe, terms: Terms) -> Terms:
    taps = recipe.losses.content
    content = sum(weight * terms[f"content/{tap}"] for tap, weight in taps.items()) / sum(taps.values())
    return {"style": terms["style"], "content": content, **terms}
