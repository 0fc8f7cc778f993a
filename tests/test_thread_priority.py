"""How threads take turns in Python while a world is shown."""

import sys
import threading
import time

import pytest

from artem_vr.thread_priority import TURN, short_turns


def test_turns_are_short_meanwhile_and_as_before_afterwards() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), short_turns():
        assert sys.getswitchinterval() == pytest.approx(TURN)
        raise KeyError
    assert sys.getswitchinterval() == before


def test_who_comes_back_from_elsewhere_waits_less_for_python() -> None:
    """A thread that leaves Python and comes back, as one that paints does, beside one that is busy in it."""
    over = threading.Event()

    def be_busy() -> None:
        while not over.is_set():
            sum(range(200))

    def seconds_of_coming_back() -> float:
        began = time.perf_counter()
        for _ in range(40):
            time.sleep(0)
        return time.perf_counter() - began

    busy = threading.Thread(target=be_busy)
    busy.start()
    try:
        usual = min(seconds_of_coming_back() for _ in range(2))
        with short_turns():
            short = min(seconds_of_coming_back() for _ in range(4))
    finally:
        over.set()
        busy.join()
    assert short < usual / 2
