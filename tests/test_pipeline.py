"""One tick after the other, with a fake engine between a real source, bridge, compositor and headless display."""

import threading

import numpy as np
import pytest

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import Pose
from artem_vr.compositor import Compositor
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import EngineError
from artem_vr.frame import HostFrame
from artem_vr.gl.upload import FrameUploader
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Action
from artem_vr.stats import RunStats
from artem_vr.style_control import StyleControl
from artem_vr.styles import StyleBank
from artem_vr.stylizer import Stylizer

SIZE, NET_SIZE = (128, 64), (32, 32)


class GreySource:
    """A new grey picture for every request, as bright as its number."""

    name = "grey"

    def read(self, request):
        pixels = np.full((1, 64, 64, 3), 40 + request.sequence, np.uint8)
        return HostFrame(request.sequence, request.time, pixels, request.eyes)

    def close(self):
        pass


class StillSource(GreySource):
    """The same picture for ever."""

    def __init__(self):
        self.frame = None

    def read(self, request):
        self.frame = self.frame or super().read(request)
        return self.frame


class WideStereoSource(GreySource):
    """A picture of half the eye's height: dark for the left eye, light for the right one."""

    def read(self, request):
        pixels = np.stack([np.full((32, 64, 3), grey, np.uint8) for grey in (60, 180)])
        return HostFrame(request.sequence, request.time, pixels, request.eyes)


class RedEngine:
    """Paints everything red; may be held up, and may fail."""

    name, device, precision = "red", "cpu", "u8"

    def __init__(self):
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.fails = False
        self.styles, self.pixels = [], []

    def paint(self, pixels_EHWC, styles_ED):
        self.styles.append(styles_ED)
        self.pixels.append(pixels_EHWC)
        assert self.may_go_on.wait(30)
        if self.fails:
            raise EngineError("the engine is on strike")
        return np.full_like(pixels_EHWC, (255, 0, 0))

    def close(self):
        pass


class Rig:
    def __init__(self, frames, script=None, every_frame=False, source=None):
        self.bank = StyleBank.load()
        self.display = HeadlessDisplay(SIZE, lambda t: Pose((0.0, 0.0, 0.0)), frames, 30.0, script)
        self.engine, self.stats = RedEngine(), RunStats()
        self.control = StyleControl(self.bank)
        self.stylizer = Stylizer(self.engine, self.control.initial)
        self.snapshots = 0
        ctx = self.display.ctx
        self.parts = [FrameUploader(ctx), HostBridge(ctx, NET_SIZE), Compositor(ctx)]
        uploader, bridge, compositor = self.parts
        self.pipeline = Pipeline(
            self.display, source or GreySource(), uploader, bridge, self.stylizer, compositor, self.control, self.stats,
            every_frame=every_frame, on_snapshot=self._snapshot,
        )  # fmt: skip

    def _snapshot(self):
        self.snapshots += 1

    def close(self):
        self.engine.may_go_on.set()
        self.stylizer.close()
        for part in reversed(self.parts):
            part.close()
        self.display.close()


@pytest.fixture
def rig(request):
    made = []

    def make(*args, **kwargs):
        made.append(Rig(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


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
        while one.pipeline.tick():
            pass


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
    np.testing.assert_array_equal(one.engine.styles[-1][1], one.bank.styles_SD[1])


class LateBridge(HostBridge):
    """Gives each frame one call later, as a bridge on a graphics card does."""

    def __init__(self, ctx, net_size):
        super().__init__(ctx, net_size, asynchronous=True)


def test_the_first_frame_is_painted_behind_an_asynchronous_bridge(rig, monkeypatch):
    monkeypatch.setitem(globals(), "HostBridge", LateBridge)
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
