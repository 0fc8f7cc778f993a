"""Which style is shown now, how strongly, and how one style turns into the next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artem_vr.errors import UsageError
from artem_vr.frame import EYES
from artem_vr.media.kinds import is_picture
from artem_vr.ports import Action
from artem_vr.styles import IDENTITY, StyleBank, Vector, mix

FADE_SECONDS = 0.3
STRENGTH_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Cue:
    """At `time` seconds after the start, turn to a style."""

    time: float
    style: str


class StyleControl:
    """The style of both eyes as a function of time and of what a person asked for.

    A new style is mixed in over `fade` seconds on the line between the two style vectors, so that one painting
    turns into the next. `alpha` holds every style back on the line to style 0. Strength and the switch to the
    original act on the compositor's mix, at once.
    """

    def __init__(
        self,
        bank: StyleBank,
        style: str | None = None,
        strength: float = 1.0,
        cues: Sequence[Cue] = (),
        fade: float = FADE_SECONDS,
        alpha: float = 1.0,
    ) -> None:
        check_strength(strength, alpha)
        self._bank, self._fade, self._alpha = bank, fade, alpha
        self._cues = sorted(cues, key=lambda cue: cue.time)
        self._next_cue = 0
        self.style = style or bank.names[0]
        # Any vector does while the original is shown: the compositor leaves the paint out.
        self._vector = parse_style(bank, self.style if self.style != IDENTITY else bank.names[0], alpha)
        self._target = self._from = self._vector
        self._strength = strength
        self._plain = False
        self._changed_at = -math.inf
        self._started: float | None = None
        self._both = np.repeat(self._vector[None], EYES, axis=0)

    @property
    def strength(self) -> float:
        """How much of the paint is laid over the frame now: 0 while the original is shown."""
        return 0.0 if self._plain or self.style == IDENTITY else self._strength

    @property
    def caption(self) -> list[str]:
        """What to tell a person about the present state, in a line or two."""
        if self.strength == 0:
            return ["Original"]
        for card in self._bank.card.styles:
            if card.name == self.style:
                return [", ".join(filter(None, (card.title, card.artist))), f"strength {round(self._strength * 100)} %"]
        return [self.style, f"strength {round(self._strength * 100)} %"]

    @property
    def initial(self) -> Vector:
        """The style vectors (2, D) before any time has passed."""
        return self._both

    def vectors(self, now: float) -> Vector:
        """The style vectors (2, D) at time `now` in seconds; the very same array while nothing changes."""
        self._started = now if self._started is None else self._started
        while self._next_cue < len(self._cues) and now - self._started >= self._cues[self._next_cue].time:
            self.choose(self._cues[self._next_cue].style, now)
            self._next_cue += 1
        if self._vector is not self._target:
            done = min(1.0, (now - self._changed_at) / self._fade) if self._fade > 0 else 1.0
            smooth = done * done * (3 - 2 * done)
            mixed = mix(np.stack([self._from, self._target]), np.array([1 - smooth, smooth], np.float32))
            self._vector = self._target if done >= 1 else mixed
            self._both = np.repeat(self._vector[None], EYES, axis=0)
        return self._both

    def choose(self, style: str, now: float) -> None:
        """Turns to a style by its name or mix. Raises `UsageError` for one that does not exist."""
        target = parse_style(self._bank, style, self._alpha)
        self.style = style
        self._from, self._target, self._changed_at = self._vector, target, now

    def handle(self, action: Action, now: float) -> bool:
        """Carries out an action that concerns the style; False for any other."""
        if action in (Action.NEXT_STYLE, Action.PREVIOUS_STYLE):
            names = self._bank.names
            step = 1 if action is Action.NEXT_STYLE else -1
            # From a mix or the original, "next" is the first painter and "previous" the last one.
            here = names.index(self.style) if self.style in names else min(0, -step)
            self.choose(names[(here + step) % len(names)], now)
            self._plain = False
        elif action is Action.MORE:
            self._strength = min(1.0, round(self._strength + STRENGTH_STEP, 3))
        elif action is Action.LESS:
            self._strength = max(0.0, round(self._strength - STRENGTH_STEP, 3))
        elif action is Action.TOGGLE_PLAIN:
            self._plain = not self._plain
        else:
            return False
        return True


def check_strength(strength: float, alpha: float = 1.0) -> None:
    """Raises `UsageError` unless both lie in [0, 1]."""
    for option, value in (("--strength", strength), ("--alpha", alpha)):
        if not 0 <= value <= 1:
            raise UsageError(f"{option} {value:g}: choose a number from 0 (original) to 1 (painted)")


def split_mix(text: str) -> list[tuple[str, float]]:
    """The names and weights of `NAME`, or of a mix `NAME:WEIGHT,NAME:WEIGHT`. Raises `UsageError`.

    A name may be the path of a picture, and a path may have a colon of its own.
    """
    parts = []
    for part in (part.strip() for part in text.split(",")):
        name, colon, weight = part.rpartition(":")
        if not colon or is_picture(Path(part)):
            parts.append((part, 1.0))
            continue
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            raise UsageError(f"'{weight}' is no weight: write a mix as NAME:0.7,NAME:0.3") from None
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"the weight of {name} is {weight}: weights are positive numbers")
        parts.append((name.strip(), value))
    return parts


def parse_style(bank: StyleBank, text: str, alpha: float = 1.0) -> Vector:
    """The vector (D,) of a style or mix (see `split_mix`), and `1 - alpha` of the way from there to style 0.

    Raises `UsageError`.
    """
    # A picture's path may have the commas and colons of a mix: what the bank knows as it stands is one style.
    parts = [(text.strip(), 1.0)] if text.strip() in bank.names else split_mix(text)
    vectors = [bank.vector(name) for name, _ in parts]
    if len(vectors) == 1 and parts[0][1] > 0:
        style = vectors[0]
    else:
        style = mix(np.stack(vectors), np.asarray([weight for _, weight in parts], np.float32))
    if alpha == 1:
        return style
    return mix(np.stack([bank.identity(), style]), np.array([1 - alpha, alpha], np.float32))
