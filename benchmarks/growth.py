"""Measures how the cost of the network grows: with pixels, with eyes, and with styles.

`python benchmarks/growth.py [--json growth.json] [--quick]`        a minute on two cores

  pixels: one picture of each size, bytes in and bytes out, in the default engine, and beside it the published
    transformer network of the tutorials (eager float32), as far as that takes no minute;
  eyes: a batch of one and of two;
  styles: two eyes in one style, each in its own, and both in another one every frame. A style is an input of the
    network, so that the number of compilations must stay what it was: it is counted.

All rows of a part are taken in turns.
"""

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from measured_on import measured_on, parser, write_figures

from artem_vr.app import open_engine
from artem_vr.bench import Subject, naive_subject
from artem_vr.ports import Engine
from artem_vr.styles import StyleBank

_MOST_CALLS = 200
NAIVE_PIXELS = 640 * 480


@dataclass(frozen=True, slots=True)
class GrowthPlan:
    """What is measured, and how often. Sizes are (width, height)."""

    sizes: tuple[tuple[int, int], ...] = ((160, 128), (320, 256), (640, 480), (960, 720), (1280, 960), (1920, 1440))
    eye: tuple[int, int] = (320, 352)
    rounds: int = 4
    naive_width: int = 32
    seconds_a_turn: float = 0.25


QUICK = GrowthPlan(sizes=((32, 32), (64, 48)), eye=(32, 48), rounds=1, naive_width=4, seconds_a_turn=0.01)


class Painting:
    """A batch for an engine, painted over and over; `styles` are taken in turns, one entry (E, D) a frame."""

    def __init__(self, engine: Engine, size: tuple[int, int], styles: Sequence[Any]) -> None:
        self.engine, self.size, self.batch = engine, size, len(styles[0])
        random = np.random.default_rng(0)
        self._pixels_EHWC = random.integers(0, 256, (self.batch, size[1], size[0], 3), np.uint8)
        self._styles = itertools.cycle(styles)
        self.seconds: list[float] = []

    def run(self) -> None:
        self.engine.paint(self._pixels_EHWC, next(self._styles))


class Naive:
    """The tutorials' network at one size."""

    def __init__(self, subject: Subject) -> None:
        self.run: Callable[[], Any] = subject.run
        self.seconds: list[float] = []


def measure(plan: GrowthPlan, say: Callable[[str], None]) -> dict[str, Any]:
    """All three parts."""
    figures: dict[str, Any] = {"measured_on": measured_on()}
    bank = StyleBank.load(None)
    with ExitStack() as stack:

        def engine() -> Engine:
            opened = open_engine(bank)
            stack.callback(opened.close)
            return opened

        say("pixels")
        figures["pixels"] = _pixels(plan, bank, engine)
        say("eyes")
        one, two = (Painting(engine(), plan.eye, [bank.styles_SD[:batch]]) for batch in (1, 2))
        _take_turns([one, two], plan)
        figures["eyes"] = [{"batch": each.batch, "size": list(plan.eye), **_times(each.seconds)} for each in (one, two)]
        say("styles")
        figures["styles"] = _styles(plan, bank, engine)
        used = one.engine
        return {**figures, "engine": used.name, "device": used.device, "precision": used.precision}


def compilations(engine: Engine) -> int | None:
    """How many networks the engine has compiled or recorded so far; None where it does not count."""
    return getattr(engine, "compilations", getattr(engine, "recordings", None))


def _pixels(plan: GrowthPlan, bank: StyleBank, engine: Callable[[], Engine]) -> list[dict[str, Any]]:
    # An engine a size: engines keep only so many sizes compiled.
    ours = [Painting(engine(), size, [bank.styles_SD[:1]]) for size in plan.sizes]
    small = [size for size in plan.sizes if size[0] * size[1] <= NAIVE_PIXELS]
    naive = {size: Naive(naive_subject(plan.naive_width, (1, size[1], size[0]))) for size in small}
    _take_turns([*ours, *naive.values()], plan)
    rows = []
    for each in ours:
        plain = _times(naive[each.size].seconds) if each.size in naive else None
        rows.append({"size": list(each.size), **_times(each.seconds), "naive": plain})
    return rows


def _styles(plan: GrowthPlan, bank: StyleBank, engine: Callable[[], Engine]) -> list[dict[str, Any]]:
    vectors = bank.styles_SD
    kinds = {
        "one style for both eyes": [vectors[[0, 0]]],
        "a style for each eye": [vectors[[0, 1]]],
        "another style every frame": [vectors[[number, number]] for number in range(len(vectors))],
    }
    shared = engine()
    paintings = {name: Painting(shared, plan.eye, styles) for name, styles in kinds.items()}
    first = next(iter(paintings.values()))
    first.run()  # compiles
    before = compilations(shared)
    _take_turns(list(paintings.values()), plan)
    after = compilations(shared)
    more = None if before is None or after is None else after - before
    return [{"what": name, **_times(each.seconds), "compilations": more} for name, each in paintings.items()]


def _take_turns(subjects: Sequence[Painting | Naive], plan: GrowthPlan) -> None:
    for subject in subjects:
        subject.run()
    for _, subject in itertools.product(range(plan.rounds), subjects):
        subject.run()  # wakes its threads
        taken: list[float] = []
        while not taken or (sum(taken) < plan.seconds_a_turn and len(taken) < _MOST_CALLS):
            started = time.perf_counter()
            subject.run()
            taken.append(time.perf_counter() - started)
        subject.seconds += taken


def _times(seconds: list[float]) -> dict[str, Any]:
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e3
    return {"ms_p50": round(float(p50), 3), "ms_p99": round(float(p99), 3), "calls": len(seconds)}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__).parse_args(arguments)
    figures = measure(QUICK if options.quick else GrowthPlan(), lambda line: print(line, file=sys.stderr))
    write_figures({**figures, "quick": options.quick}, options.json)


if __name__ == "__main__":
    main()
