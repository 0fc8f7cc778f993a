"""One tick after the other, with a fake engine between a real source, bridge, compositor and headless display."""

import numpy as np
import pytest
from pipeline_rig import SIZE, LateBridge, Rig, StillSource, WideStereoSource, each_closed

from artem_vr.errors import EngineError
from artem_vr.ports import Action


@pytest.fixture
def rig():
    yield from each_closed(Rig)


def test_the_paint_is_shown_and_counted(rig):
    one = rig(frames=3, every_frame=True)
    while one.pipeline.tick():
        shown = one.display.read_pixels()
    np.testing.assert_allclose(shown.reshape(-1, 3).mean(0), (255, 0, 0), atol=2)
    report = one.stats.report({})
    assert report["frames"] == 3 and one.stats.painted_frames == 3
    assert report["age_frames"]["max"] == 0
    assert {"wait", "source", "download", "network", "upload", "compose", "show"} <= report["stages_ms"].keys()


def test_bars_beside_a_picture_are_neither_seen_by_the_network_nor_painted(rig):
    one = rig(frames=2, every_frame=True, source=WideStereoSource())
    one.pipeline.tick()
    shown = one.display.read_pixels()
    left, right = shown[:, :64], shown[:, 64:]
    assert np.all(shown[16:48] == (255, 0, 0))
    for bar in (slice(0, 16), slice(48, 64)):
        assert np.array_equal(left[bar], right[bar])
        assert np.ptp(left[bar].reshape(-1, 3), axis=0).max() == 0 and left[bar].max() < 40
    assert [set(eye.flat) for eye in one.engine.pixels[0]] == [{60}, {180}]


def test_a_still_picture_does_not_age_in_another_style_either(rig, monkeypatch):
    one = rig(frames=40, script={1: [Action.NEXT_STYLE]}, every_frame=True, source=StillSource())
    ages = []
    count = one.stats.frame_shown

    def frame_shown(painting, age_seconds, age_frames):
        ages.append(age_seconds)
        count(painting, age_seconds, age_frames)

    monkeypatch.setattr(one.stats, "frame_shown", frame_shown)
    while one.pipeline.tick():
        pass
    assert one.stats.painted_frames > 5  # the styles fade
    assert ages[0] is not None and set(ages[1:]) == {None}


def test_the_display_goes_on_while_the_engine_is_stuck(rig):
    one = rig(frames=8)
    assert one.pipeline.tick()  # the first frame has its paint
    one.engine.may_go_on.clear()
    while one.pipeline.tick():
        pass
    assert one.stats.frames == 8
    assert one.stats.report({})["age_frames"]["max"] >= 5


def test_an_engine_error_ends_the_run_with_its_message(rig):
    one = rig(frames=100)
    assert one.pipeline.tick()
    one.engine.fails = True
    with pytest.raises(EngineError, match="on strike"):
        one.pipeline.tick()
        one.stylizer._thread.join(30)  # it ends with the failure; the display alone is done sooner than that
        one.pipeline.tick()


def test_strength_and_original_act_in_the_same_frame(rig):
    one = rig(frames=3, script={1: [Action.TOGGLE_PLAIN]}, every_frame=True)
    one.pipeline.tick()
    painted = one.display.read_pixels()[: SIZE[1] // 3]
    one.pipeline.tick()
    plain = one.display.read_pixels()[: SIZE[1] // 3]
    assert painted[..., 1].mean() < 2
    assert abs(plain[..., 1].mean() - 41) < 2


def test_a_style_key_changes_what_the_engine_gets(rig):
    one = rig(frames=40, script={1: [Action.NEXT_STYLE]}, every_frame=True)
    while one.pipeline.tick():
        pass
    np.testing.assert_array_equal(one.engine.styles[0][0], one.bank.styles_SD[0])
    np.testing.assert_array_equal(one.engine.styles[-1][-1], one.bank.styles_SD[1])


def test_the_first_frame_is_painted_behind_an_asynchronous_bridge(rig, monkeypatch):
    monkeypatch.setattr("pipeline_rig.HostBridge", LateBridge)
    one = rig(frames=2)
    one.pipeline.tick()
    assert one.display.read_pixels()[: SIZE[1] // 3, ..., 1].mean() < 2  # red, not grey
    assert one.stats.painted_frames == 1


def test_nothing_is_painted_for_a_film_of_the_original(rig):
    one = rig(frames=4, script={0: [Action.TOGGLE_PLAIN]}, every_frame=True)
    while one.pipeline.tick():
        pass
    assert one.stats.frames == 4 and not one.engine.styles


def test_a_snapshot_is_asked_for_once(rig):
    one = rig(frames=3, script={1: [Action.SNAPSHOT]}, every_frame=True)
    while one.pipeline.tick():
        pass
    assert one.snapshots == 1
