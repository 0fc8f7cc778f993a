"""A small world for the governor to live in: a display, a painter beside it, and time that passes at once."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from artem_vr.frame import Size
from artem_vr.governor import BudgetGovernor
from artem_vr.paint_choice import Choice

COMPILING_SECONDS = 1.5
Load = Callable[[float], float]


def constant(value: float) -> Load:
    return lambda seconds: value


USUAL = constant(1.0)


def between(start: float, end: float, inside: float, outside: float = 1.0) -> Load:
    """Something else that runs from `start` to `end`."""
    return lambda seconds: inside if start <= seconds < end else outside


@dataclass
class World:
    """How long things take, in milliseconds; factors are 1 for no effect.

    A frame takes `display_ms`, times `display_load`, times `contention` when a painting is under way at its start. With
    `vsync` a frame that is late waits for the next refresh of `refresh_hz`. A painting takes `fixed_ms` and
    `ms_per_megapixel`, times `network_load`. Every time is off by `noise`, and in one of `hiccup_every` it is
    `hiccup_ms` longer. The source has a new picture `source_hz` times a second; None: for every frame.
    """

    refresh_hz: float
    display_ms: float
    fixed_ms: float
    ms_per_megapixel: float
    contention: float = 1.0
    noise: float = 0.08
    vsync: bool = True
    hiccup_every: int = 0
    hiccup_ms: float = 300.0
    source_hz: float | None = None
    paints: Load = USUAL
    display_load: Load = USUAL
    network_load: Load = USUAL
    seed: int = 1


@dataclass
class Run:
    """What happened: frame by frame, and the choices with the time of each."""

    times: list[float] = field(default_factory=list)
    works_ms: list[float] = field(default_factory=list)
    networks: list[tuple[float, float]] = field(default_factory=list)
    choices: list[tuple[float, Choice]] = field(default_factory=list)

    @property
    def last(self) -> Choice:
        return self.choices[-1][1]

    def at(self, seconds: float) -> Choice:
        return next(choice for time, choice in reversed(self.choices) if time <= seconds)

    def changes(self, start: float = 0.0, end: float = math.inf) -> int:
        return sum(start < time <= end for time, _ in self.choices[1:])

    def fps(self, start: float, end: float) -> float:
        return sum(start < time <= end for time in self.times) / (end - start)


class Simulation:
    """Runs a governor in a world."""

    def __init__(self, world: World, governor: BudgetGovernor) -> None:
        self.world, self.governor = world, governor
        self.random = random.Random(world.seed)
        self.now, self.frames = 0.0, 0
        self.waiting: Size | None = None
        self.painting: tuple[float, float, Size] | None = None
        self.finished: tuple[float, Size] | None = None
        self.compiled: set[Size] = set()
        self.last_picture = -1
        self.run = Run(choices=[(0.0, governor.choice)])

    def live(self, seconds: float) -> Run:
        while self.now < seconds:
            self._frame()
        return self.run

    def _frame(self) -> None:
        world, started = self.world, self.now
        if self.frames % self.governor.choice.cadence == 0 and world.paints(started) and self._has_picture():
            self.waiting = self.governor.choice.net_size
        self.frames += 1
        self._paint_until(started)
        slowed = world.contention if self.painting is not None else 1.0
        work = self._off(world.display_ms * world.display_load(started) * slowed)
        interval = 1 / world.refresh_hz
        late = work / 1e3 / interval
        self.now = started + interval * max(1.0, math.ceil(late) if world.vsync else late)
        self._paint_until(self.now)
        network, size = self.finished or (None, None)
        self.finished = None
        choice = self.governor.frame_shown(1000 + self.now, work, network, size)
        self.run.times.append(self.now)
        self.run.works_ms.append(work)
        if network is not None:
            self.run.networks.append((self.now, network))
        if choice != self.run.last:
            self.run.choices.append((self.now, choice))

    def _has_picture(self) -> bool:
        if self.world.source_hz is None:
            return True
        before, self.last_picture = self.last_picture, int(self.now * self.world.source_hz)
        return before != self.last_picture

    def _paint_until(self, time: float) -> None:
        free_since = self.now if self.painting is None else self.painting[0]
        while free_since <= time:
            if self.painting is not None:
                self.finished, self.painting = self.painting[1:], None
            if self.waiting is None:
                return
            size, self.waiting = self.waiting, None
            milliseconds = self._network_ms(size, free_since)
            free_since += milliseconds / 1e3
            self.painting = free_since, milliseconds, size

    def _network_ms(self, size: Size, time: float) -> float:
        world = self.world
        usual = world.fixed_ms + world.ms_per_megapixel * size[0] * size[1] / 1e6
        compiling = 0.0 if size in self.compiled else COMPILING_SECONDS * 1e3
        self.compiled.add(size)
        return self._off(usual * world.network_load(time)) + compiling

    def _off(self, milliseconds: float) -> float:
        world = self.world
        hiccup = world.hiccup_every and self.random.randrange(world.hiccup_every) == 0
        return milliseconds * self.random.lognormvariate(0, world.noise) + (world.hiccup_ms if hiccup else 0.0)
