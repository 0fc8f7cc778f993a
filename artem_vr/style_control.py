"""Which style is shown now, how strongly, and how one style turns into the next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artem_vr.errors import UsageError
from artem_vr.frame import EYES
from artem_vr.media.kinds import is_picture
from artem_vr.ports import Action, Controls
from artem_vr.styles import IDENTITY, StyleBank, Vector, mix

FADE_SECONDS = 0.3
STRENGTH_STEP = 0.1
STEER_SECONDS = 1.5
"""How long a control is held at its full deflection for the whole range of strength, or for the next style."""
LONGEST_STEER = 0.1
"""The seconds that a steered value goes on at most from one frame to the next: a stall is no leap."""
USUAL_STRENGTHS = (1.0, 0.75, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class Cue:
    """At `time` seconds after the start, turn to a style."""

    time: float
    style: str


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A style vector (D,), and the share of its paint in the picture: 1, or 0 for the original."""

    vector: Vector
    share: float = 1.0

    def towards(self, other: "_Look", way: float) -> "_Look":
        """The look that is `way`, from 0 to 1, on the straight line from this one to another."""
        if way <= 0 or way >= 1:
            return self if way <= 0 else other
        here, there = (1 - way) * self.share, way * other.share
        if not here or not there or np.array_equal(self.vector, other.vector):
            # The original has no paint: on the way from or to it the other style is laid over it more and more faintly.
            vector = self.vector if here else other.vector
        else:
            vector = mix(np.stack([self.vector, other.vector]), np.array([here, there], np.float32))
        return _Look(vector, self.share + way * (other.share - self.share))


class StyleControl:
    """The style of both eyes as a function of time and of what a person asked for.

    A new style is mixed in over `fade` seconds on the line between the two style vectors, so that one painting
    turns into the next; to and from the style "original" the paint fades. What is steered (see `steer`) moves as long
    as it is held. `alpha` holds every style back on the line to style 0. Strength, the clear view and the switch
    between original and painted act on the compositor's mix, at once.
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
        self._strength, self._blend = strength, 0.0
        self._plain = self._clear = False
        # What the style alone looks like, what it does with the blend, and where a fade to that began.
        self._look = self._aim = self._from = self._look_of(self.style)
        self._changed_at = -math.inf
        self._started: float | None = None
        self._steered_at: float | None = None
        self._shown = self._aim
        self._both = np.repeat(self._shown.vector[None], EYES, axis=0)

    @property
    def strength(self) -> float:
        """How much of the paint is laid over the frame now: 0 while the original is shown."""
        return 0.0 if self._plain or self._clear else self._strength * self._shown.share

    @property
    def plain(self) -> bool:
        """Whether the original is shown, for whatever reason, or what a fade under way leads to."""
        return self._plain or self._clear or self._strength * self._aim.share == 0

    @property
    def title(self) -> str:
        """What the style is called: its painting's title, or the text of a mix."""
        return self._named(self.style)[0]

    @property
    def artist(self) -> str:
        """Who painted it; "" for a mix, and where nobody is known."""
        return self._named(self.style)[1]

    @property
    def blend(self) -> float:
        """How far the style has turned into its neighbour: 1 is the next style, -1 the one before, 0 itself."""
        return self._blend

    @property
    def blend_title(self) -> str:
        """The title of the neighbour that is blended in; "" without a blend."""
        return self._named(self._neighbour(self._blend))[0] if self._blend else ""

    @property
    def caption(self) -> list[str]:
        """What to tell a person about the present state, in a line or two."""
        if self.plain:
            return ["Original"]
        percent = round(abs(self._blend) * 100)
        names = ", ".join(filter(None, (self.title, self.artist)))
        if percent:
            names = f"{self.title} {100 - percent} %, {self.blend_title} {percent} %"
        return [names, f"strength {round(self._strength * 100)} %"]

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
        look = self._look_at(now)
        if not np.array_equal(look.vector, self._both[0]):
            self._both = np.repeat(look.vector[None], EYES, axis=0)
        self._shown = look
        return self._both

    def choose(self, style: str, now: float) -> None:
        """Fades from what is shown, blend included, to a style by its name or mix, without a blend.

        Raises `UsageError` for one that does not exist.
        """
        look = self._look_of(style)
        self._from, self._changed_at = self._look_at(now), now
        self.style, self._look, self._aim, self._blend = style, look, look, 0.0

    def steer(self, controls: Controls, now: float) -> None:
        """Moves what is held on, to be called for each frame; `now` is its time in seconds.

        Strength and blend move at the rate of their deflections, a whole step in `STEER_SECONDS` at the full one. While
        `clear` is held the original is shown, whatever else was asked for.
        """
        elapsed = 0.0 if self._steered_at is None else min(max(0.0, now - self._steered_at), LONGEST_STEER)
        self._steered_at = now
        self._clear = controls.clear
        step = elapsed / STEER_SECONDS
        self._strength = min(max(self._strength + controls.strength * step, 0.0), 1.0)
        self._blend_by(controls.mix * step)

    def handle(self, action: Action, now: float) -> bool:
        """Carries out an action that concerns the style; False for any other."""
        if action in (Action.NEXT_STYLE, Action.PREVIOUS_STYLE):
            self.choose(self._neighbour(1 if action is Action.NEXT_STYLE else -1), now)
            self._plain = False
        elif action is Action.MORE:
            self._strength = min(1.0, round(self._strength + STRENGTH_STEP, 3))
        elif action is Action.LESS:
            self._strength = max(0.0, round(self._strength - STRENGTH_STEP, 3))
        elif action is Action.STEP_STRENGTH:
            # Rounded, for what was steered to just above a usual strength is that strength to whoever looks at it.
            lower = [usual for usual in USUAL_STRENGTHS if usual < round(self._strength, 3)]
            self._strength = lower[0] if lower else USUAL_STRENGTHS[0]
        elif action is Action.TOGGLE_PLAIN:
            self._plain = not self._plain
        else:
            return False
        return True

    def _look_at(self, now: float) -> _Look:
        done = (now - self._changed_at) / self._fade if self._fade > 0 else 1.0
        done = min(max(done, 0.0), 1.0)
        return self._from.towards(self._aim, done * done * (3 - 2 * done))

    def _look_of(self, style: str) -> _Look:
        if style == IDENTITY:
            # Any vector does: nothing of its paint is shown. So every kind of network can leave the picture as it is.
            return _Look(parse_style(self._bank, self._bank.names[0], self._alpha), 0.0)
        return _Look(parse_style(self._bank, style, self._alpha))

    def _neighbour(self, step: float) -> str:
        """The style after this one for a step above 0, else the one before.

        From a mix or the original these are the first painter and the last one.
        """
        names = self._bank.names
        if self.style not in names:
            return names[0] if step > 0 else names[-1]
        return names[(names.index(self.style) + (1 if step > 0 else -1)) % len(names)]

    def _blend_by(self, step: float) -> None:
        blend = min(max(self._blend + step, -1.0), 1.0)
        neighbour = self._neighbour(blend)
        # A bank of one style has no other to blend in.
        if blend != self._blend and neighbour != self.style:
            self._blend = blend
            self._aim = self._look.towards(self._look_of(neighbour), abs(blend))

    def _named(self, style: str) -> tuple[str, str]:
        """Title and artist of a style."""
        if style == IDENTITY:
            return "Original", ""
        return next(((card.title, card.artist) for card in self._bank.card.styles if card.name == style), (style, ""))


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
