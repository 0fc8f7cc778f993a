"""What `artem-vr evaluate` does: the loss terms of a bank's styles on photographs that training never saw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import ValidationError

from artem_vr.errors import InputError, UsageError
from artem_vr.styles import StyleBank, StyleCard
from trainer.data.crops import Photos, validation_batch
from trainer.device import training_device
from trainer.objective import Objective
from trainer.recipe import Recipe, StyleRecipe
from trainer.shipped import recipe_and_root
from trainer.trained import TrainedBank
from trainer.validation import draw_grid, write_grid

_BATCH = 4
_SHEET_ROWS = 4
_SHOWN = ("style", "content", "total")

Terms = dict[str, float]


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
            "mean": mean(self.styles),
            "skipped": self.skipped,
        }
        if self.reference_model is not None:
            found["reference"] = {
                "model": str(self.reference_model),
                "styles": self.reference,
                "mean": mean(self.reference),
                "ratios": {name: ratios(self.styles[name], terms) for name, terms in self.reference.items()},
            }
        return found


def evaluate(question: Question, advance: Callable[[int, int], None] = lambda done, of: None) -> Evaluation:
    """Measures a bank, in float32 and with the same photographs and losses for the reference.

    `advance` is told how many pictures of how many are painted. Writes the contact sheet where one was asked for.
    Raises `ArtemError`: a file that is missing, no style whose painting is known, no style in common.
    """
    if question.sheet is not None and question.sheet.suffix.lower() != ".png":
        raise UsageError(f"--sheet {question.sheet}: the contact sheet is a .png file")
    recipe, root = recipe_and_root(question.recipe, question.data)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}: name the one that holds photos and paintings with --data")
    banks = [StyleBank.load(question.model)]
    if question.reference is not None:
        banks.append(StyleBank.load(question.reference))
    known = {style.name: style for style in _known(recipe, banks[0], root)}
    if not known:
        raise UsageError(f"{banks[0].path}: no painting of its styles is known; name its recipe with --recipe")
    names = [[name for name in bank.names if name in known] for bank in banks]
    if not names[-1]:
        raise UsageError(f"{banks[-1].path} has no style in common with {banks[0].path}: compare others")
    recipe = recipe.model_copy(update={"styles": list(known.values()), "precision": "float32"})
    photos = _held_out(root / recipe.data.photos, question.count)
    device = training_device(question.device)
    judge = _Judge(recipe, photos, Objective(recipe, root, device), sum(map(len, names)), advance)
    trained = [TrainedBank(bank, chosen, device) for bank, chosen in zip(banks, names, strict=True)]
    found = [judge.measure(bank, chosen) for bank, chosen in zip(trained, names, strict=True)]
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
    means = mean({name: found.styles[name] for name in found.reference or found.styles})
    rows = [(name, terms, found.reference.get(name)) for name, terms in found.styles.items()]
    rows.append(("mean", means, mean(found.reference) if found.reference else None))
    for name, terms, reference in rows:
        cells = [f"{terms[term]:8.4f}{_compared(terms, reference, term) if found.reference else ''}" for term in _SHOWN]
        lines.append(f"{name:{width}}  {'   '.join(cells)}".rstrip())
    lines.append(f"\n{found.photographs} held-out photographs in each style of {found.model}; less is better")
    if found.reference:
        lines.append(f"reference: {found.reference_model}; the means are over the styles that both have")
    if found.skipped:
        lines.append(f"left out, for the recipe names no painting of theirs: {', '.join(found.skipped)}")
    return "\n".join(lines)


def mean(styles: dict[str, Terms]) -> Terms:
    """The mean of each term over the styles."""
    terms = next(iter(styles.values()))
    return {name: sum(style[name] for style in styles.values()) / len(styles) for name in terms}


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


class _Judge:
    """Measures banks with the same photographs, and keeps count of the pictures over all of their `styles`."""

    def __init__(
        self, recipe: Recipe, photos: Photos, objective: Objective, styles: int, advance: Callable[[int, int], None]
    ) -> None:
        self._recipe, self._photos, self._objective, self._advance = recipe, photos, objective, advance
        self._done, self._total = 0, styles * len(photos.validation)

    @torch.no_grad()
    def measure(self, bank: TrainedBank, names: list[str]) -> dict[str, Terms]:
        """The terms of a bank's vectors, which are those of `names`."""
        device = bank.styles_SD.device
        order = {style.name: index for index, style in enumerate(self._recipe.styles)}
        sums: dict[str, Terms] = {name: {} for name in names}
        for start in range(0, len(self._photos.validation), _BATCH):
            batch = validation_batch(self._photos, self._recipe.data.crop, start, _BATCH).to(device)
            for row, name in enumerate(names):
                painted = bank(batch, torch.full((len(batch),), row, device=device)).clamp(0, 1)
                terms = self._objective(batch, painted, torch.full((len(batch),), order[name], device=device))
                for term, value in terms.items():
                    sums[name][term] = sums[name].get(term, 0.0) + value.item() * len(batch)
                self._done += len(batch)
                self._advance(self._done, self._total)
        return {name: _with_content(self._recipe, terms, len(self._photos.validation)) for name, terms in sums.items()}


def _with_content(recipe: Recipe, sums: Terms, pictures: int) -> Terms:
    terms = {name: value / pictures for name, value in sums.items()}
    taps = recipe.losses.content
    content = sum(weight * terms[f"content/{tap}"] for tap, weight in taps.items()) / sum(taps.values())
    return {"style": terms.pop("style"), "content": content, **terms}
