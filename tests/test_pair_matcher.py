"""Pairs are compared beside the display, the newest first, and a picture comes when its own pair is done."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from stereo_world import planes

from artem_vr.frame import GlFrame, TensorFrame
from artem_vr.pair_matcher import PairMatcher
from artem_vr.stereo_matching import laid_out, match

NET_SIZE = (48, 32)


class Gate:
    """Comparing that takes until it is let through, and remembers what was compared."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.compared: list[float] = []

    def match(self, pair_EHWC: np.ndarray) -> np.ndarray:
        self.compared.append(float(pair_EHWC[0, 0, 0, 0]))
        self.has_begun.release()
        assert self.may_end.acquire(timeout=30)
        return np.full((2, 32, 48), self.compared[-1] / 1000, np.float32)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr("artem_vr.pair_matcher.match", made.match)
    return made


@pytest.fixture
def matcher() -> Iterator[PairMatcher]:
    made = PairMatcher()
    yield made
    made.close()
    made.close()


@pytest.fixture
def frame(make_gl_frame: Callable) -> Callable[[int], GlFrame]:
    """Frames with a pair whose pixels are the frame's number."""
    image = np.zeros((32, 48, 3), np.uint8)

    def make(number: int) -> GlFrame:
        pair_EHWC = np.full((2, 32, 48, 3), number, np.uint8)
        return replace(make_gl_frame(image, image, number), pair_EHWC=pair_EHWC)

    return make


def tensor(number: int, height: int = 32) -> TensorFrame:
    return TensorFrame(number, 0.0, np.zeros((2, height, 48, 3), np.uint8), ())  # type: ignore[arg-type]


def done(matcher: PairMatcher, given: TensorFrame | None) -> int | None:
    """The number of the picture that comes, when all that can be done is done."""
    for job in matcher._jobs:
        if not job.future.cancelled():
            job.future.result(30)
    found = matcher.matched(given)
    return None if found is None else found.tensor.sequence


def test_a_picture_comes_with_the_distances_of_its_own_pair(
    matcher: PairMatcher, make_gl_frame: Callable[..., GlFrame]
) -> None:
    pair = planes((96, 64), 2.0, 9.0, square=(30, 20, 30, 24))
    frame = replace(make_gl_frame(*pair.rgb_EHWC), pair_EHWC=pair.rgb_EHWC)
    matcher.start(frame, NET_SIZE)
    of_it = tensor(0)
    found = matcher.matched(of_it, patience=None)
    assert found is not None and found.tensor is of_it
    np.testing.assert_array_equal(found.metres_EHW, laid_out(match(pair.rgb_EHWC), NET_SIZE, (96, 64), None))
    assert matcher.matched(of_it) is found, "and again, at no cost"


def test_nothing_waits_and_the_newest_pair_is_next(
    matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]
) -> None:
    tensors = [tensor(number) for number in range(4)]
    for number in range(4):
        matcher.start(frame(number), NET_SIZE)
        if number == 0:
            assert gate.has_begun.acquire(timeout=30)
        assert matcher.matched(tensors[number]) is None
    overtaken = [weakref.ref(tensors[number]) for number in (1, 2)]
    tensors[1] = tensors[2] = tensors[3]
    gc.collect()
    assert [tensor() for tensor in overtaken] == [None, None], "a bridge may use their memory again"
    gate.may_end.release()
    assert gate.has_begun.acquire(timeout=30), "the next one is begun"
    found = matcher.matched(tensors[3])
    assert found is not None and found.tensor is tensors[0], "the one that was under way is not lost"
    gate.may_end.release()
    assert done(matcher, tensors[3]) == 3
    assert gate.compared == [0, 3], "pairs that others have overtaken are left out"


def test_a_picture_that_comes_later_than_its_pair_is_compared_is_joined_to_it(
    matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]
) -> None:
    gate.may_end.release(2)
    matcher.start(frame(0), NET_SIZE)
    assert done(matcher, None) is None
    matcher.start(frame(1), NET_SIZE)
    assert done(matcher, tensor(0)) == 0
    assert done(matcher, tensor(1)) == 1


def test_another_size_is_compared_anew_and_the_same_again_is_not(
    matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]
) -> None:
    gate.may_end.release(5)
    one = frame(0)
    for _ in range(3):
        matcher.start(one, NET_SIZE)
        assert done(matcher, tensor(0)) == 0
    larger = tensor(0, height=64)
    matcher.start(one, (48, 64))
    found = matcher.matched(larger, patience=None)
    assert found is not None and found.tensor is larger and found.metres_EHW is not None
    assert found.metres_EHW.shape == (2, 64, 48)
    assert len(gate.compared) == 2


def test_a_still_picture_that_returns_to_a_size_comes_at_that_size(
    matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]
) -> None:
    one = frame(0)
    matcher.start(frame(9), NET_SIZE)
    assert gate.has_begun.acquire(timeout=30)
    for height in (32, 64, 32):
        matcher.start(one, (48, height))
        matcher.matched(tensor(0, height))
    gate.may_end.release(2)
    assert done(matcher, tensor(0)) == 0


def test_pictures_without_a_pair_pass(matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]) -> None:
    alone = tensor(7)
    matcher.start(replace(frame(7), pair_EHWC=None), NET_SIZE)
    found = matcher.matched(alone)
    assert found is not None and found.tensor is alone and found.metres_EHW is None
    assert not gate.compared


def test_a_picture_that_is_painted_already_gets_its_distances_when_they_are_asked_for(
    matcher: PairMatcher, gate: Gate, frame: Callable[[int], GlFrame]
) -> None:
    """As when somebody goes over to another way of painting while the picture stands still."""
    still = tensor(0)
    found = matcher.matched(still)
    assert found is not None and found.metres_EHW is None
    matcher.start(frame(0), NET_SIZE)
    assert matcher.matched(still) is found
    gate.may_end.release()
    found = matcher.matched(still, patience=None)
    assert found is not None and found.tensor is still and found.metres_EHW is not None


def test_what_fails_is_told(
    matcher: PairMatcher, monkeypatch: pytest.MonkeyPatch, frame: Callable[[int], GlFrame]
) -> None:
    def fail(pair_EHWC: np.ndarray) -> np.ndarray:
        raise ValueError("no pair")

    monkeypatch.setattr("artem_vr.pair_matcher.match", fail)
    matcher.start(frame(0), NET_SIZE)
    with pytest.raises(ValueError, match="no pair"):
        matcher.matched(tensor(0), patience=None)
