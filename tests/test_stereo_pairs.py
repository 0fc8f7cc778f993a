"""Stereo cameras and films through the whole pipeline: both eyes see the same paint on what both see."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pipeline_rig import GreySource, LateBridge, RedEngine, Rig
from stereo_world import planes

from artem_vr.comfort import Comfort, Stereo
from artem_vr.frame import BOTH, HostFrame
from artem_vr.sources.courtyard.source import CourtyardSource
from artem_vr.stereo_matching import match

EYE, NET_SIZE = (192, 160), (96, 80)
SQUARE = (80, 50, 60, 60)
PAIR = planes(EYE, 6.0, 24.0, square=SQUARE)
QUIET = Comfort(settle=0.0, steady=0.0)


class PairSource:
    """The same pair again and again."""

    name = "pair"

    def read(self, request):
        return HostFrame(request.sequence, request.time, PAIR.rgb_EHWC, request.eyes)

    def close(self):
        pass


class MoodyEngine(RedEngine):
    """Paints each eye in clouds of its own, which have nothing to do with what it sees."""

    def paint(self, pixels_EHWC, styles_ED):
        super().paint(pixels_EHWC, styles_ED)
        clouds = np.random.default_rng(5).normal(0, 1, pixels_EHWC.shape).astype(np.float32)
        soft = np.stack([cv2.GaussianBlur(each, (0, 0), 4) for each in clouds])
        return (128 + soft * 40 / soft.std()).clip(0, 255).astype(np.uint8)


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setattr("pipeline_rig.SIZE", (2 * EYE[0], EYE[1]))
    monkeypatch.setattr("pipeline_rig.NET_SIZE", NET_SIZE)
    monkeypatch.setattr("pipeline_rig.RedEngine", MoodyEngine)
    made = []

    def make(*args, **kwargs):
        made.append(Rig(*args, **{"source": PairSource(), "every_frame": True, **kwargs}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def eyes(one):
    """What the left and the right eye see (2, H, W, 3)."""
    return one.display.read_pixels().reshape(EYE[1], 2, EYE[0], 3).swapaxes(0, 1).astype(np.float32)


def disagreement(shown):
    """Mean absolute difference between the eyes, on what both see, away from edges in depth."""
    column, row = np.meshgrid(np.arange(EYE[0], dtype=np.float32), np.arange(EYE[1], dtype=np.float32))
    there = cv2.remap(shown[1], column - PAIR.disparity_EHW[0], row, cv2.INTER_LINEAR)
    inner = cv2.erode(PAIR.seen_EHW[0].astype(np.uint8), np.ones((13, 13)), borderValue=0) > 0
    assert inner.mean() > 0.4
    return np.abs(there - shown[0])[inner].mean()


@pytest.mark.parametrize(("stereo", "least", "most"), [("both", 25, 255), ("shared", 0, 5), ("one", 0, 5)])
def test_both_eyes_see_the_same_paint_where_they_share(rig, stereo: Stereo, least, most):
    """Where one eye cannot be made of the other, asking for one painting is asking for shared ones."""
    one = rig(frames=2)
    one.pipeline.comfort = replace(QUIET, stereo=stereo)
    for _ in range(2):
        assert one.pipeline.tick()
        assert least <= disagreement(eyes(one)) <= most
        assert one.pipeline._submitted.views == BOTH and not one.pipeline._submitted.posed


def test_what_one_eye_alone_sees_keeps_its_own_paint(rig):
    shown = []
    for stereo in ("both", "shared"):
        one = rig(frames=1)
        one.pipeline.comfort = replace(QUIET, stereo=stereo)
        assert one.pipeline.tick()
        shown.append(eyes(one))
    x, y, width, height = SQUARE
    # 18 columns of the wall to the left of the square are hidden from the right eye, and as many from the left one.
    for eye, first in ((0, x - 18), (1, x + width - 24)):
        hidden = np.s_[eye, y + 8 : y + height - 8, first + 5 : first + 13]
        change = np.abs(shown[0][hidden] - shown[1][hidden])
        assert np.median(change) < 2
        assert np.abs(shown[0] - shown[1])[eye, y + 8 : y + height - 8, 150:].mean() > 10


def test_the_vote_comes_and_goes_with_the_way_it_is_asked_for_also_on_a_still_picture(rig):
    still = HostFrame(0, 1.0, PAIR.rgb_EHWC, ())

    class StillPair(PairSource):
        def read(self, request):
            return still

    one = rig(frames=6, source=StillPair())
    for number in range(6):
        one.pipeline.comfort = Comfort(settle=0.3, steady=0.0, stereo="shared" if number % 3 else "both")
        assert one.pipeline.tick()
        assert (disagreement(eyes(one)) < 6) == (number % 3 > 0)
        assert (one.pipeline._steady.newest.depth is not None) == (number % 3 > 0)


class SmallCourtyard(CourtyardSource):
    def __init__(self, ctx):
        super().__init__(ctx, EYE, samples=0)


@pytest.mark.parametrize("source", [GreySource(), SmallCourtyard])
@pytest.mark.parametrize("stereo", ["shared", "one"])
def test_other_pictures_are_not_compared(rig, monkeypatch, source, stereo):
    monkeypatch.setattr("artem_vr.pair_matcher.match", lambda pair: pytest.fail("compared"))
    one = rig(frames=2, source=source)
    one.pipeline.comfort = replace(QUIET, stereo=stereo)
    while one.pipeline.tick():
        pass
    assert len(one.engine.pixels) == 2
    one.source.close()


def test_pairs_are_not_compared_where_each_eye_is_for_itself(rig, monkeypatch):
    monkeypatch.setattr("artem_vr.pair_matcher.match", lambda pair: pytest.fail("compared"))
    one = rig(frames=2)
    one.pipeline.comfort = replace(QUIET, stereo="both", settle=0.2)
    while one.pipeline.tick():
        pass
    assert len(one.engine.pixels) == 2


@pytest.mark.parametrize("late", [False, True])
def test_the_display_goes_on_while_pairs_are_compared(rig, monkeypatch, late):
    """All that is painted was compared, whether a bridge brings it at once or a call later."""
    has_begun, may_go_on = threading.Event(), threading.Event()
    calls = []

    def slow(pair):
        calls.append(1)
        if len(calls) == 2:
            has_begun.set()
            assert may_go_on.wait(30)
        return match(pair)

    monkeypatch.setattr("artem_vr.pair_matcher.match", slow)
    if late:
        monkeypatch.setattr("pipeline_rig.HostBridge", LateBridge)
    monkeypatch.setattr("artem_vr.compositor.PaintCarrier.carry", lambda *args: pytest.fail("carried without a pose"))
    one = rig(frames=40, every_frame=False)
    one.pipeline.comfort = QUIET
    for number in range(8):
        assert one.pipeline.tick()
        assert disagreement(eyes(one)) < 5
        assert number == 0 or has_begun.wait(30)
    assert len(calls) == 2 and one.pipeline._submitted.sequence == 0, "nobody waited"
    may_go_on.set()
    while one.pipeline.tick():
        assert disagreement(eyes(one)) < 5
    assert len(calls) > 2
