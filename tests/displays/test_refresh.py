from artem_vr.displays.openxr.refresh import Refresh
from artem_vr.xr.session import Frame

MILLISECOND = 1_000_000


def seen(*frames: tuple[int, int]) -> Refresh:
    """Frames at these times with these periods, both in milliseconds."""
    refresh = Refresh()
    for time, period in frames:
        refresh.note(Frame(time * MILLISECOND, period * MILLISECOND, True))
    return refresh


def test_the_rate_is_in_frames_a_second_and_unknown_at_first() -> None:
    assert Refresh().rate is None
    assert seen((0, 0)).rate is None
    assert seen((0, 50)).rate == 20


def test_a_runtime_that_counts_two_refreshes_as_one_for_a_while_changes_nothing() -> None:
    assert seen((0, 100), (100, 50), (150, 100), (250, 0)).rate == 20


def test_refreshes_without_a_frame_are_counted_but_for_those_of_a_pause() -> None:
    refresh = seen((0, 50), (50, 50), (200, 50))
    assert refresh.missed == 2
    refresh.pause()
    refresh.note(Frame(900 * MILLISECOND, 50 * MILLISECOND, True))
    assert refresh.missed == 2
