"""How the pipeline carries out what makes paint easy on the eyes, and that it may be changed at any time."""

from dataclasses import replace

import numpy as np
import pytest
from pipeline_rig import SIZE, GreySource, LateBridge, RedEngine, Rig, StillSource, WideStereoSource, each_closed

from artem_vr.camera import Pose, stereo_views
from artem_vr.comfort import Comfort
from artem_vr.comfort_control import ComfortControl
from artem_vr.ports import Action
from artem_vr.sources.courtyard.source import CourtyardSource
from artem_vr.steadiness import Steadiness


@pytest.fixture
def rig():
    yield from each_closed(Rig)


def test_one_eye_alone_is_painted_where_both_see_the_same(rig):
    one = rig(frames=6, every_frame=True)
    one.pipeline.comfort = Comfort(stereo="one")
    for number in range(6):
        # Live, and back again.
        one.pipeline.comfort = Comfort(stereo="both" if number == 3 else "one")
        assert one.pipeline.tick()
        np.testing.assert_allclose(one.display.read_pixels().reshape(-1, 3).mean(0), (255, 0, 0), atol=2)
    assert [len(pixels) for pixels in one.engine.pixels] == [1, 1, 1, 2, 1, 1]
    assert [len(styles) for styles in one.engine.styles] == [1, 1, 1, 2, 1, 1]


def test_paint_settles_as_slowly_as_is_asked_for(rig):
    one = rig(frames=3, every_frame=True)
    one.pipeline.comfort = Comfort(settle=0.1)
    one.pipeline.tick()
    one.engine.colour = (0, 0, 255)
    one.pipeline.tick()
    red = one.display.read_pixels().reshape(-1, 3).mean(0)[0] / 255
    assert 0.5 < red < 0.75  # exp(-1/3), and the picture has become a little lighter
    one.pipeline.comfort = Comfort(settle=0.0)
    one.pipeline.tick()
    np.testing.assert_allclose(one.display.read_pixels().reshape(-1, 3).mean(0), (0, 0, 255), atol=2)


@pytest.mark.parametrize("late", [False, True])
def test_styles_always_fit_the_picture_that_is_painted(rig, monkeypatch, late):
    """Also where a style fades while nothing new is there to be painted, or comes a call later."""
    if late:
        monkeypatch.setattr("pipeline_rig.HostBridge", LateBridge)
    for source in (StillSource(), GreySource()):
        one = rig(frames=30, script={1: [Action.NEXT_STYLE]}, source=source)
        for number in range(30):
            one.pipeline.comfort = Comfort(stereo="one" if number % 8 < 4 else "both")
            assert one.pipeline.tick()
        assert {len(pixels) for pixels in one.engine.pixels} <= {1, 2}
        assert all(len(pair[0]) == len(pair[1]) for pair in zip(one.engine.pixels, one.engine.styles, strict=True))


def test_both_eyes_are_painted_where_one_cannot_be_made_of_the_other(rig):
    one = rig(frames=2, every_frame=True, source=WideStereoSource())
    one.pipeline.comfort = Comfort(stereo="one")
    while one.pipeline.tick():
        pass
    assert [len(pixels) for pixels in one.engine.pixels] == [2, 2]


class HalfRedEngine(RedEngine):
    """Paints the left half of each picture red."""

    def paint(self, pixels_EHWC, styles_ED):
        painted = super().paint(pixels_EHWC, styles_ED)
        painted[:, :, painted.shape[2] // 2 :] = 0
        return painted


class TurningCourtyard:
    """The courtyard, from a head that turns."""

    name = "turning"

    def __init__(self, ctx):
        self.inner = CourtyardSource(ctx, (SIZE[0] // 2, SIZE[1]), samples=0)

    def read(self, request):
        eyes = stereo_views(Pose((0.0, 1.6, 6.0), yaw=0.02 * request.sequence), request.eye_size)
        return self.inner.read(replace(request, eyes=eyes))

    def close(self):
        self.inner.close()


@pytest.mark.parametrize("stereo", ["both", "one"])
def test_paint_turns_with_the_world_when_it_is_carried(rig, monkeypatch, stereo):
    monkeypatch.setattr("pipeline_rig.RedEngine", HalfRedEngine)
    one = rig(frames=8, source=TurningCourtyard)
    one.pipeline.comfort = Comfort(stereo=stereo)
    source = TurningCourtyard(one.display.ctx)
    one.pipeline._source = source
    assert one.pipeline.tick()
    one.engine.may_go_on.clear()
    for _ in range(5):
        assert one.pipeline.tick()
    carried = one.display.read_pixels()
    one.pipeline.comfort = Comfort(carry=False, stereo=stereo)
    assert one.pipeline.tick()
    in_place = one.display.read_pixels()

    def share(shown):
        """How far to the right the red goes, in the left eye and the right one."""
        red = shown[:, :, 0].astype(int) - shown[:, :, 1] > 127
        return red[:, :64].mean(), red[:, 64:].mean()

    # A head that turns to the left sees the world move to the right: 0.1 rad are some 4 of 64 pixels.
    for moved, still in zip(share(carried), share(in_place), strict=True):
        assert 0.04 < moved - still < 0.12
    one.source.close()


@pytest.mark.parametrize("before_left", [True, False])
def test_a_split_shows_old_paint_in_place_on_one_side_and_settled_paint_on_the_other(rig, before_left):
    one = rig(frames=3, every_frame=True, comfort=ComfortControl(Comfort(settle=0.1), True, before_left))
    one.pipeline.tick()
    one.engine.colour = (0, 0, 255)
    one.pipeline.tick()
    shown = one.display.read_pixels().reshape(SIZE[1], 2, 2, -1, 3)  # rows, eyes, halves, columns
    before, after = shown[:, :, 0 if before_left else 1], shown[:, :, 1 if before_left else 0]
    np.testing.assert_allclose(before.mean((0, 2)), [(0, 0, 255)] * 2, atol=2)
    assert (after[..., 0].mean((0, 2)) > 100).all(), "both eyes' other half is still half red"


def test_the_round_of_ways_is_gone_while_it_runs_and_the_engine_is_told(rig):
    steps = {number: [Action.NEXT_COMFORT] for number in range(1, 8)}
    one = rig(frames=9, every_frame=True, script=steps, comfort=ComfortControl(Comfort(steady=2.0, stereo="both")))
    one.stylizer.steadiness = Steadiness(2.0, shared=False)
    told, sizes = [], []
    while one.pipeline.tick():
        told.append((one.stylizer.steadiness.seconds, one.stylizer.steadiness.shared, one.pipeline.pictures))
        sizes.append(one.pipeline.net_size)
    # Both eyes see one picture here, which whoever does not ask for both has painted once.
    assert told[:3] == [(2.0, False, 2), (2.0, True, 1), (2.0, True, 1)]
    assert told[3] == (2.0, False, 4), "foveated"
    assert sizes[3] == (sizes[0][0] // 2, sizes[0][1] // 2)
    assert told[4] == (0.0, False, 2)
    assert told[5] == (2.0, False, 2), "half and half"
    assert told[6] == told[0], "and round again"
    assert {size for number, size in enumerate(sizes) if number != 3} == {sizes[0]}
