"""What a governor does about a size that turns out not to be painted at all."""

from artem_vr.governor import BudgetGovernor
from artem_vr.size_ladder import pixel_count, size_ladder

INTERVAL = 1 / 60


def fed(governor: BudgetGovernor, seconds: float, start: float = 0.0, network_ms: float = 1.0) -> float:
    """Frames in time, with room to spare, painted at the size that holds; returns the time at the end."""
    now = start
    while now < start + seconds:
        now += INTERVAL
        governor.frame_shown(now, 3.0, network_ms, governor.choice.net_size)
    return now


def test_a_size_that_cannot_be_painted_is_taken_back_and_left_for_a_while() -> None:
    sizes = size_ladder((640, 720))
    governor = BudgetGovernor(sizes, (320, 352), 60)
    now = 0.0
    while governor.choice.net_size == (320, 352):
        now = fed(governor, 0.5, now)
        assert now < 20
    larger = governor.choice.net_size
    assert pixel_count(larger) > pixel_count((320, 352))
    governor.refuse(larger)
    assert governor.choice.net_size == (320, 352)
    assert "does not run" in governor.choice.reason
    fed(governor, 40, now)
    assert pixel_count(governor.choice.net_size) < pixel_count(larger)


def test_only_what_holds_can_be_refused() -> None:
    governor = BudgetGovernor(size_ladder((640, 720)), (320, 352), 60)
    before = governor.choice
    governor.refuse((320, 352))
    governor.refuse((640, 720))
    assert governor.choice is before
