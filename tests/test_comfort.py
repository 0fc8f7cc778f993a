"""What a headset must never do: flash, differ between the eyes, hold back the plain world, or stand still."""

import threading

import numpy as np
import pytest
from pipeline_rig import each_closed

from artem_vr import brightness
from artem_vr.bridges.host import HostBridge
from artem_vr.brightness import MAX_STEP, PER_SECOND, BrightnessLimiter, mean_luma
from artem_vr.camera import Pose
from artem_vr.comfort import PLAIN
from artem_vr.compositor import Compositor
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.frame import HostFrame
from artem_vr.gl.upload import FrameUploader
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Action, Controls
from artem_vr.stats import RunStats
from artem_vr.style_control import STEER_SECONDS, StyleControl
from artem_vr.styles import StyleBank
from artem_vr.stylizer import Stylizer

SIZE, NET_SIZE, FPS = (128, 64), (32, 32), 30.0
ROUNDING = 1 / 255
"""Each pixel is rounded to a byte, and the network-sized pixels that foretell its mean were rounded, too."""


class HeldDisplay(HeadlessDisplay):
    """A headless display whose controls are held in some frames."""

    held: dict[int, Controls] = {}  # noqa: RUF012  # given by the rig

    def controls(self):
        return self.held.get(self._sequence - 1, Controls())

    def show_text(self, lines):
        """Nothing: so large a caption on so small a picture would be most of its brightness."""


class PictureSource:
    """The same colourful picture in both eyes, `shape` (height, width), new in every frame."""

    name = "picture"

    def __init__(self, shape=(64, 64), level=255):
        self.pixels = np.random.default_rng(5).integers(0, level, (1, *shape, 3), dtype=np.uint8)

    def read(self, request):
        return HostFrame(request.sequence, request.time, self.seen(request.sequence), request.eyes)

    def seen(self, sequence):
        return self.pixels


class FlickeringSource(PictureSource):
    """Dark and light in turn."""

    def seen(self, sequence):
        return self.pixels // 3 + np.uint8(160 * (sequence % 2))


class StillSource(PictureSource):
    """One frame for ever, another picture for each eye."""

    def __init__(self):
        self.pixels = np.random.default_rng(6).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
        self._frame = None

    def read(self, request):
        self._frame = self._frame or super().read(request)
        return self._frame


class LateBridge(HostBridge):
    """Gives each frame one call later, as a bridge on a graphics card does, and counts the calls."""

    calls = 0

    def __init__(self, ctx, net_size):
        super().__init__(ctx, net_size, asynchronous=True)

    def to_tensor(self, frame):
        self.calls += 1
        return super().to_tensor(frame)


class FlickeringEngine:
    """Paints dark and white in turn, or in a grey that tells the style; may be held up."""

    name, device, precision = "flickering", "cpu", "u8"

    def __init__(self, greys=(60, 255), by_style=None):
        self.greys, self.by_style = greys, by_style
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.styles = []

    def paint(self, pixels_EHWC, styles_ED):
        assert self.may_go_on.wait(30)
        self.styles.append(styles_ED)
        grey = self.greys[len(self.styles) % 2] if self.by_style is None else self.by_style(styles_ED[0])
        return np.full_like(pixels_EHWC, grey)

    def close(self):
        pass


class WatchedCompositor(Compositor):
    """Notes what each eye is drawn with."""

    def __init__(self, ctx):
        super().__init__(ctx)
        self.drawn = []

    def draw(self, frame, paint, strength, eye, framebuffer, viewport, veil, **more):
        self.drawn.append((eye, paint and paint.frame, strength, veil))
        super().draw(frame, paint, strength, eye, framebuffer, viewport, veil, **more)


class Rig:
    def __init__(self, engine, source=None, held=None, script=None, limiter=True, bridge=HostBridge, **options):
        self.display = HeldDisplay(SIZE, lambda t: Pose((0.0, 0.0, 0.0)), None, FPS, script)
        self.display.held = held or {}
        self.engine, self.source, self.stats = engine, source or PictureSource(), RunStats()
        self.control = StyleControl(StyleBank.load())
        self.stylizer = Stylizer(engine, self.control.initial)
        ctx = self.display.ctx
        self.bridge, self.compositor = bridge(ctx, NET_SIZE), WatchedCompositor(ctx)
        self.parts = [FrameUploader(ctx), self.bridge, self.compositor]
        self.pipeline = Pipeline(
            self.display, self.source, self.parts[0], self.bridge, self.stylizer, self.compositor, self.control,
            self.stats, limiter=BrightnessLimiter() if limiter else None, **options,
        )  # fmt: skip

    def frames(self, count):
        """The next frames as shown."""
        shown = []
        for _ in range(count):
            assert self.pipeline.tick()
            shown.append(self.display.read_pixels().copy())
        return shown

    def close(self):
        self.engine.may_go_on.set()
        self.stylizer.close()
        for part in reversed(self.parts):
            part.close()
        self.display.close()


@pytest.fixture
def rig():
    yield from each_closed(Rig)


def lumas(frames):
    return np.array([mean_luma(frame[None]) for frame in frames])


def largest_step(frames):
    return np.abs(np.diff(lumas(frames))).max()


def halves(frame):
    return frame[:, : SIZE[0] // 2], frame[:, SIZE[0] // 2 :]


STYLES_SD = StyleBank.load().styles_SD


def dark_and_light(style_D):
    """Dark for every second style of the bank and for what is nearer to it than to the others, else light."""
    nearest = np.argmin(np.linalg.norm(STYLES_SD - style_D, axis=1))
    return 30 if nearest % 2 else 220


SCENES = {
    "paint": {"engine": FlickeringEngine},
    "half of it": {"engine": FlickeringEngine, "held": {k: Controls(strength=-1.0) for k in range(1, 24)}},
    "styles": {
        "engine": lambda: FlickeringEngine(by_style=dark_and_light),
        "script": {frame: [Action.NEXT_STYLE] for frame in range(20, 90, 12)},
    },
    "source": {"engine": FlickeringEngine, "source": FlickeringSource, "script": {0: [Action.TOGGLE_PLAIN]}},
    "back and forth": {
        "engine": lambda: FlickeringEngine((255, 255)),
        "source": lambda: PictureSource(level=90),
        "script": {frame: [Action.TOGGLE_PLAIN] for frame in range(40, 90, 3)},
    },
    "bars": {"engine": FlickeringEngine, "source": lambda: FlickeringSource((32, 64))},
}


@pytest.mark.parametrize("name", SCENES)
def test_no_frame_is_much_brighter_or_darker_than_the_one_before(rig, name):
    """And would be without the limiter: what is shown here does flicker."""
    scene = SCENES[name]

    def run(limiter):
        source, held, script = scene.get("source", PictureSource), scene.get("held"), scene.get("script")
        return rig(scene["engine"](), source(), held, script, limiter, every_frame=True).frames(90)

    limited = run(True)
    assert largest_step(limited) <= min(MAX_STEP, PER_SECOND / FPS) + ROUNDING
    assert largest_step(run(False)) > 2 * MAX_STEP
    assert lumas(limited)[-1] > 0.1  # nor is it just kept dark
    for frame in limited:
        left, right = halves(frame)
        assert np.array_equal(left, right)


@pytest.mark.parametrize("bridge", [HostBridge, LateBridge])
def test_both_eyes_have_the_same_style_strength_and_veil_in_every_frame(rig, bridge):
    held = {frame: Controls(strength=-0.5, mix=1.0, clear=frame > 50) for frame in range(10, 60)}
    script = {30: [Action.NEXT_STYLE], 70: [Action.TOGGLE_PLAIN]}
    one = rig(FlickeringEngine(), StillSource(), held, script, bridge=bridge, wait_for_first=False)
    one.frames(90)
    drawn = one.compositor.drawn
    assert [eye for eye, *_ in drawn] == [0, 1] * 90
    for left, right in zip(drawn[::2], drawn[1::2], strict=True):
        assert left[1] is right[1] and left[2:] == right[2:]
    assert len({strength for _, _, strength, _ in drawn}) > 40 and len({veil for *_, veil in drawn}) > 20
    assert all(np.array_equal(*styles) for styles in one.engine.styles)


@pytest.mark.parametrize("bridge", [HostBridge, LateBridge])
@pytest.mark.parametrize("first", [0, 3, 40])
def test_the_clear_view_is_the_source_itself_in_the_very_frame_in_which_it_is_held(rig, bridge, first):
    held = {frame: Controls(clear=True) for frame in range(first, first + 4)}
    one = rig(FlickeringEngine((255, 255)), StillSource(), held, bridge=bridge, wait_for_first=False)
    frames = one.frames(first + 12)
    for frame in frames[first : first + 4]:
        for eye, half in enumerate(halves(frame)):
            assert np.array_equal(half, one.source.pixels[eye])
    for frame in frames[:first] + frames[first + 4 :]:
        assert not np.array_equal(halves(frame)[0], one.source.pixels[0])
    assert largest_step(frames[first + 3 :]) <= PER_SECOND / FPS + ROUNDING


@pytest.mark.parametrize("bridge", [HostBridge, LateBridge])
def test_the_first_picture_comes_out_of_the_dark_and_nothing_waits_for_it(rig, bridge):
    """Nothing of the plain world is seen: the paint has no red, and the source has little else."""
    source = PictureSource()
    source.pixels[:] = 255, 0, 0
    one = rig(FlickeringEngine(by_style=lambda style: (0, 120, 220)), source, bridge=bridge, wait_for_first=False)
    one.engine.may_go_on.clear()
    waiting = one.frames(10)
    assert not np.any(waiting)
    one.engine.may_go_on.set()
    one.stylizer.wait_for(one.pipeline._submitted, 0)
    coming = one.frames(60)
    assert np.all(np.diff(lumas(coming)) >= 0) and largest_step(waiting + coming) <= PER_SECOND / FPS + ROUNDING
    assert not np.any([frame[..., 0] for frame in coming])
    assert np.abs(coming[-1].astype(int) - (0, 120, 220)).max() <= 1


def test_without_a_limiter_the_plain_world_bridges_the_wait(rig):
    one = rig(FlickeringEngine(), limiter=False, bridge=LateBridge, wait_for_first=False)
    one.engine.may_go_on.clear()
    for calls in range(1, 5):
        assert np.array_equal(halves(one.frames(1)[0])[0], one.source.pixels[0])
        assert one.bridge.calls == calls


def test_the_first_frame_of_the_original_fades_in_without_paint(rig):
    one = rig(FlickeringEngine(), StillSource(), script={0: [Action.TOGGLE_PLAIN]}, wait_for_first=False)
    one.engine.may_go_on.clear()
    frames = one.frames(60)
    assert not np.any(frames[0]) and largest_step(frames) <= PER_SECOND / FPS + ROUNDING
    assert np.array_equal(halves(frames[-1])[1], one.source.pixels[1])


def test_what_is_held_steers_the_strength_of_the_same_frame(rig):
    frames = round(STEER_SECONDS * FPS)
    held = {frame: Controls(strength=-1.0) for frame in range(1, frames + 2)}
    one = rig(FlickeringEngine(), held=held, limiter=False, every_frame=True)
    one.frames(frames + 2)
    strengths = [strength for eye, _, strength, _ in one.compositor.drawn if eye == 0]
    np.testing.assert_allclose(strengths, [*np.linspace(1, 0, frames + 1), 0.0], atol=1e-6)


def test_the_mean_of_a_picture_is_taken_once(rig, monkeypatch):
    measured = []
    monkeypatch.setattr(brightness, "mean_luma", lambda pixels: measured.append(pixels) or mean_luma(pixels))
    held = {1: Controls(strength=-1.0)}  # so that both source and paint are seen
    one = rig(FlickeringEngine(), StillSource(), held, every_frame=True)
    one.pipeline.comfort = PLAIN  # what has settled is measured where it is
    one.frames(20)
    assert 0 < one.control.strength < 1 and len(measured) == 2
    assert measured[0] is not measured[1] and len({pixels.shape for pixels in measured}) == 1
