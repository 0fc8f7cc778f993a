import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from artem_vr.engines.made_by_shape import MadeByShape, Shape


def test_each_shape_is_made_once_and_the_one_used_longest_ago_goes_first() -> None:
    made: list[Shape] = []
    kept = MadeByShape(lambda shape: made.append(shape) or len(made), 2)
    assert [kept.get(shape) for shape in ((1,), (2,), (1,), (3,), (1,), (2,))] == [1, 2, 1, 3, 1, 4]
    assert made == [(1,), (2,), (3,), (2,)]
    kept.clear()
    assert kept.get((1,)) == 5


def test_others_go_on_while_something_is_made_and_whoever_wants_the_same_waits() -> None:
    gate, calls = threading.Event(), []

    def make(shape: Shape) -> Shape:
        calls.append(shape)
        if shape == (9,):
            assert gate.wait(10)
        return shape

    kept = MadeByShape(make, 4)
    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(kept.get, (9,)) for _ in range(2)]
        while (9,) not in calls:
            time.sleep(0.001)
        assert kept.get((1,)) == (1,), "not held up"
        assert not any(future.done() for future in slow)
        gate.set()
        assert [future.result(10) for future in slow] == [(9,), (9,)]
    assert calls == [(9,), (1,)]


def test_what_fails_is_told_and_tried_again() -> None:
    faults = [RuntimeError("no memory")]

    def make(shape: Shape) -> Shape:
        if faults:
            raise faults.pop()
        return shape

    kept = MadeByShape(make, 2)
    with pytest.raises(RuntimeError, match="no memory"):
        kept.get((1,))
    assert kept.get((1,)) == (1,)
