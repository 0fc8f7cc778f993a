"""What `artem-vr evaluate --comfort` does: how calm and how equal in both eyes a bank's worlds are."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artem_vr.app import check_engine, open_engine
from artem_vr.errors import UsageError
from artem_vr.styles import StyleBank
from trainer.comfort.figures import Row
from trainer.comfort.material import Effort, record_material
from trainer.comfort.measurement import Pairs
from trainer.comfort.modes import CHEATS, Mode, Painter, named_modes
from trainer.comfort.optical_flow import pairs_by_flow, read_frames
from trainer.comfort.recording import Recording
from trainer.comfort.stereo_pair import read_pair
from trainer.comfort.strip import Strip
from trainer.comfort.trial import Trial, source_row

USUAL_STYLES = ("udnie", "great-wave", "scream", "starry-night")
"""Large brushes, fine lines, waves and whirls: what is measured unless styles are named."""

Advance = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for: a bank (None: the shipped one), another one to compare with, and the names of styles.

    `styles` None takes the usual ones as far as the bank has them, else its first ones. Besides the scene, `frames` may
    name a folder with the pictures of a film, and `stereo_pair` a left and a right photograph and their disparity.
    """

    model: Path | None = None
    reference: Path | None = None
    styles: Sequence[str] | None = None
    frames: Path | None = None
    stereo_pair: tuple[Path, Path, Path] | None = None
    effort: Effort = field(default_factory=Effort)
    modes: Sequence[Mode] = field(default_factory=partial(named_modes, None))
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Part:
    """What was looked at, and the figures of the source itself and of every painter, style and mode there."""

    name: str
    source: Row
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Findings:
    """The scene's part first, then those of what else was asked for."""

    question: Question
    model: Path
    parts: list[Part]
    strip: Strip


def evaluate(question: Question, advance: Advance = lambda done, of: None) -> Findings:
    """Measures a bank beside its cheats and, where asked for, a reference. `advance` is told how many frames are done.

    Raises `ArtemError`: an unknown style, files that cannot be read or do not fit together, no OpenGL.
    """
    subjects = _subjects(question)
    others = _others(question)
    count = _Count(question, sum(len(each.painter.styles) for each in subjects), others, advance)
    material = record_material(question.effort, count.add)
    strip = Strip(material.walk, question.effort.settling)
    parts = [Part("the scene", source_row(material.walk, material.pairs, 1.0), [])]
    parts += [Part(name, source_row(recording, pairs), []) for name, recording, pairs in others]
    on_strip = subjects[-1].painter.styles[0]
    for subject in subjects:
        painter = subject.painter
        with closing(painter.open()) as engine:
            trial = Trial(material, subject.bank, engine, count.add)
            for style in painter.styles:
                for mode in question.modes:
                    name = f"{painter.name}, {mode.name}"
                    taker = strip.taker(name) if style in {"", on_strip} else _no_crops
                    parts[0].rows.append(trial.row(painter, style, mode, taker))
                    for part, (_, recording, pairs) in zip(parts[1:], others, strict=True):
                        part.rows.append(trial.motion(recording, pairs, painter, style, mode))
    return Findings(question, subjects[len(CHEATS)].bank.path, parts, strip)


def chosen_styles(bank: StyleBank, names: Sequence[str] | None) -> tuple[str, ...]:
    """The styles by these names, or the usual ones. Raises `UsageError` for a name that the bank does not know."""
    if names is not None:
        found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not found:
            raise UsageError("--styles names no style: write names with commas between them")
        return tuple(bank.names[bank.index(name)] for name in found)
    usual = tuple(name for name in USUAL_STYLES if name in bank.names)
    return usual or tuple(bank.names[: len(USUAL_STYLES)])


@dataclass(frozen=True, slots=True)
class _Subject:
    """A painter, and the bank that its styles are of; of a cheat, any."""

    painter: Painter
    bank: StyleBank


def _subjects(question: Question) -> list[_Subject]:
    """The cheats, the bank, and the reference where there is one."""
    check_engine("auto", question.device)
    bank = StyleBank.load(question.model)
    styles = chosen_styles(bank, question.styles)
    found = [_Subject(cheat, bank) for cheat in CHEATS]
    found.append(_Subject(Painter(bank.path.stem, partial(open_engine, bank, device=question.device), styles), bank))
    if question.reference is not None:
        other = StyleBank.load(question.reference)
        common = tuple(style for style in styles if style in other.names)
        if not common:
            raise UsageError(f"{other.path} has none of the styles {', '.join(styles)}: name others with --styles")
        name = f"{other.path.stem} (reference)"
        found.append(_Subject(Painter(name, partial(open_engine, other, device=question.device), common), other))
    return found


def _others(question: Question) -> list[tuple[str, Recording, Pairs]]:
    """What is looked at besides the scene: a name, the recording, and what is compared."""
    found = []
    if question.frames is not None:
        recording = read_frames(question.frames)
        found.append((question.frames.resolve().name, recording, pairs_by_flow(recording)))
    if question.stereo_pair is not None:
        found.append((question.stereo_pair[0].name, *read_pair(*question.stereo_pair)))
    return found


class _Count:
    """How many frames are done, of all that are recorded and shown."""

    def __init__(
        self, question: Question, runs: int, others: list[tuple[str, Recording, Pairs]], advance: Advance
    ) -> None:
        effort = question.effort
        besides = sum(len(recording.views) for _, recording, _ in others)
        shown = sum(
            effort.walk + effort.still + besides + (effort.turn if mode.lagging else 0) for mode in question.modes
        )
        self._done, self._total, self._advance = 0, effort.recorded + runs * shown, advance

    def add(self, frames: int) -> None:
        self._done += frames
        self._advance(self._done, self._total)


def _no_crops(number: int, rgb_EHWC: NDArray[np.uint8]) -> None:
    """What takes crops of rows that are not on the strip."""
