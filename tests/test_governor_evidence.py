"""What the governor makes of single measurements, and the pieces that it decides with."""

import itertools
import math

import pytest
from painting_world import Simulation, World

from artem_vr.backoff import Backoff, Setting
from artem_vr.errors import UsageError
from artem_vr.evidence import Evidence, trimmed_mean
from artem_vr.frame import Size
from artem_vr.governor import BudgetGovernor
from artem_vr.paint_choice import Choice, describe
from artem_vr.size_ladder import pixel_count, size_ladder

EYE, START = (640, 720), (320, 352)
FAR_TOO_LATE = 10.0


def new_governor(fps: float = 60.0, cadence: int = 3) -> BudgetGovernor:
    return BudgetGovernor(size_ladder(EYE), START, fps, cadence)


class Feed:
    """Frames of an even length, one painting each, for a governor that sees nothing else."""

    def __init__(self, governor: BudgetGovernor, frame_ms: float, work_ms: float, network_ms: float | None) -> None:
        self.governor, self.now, self.changes = governor, 50.0, 0
        self.frame_ms, self.work_ms, self.network_ms = frame_ms, work_ms, network_ms
        self.painted_size: Size | None = None

    def frames(self, seconds: float) -> Choice:
        end = self.now + seconds
        while self.now < end:
            self.now += self.frame_ms / 1e3
            before = self.governor.choice
            after = self.governor.frame_shown(self.now, self.work_ms, self.network_ms, self.painted_size)
            self.changes += after != before
        return self.governor.choice


def settled(network_ms: float | None = 14.0) -> Feed:
    """One for whom nothing is to be done: neither room for more, nor need for less."""
    feed = Feed(new_governor(), 1e3 / 60, 10.0, network_ms)
    feed.frames(60)
    assert feed.changes == 0
    return feed


@pytest.mark.parametrize("fps", [20, 72, 90, 120])
def test_one_hiccup_changes_nothing(fps: float) -> None:
    interval_ms = 1e3 / fps
    feed = Feed(new_governor(fps), interval_ms, 0.6 * interval_ms, 0.9 * interval_ms)
    feed.frames(30)
    feed.frame_ms, feed.work_ms, feed.network_ms = 300.0, 300.0, 300.0 + interval_ms
    feed.frames(0.2)
    feed.frame_ms, feed.work_ms, feed.network_ms = interval_ms, 0.6 * interval_ms, 0.9 * interval_ms
    feed.frames(30)
    assert feed.changes == 0


def test_a_short_burst_changes_nothing_and_a_lasting_load_does() -> None:
    feed = settled()
    feed.frame_ms = 35.0
    feed.frames(0.5)
    feed.frame_ms = 1e3 / 60
    feed.frames(10)
    assert feed.changes == 0
    feed.frame_ms = 35.0
    feed.frames(2)
    assert feed.changes > 0


def test_nothing_is_decided_while_nothing_is_painted() -> None:
    feed = settled()
    feed.network_ms = None
    feed.frame_ms = feed.work_ms = 60.0
    feed.frames(1)
    started = feed.changes
    feed.frames(120)
    assert feed.changes == started
    feed.frame_ms, feed.work_ms = 1e3 / 60, 1.0
    feed.frames(120)
    assert feed.changes == started


def test_a_picture_that_never_is_painted_leaves_everything_as_it_started() -> None:
    feed = Feed(new_governor(), FAR_TOO_LATE * 1e3 / 60, 100.0, None)
    assert feed.frames(120).reason == "as started"


def test_a_still_picture_keeps_what_was_chosen() -> None:
    world = World(60, 6, 5, 100, paints=lambda seconds: seconds < 20 or 200 < seconds < 202)
    run = Simulation(world, new_governor()).live(400)
    assert run.changes(0, 20) == 1
    assert run.changes(20) == 0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 0.0, -5.0])
def test_values_that_are_no_times_are_ignored(wrong: float) -> None:
    feed = settled()
    for _ in range(600):
        feed.frames(1 / 60)
        feed.governor.frame_shown(feed.now, wrong, wrong)
    assert feed.changes == 0
    for now in (math.nan, math.inf, -math.inf):
        assert feed.governor.frame_shown(now, 1.0, 1.0) is feed.governor.choice
    feed.frames(30)
    assert feed.changes == 0


def test_without_measured_work_there_is_no_room() -> None:
    feed = Feed(new_governor(), 1e3 / 60, math.nan, 1.0)
    feed.frames(60)
    assert feed.changes == 0
    feed.work_ms = 1.0
    feed.frames(10)
    assert feed.changes > 0


def test_a_clock_that_goes_back_or_leaps_changes_nothing_and_breaks_nothing() -> None:
    feed = settled()
    for jump in (-1000.0, 0.0, -0.001, 5000.0, 4.0, -3.0):
        feed.now += jump
        feed.frames(10)
    assert feed.changes == 0
    feed.network_ms = 40.0
    feed.now -= 10_000
    feed.frames(5)
    assert feed.governor.choice.cadence == 3


def test_paintings_of_another_size_do_not_count() -> None:
    feed = settled()
    feed.painted_size, feed.network_ms = EYE, 900.0
    feed.frames(0.9)
    feed.painted_size, feed.network_ms = START, 14.0
    feed.frames(30)
    assert feed.changes == 0


def test_nothing_is_decided_before_the_new_size_was_painted() -> None:
    feed = Feed(new_governor(), 1e3 / 60, 2.0, 2.0)
    feed.painted_size = START
    while feed.governor.choice.net_size == START:
        feed.frames(0.1)
    # The engine compiles: old paint still comes, and the display suffers.
    feed.frame_ms, feed.work_ms = 50.0, 50.0
    changes = feed.changes
    feed.frames(20)
    assert feed.changes == changes
    feed.painted_size = feed.governor.choice.net_size
    feed.frames(5)
    assert feed.governor.choice.reason == "back again: there was no room"


def test_the_first_painting_of_a_size_does_not_count() -> None:
    """It compiles; what follows is still slow once, and then fast. With the first, most of three would be slow."""
    feed = Feed(new_governor(), 1e3 / 60, 2.0, 2.0)
    feed.painted_size = START
    while feed.governor.choice.net_size == START:
        feed.frames(0.1)
    grown = feed.governor.choice
    feed.painted_size, feed.network_ms = grown.net_size, None
    feed.frames(1.5)
    for network_ms in (1500.0, 40.0, 8.0, 8.0, 8.0, 8.0):
        feed.network_ms = network_ms
        feed.frames(0.001)
        feed.network_ms = None
        feed.frames(0.4)
    assert feed.governor.choice == grown


def test_relief_that_helped_by_chance_is_taken_back_with_the_rest() -> None:
    """A twentieth less once, and the same as at the beginning from there on."""
    feed = Feed(new_governor(), 20.0, 20.0, 10.0)
    settings = []
    for _ in range(150):
        choice = feed.frames(0.1)
        setting = choice.net_size, choice.cadence
        if setting not in settings[-1:]:
            settings.append(setting)
        feed.frame_ms = feed.work_ms = 18.9 if setting == (START, 2) and len(settings) == 2 else 20.0
    smaller = (272, 304)
    assert settings == [(START, 1), (START, 2), (START, 3), (smaller, 2), (START, 1)]


@pytest.mark.parametrize("cadence", [1, 2, 5])
def test_it_never_leaves_the_ladder_or_the_cadences(cadence: int) -> None:
    ladder = [(160, 176), (320, 352), (640, 720)]
    feed = Feed(BudgetGovernor(ladder[::-1], (300, 300), 60, cadence), 1e3 / 60, 10.0, 1.0)
    assert feed.governor.choice.net_size == START
    seen = set()
    for frame_ms, work_ms, network_ms in ((16.7, 1, 0.1), (16.7, 1, 9e5), (160, 160, 400), (16.7, 1, 0.1)):
        feed.frame_ms, feed.work_ms, feed.network_ms = frame_ms, work_ms, network_ms
        for _ in range(300):
            choice = feed.frames(0.1)
            assert choice.net_size in ladder
            assert 1 <= choice.cadence <= cadence
            seen.add(choice.net_size)
    assert seen == set(ladder)


def test_what_makes_no_sense_is_refused() -> None:
    for sizes, fps, cadence in (
        ([], 60, 3),
        ([(0, 4)], 60, 3),
        ([START], 0, 3),
        ([START], math.nan, 3),
        ([START], 60, 0),
    ):
        with pytest.raises(UsageError):
            BudgetGovernor(sizes, START, fps, cadence)


def test_choices_are_described_in_a_line() -> None:
    assert describe(Choice(START, 1, "")) == "painting 320x352 at every frame"
    lines = [
        describe(Choice(START, cadence, "")).removeprefix("painting 320x352 at every ") for cadence in (2, 3, 4, 11)
    ]
    assert lines == ["2nd frame", "3rd frame", "4th frame", "11th frame"]


@pytest.mark.parametrize("eye", [(640, 720), (2064, 2208), (1832, 1920), (1280, 720), (720, 1280), (1000, 400)])
def test_a_ladder_has_even_rungs_of_the_eyes_shape(eye: Size) -> None:
    ladder = size_ladder(eye)
    assert all(side % 16 == 0 and side >= 32 for size in ladder for side in size)
    assert all(abs(ours - theirs) <= 8 for ours, theirs in zip(ladder[-1], eye, strict=True))
    assert 20_000 < pixel_count(ladder[0]) < 36_000
    steps = [pixel_count(larger) / pixel_count(size) for size, larger in itertools.pairwise(ladder)]
    assert all(1.2 < step < 1.65 for step in steps)
    assert all(width / height == pytest.approx(eye[0] / eye[1], rel=0.1) for width, height in ladder)


def test_a_small_eye_has_one_rung_and_the_usual_start_is_one() -> None:
    assert size_ladder((100, 60)) == [(96, 64)]
    assert size_ladder((8, 8)) == [(32, 32)]
    assert START in size_ladder(EYE)
    for eye, smallest in (((0, 10), 100), ((10, 10), 0)):
        with pytest.raises(UsageError):
            size_ladder(eye, smallest)


def test_what_failed_is_refused_for_ever_longer_and_so_is_what_asks_for_more() -> None:
    backoff, failed = Backoff(), Setting(3, 2)
    backoff.fail(failed, 100)
    assert not backoff.allows(Setting(0, 3), 109)
    assert not any(backoff.allows(setting, 159) for setting in (failed, Setting(4, 2), Setting(3, 1)))
    assert all(backoff.allows(setting, 111) for setting in (Setting(2, 1), Setting(3, 3)))
    assert backoff.allows(failed, 160)
    backoff.fail(failed, 160)
    assert not backoff.allows(failed, 279)
    assert backoff.allows(failed, 280)
    assert not backoff.allows(Setting(0, 3), 179)
    assert backoff.allows(Setting(0, 3), 180)
    backoff.fail(failed, 1000)
    assert backoff.allows(failed, 1060)


def test_what_is_lost_once_may_be_tried_and_twice_not() -> None:
    backoff, lost = Backoff(), Setting(3, 1)
    backoff.lose(lost, 100)
    assert backoff.allows(lost, 101)
    backoff.lose(lost, 200)
    assert not backoff.allows(lost, 201)
    backoff.lose(lost, 900)
    assert backoff.allows(lost, 901)


def test_a_single_outlier_counts_for_nothing_and_one_frame_in_four_counts() -> None:
    assert trimmed_mean([10.0] * 19 + [300.0]) == 10.0
    assert trimmed_mean([10.0, 20.0, 10.0, 10.0] * 20) > 11.5
    evidence = Evidence()
    for number in range(40):
        evidence.add_painting(number * 0.05, 500.0 if number == 39 else 20.0)
        evidence.add_frame(number * 0.05, 50.0, 30.0)
    measured = evidence.over(1.0)
    assert measured is not None
    assert (measured.interval_ms, measured.work_ms, measured.network_ms) == pytest.approx((50.0, 30.0, 20.0))
    assert evidence.over(3.0) is None
