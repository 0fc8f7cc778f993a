"""A pipeline of real parts with a fake engine and fake sources: what its tests have in common."""

import threading

import numpy as np

from artem_vr.bridges.host import HostBridge
from artem_vr.camera import Pose
from artem_vr.compositor import Compositor
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import EngineError
from artem_vr.frame import HostFrame
from artem_vr.gl.upload import FrameUploader
from artem_vr.pipeline import Pipeline
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
        self.fails, self.colour = False, (255, 0, 0)
        self.styles, self.pixels = [], []

    def paint(self, pixels_EHWC, styles_ED):
        self.styles.append(styles_ED)
        self.pixels.append(pixels_EHWC)
        assert self.may_go_on.wait(30)
        if self.fails:
            raise EngineError("the engine is on strike")
        return np.full_like(pixels_EHWC, self.colour)

    def close(self):
        pass


def each_closed(kind):
    """For a fixture: makes as many of this class as a test asks for, and closes them after it."""
    made = []

    def make(*args, **kwargs):
        made.append(kind(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Rig:
    def __init__(self, frames, script=None, every_frame=False, source=None, comfort=None):
        self.bank = StyleBank.load()
        self.display = HeadlessDisplay(SIZE, lambda t: Pose((0.0, 0.0, 0.0)), frames, 30.0, script)
        self.engine, self.stats = RedEngine(), RunStats()
        self.control = StyleControl(self.bank)
        self.stylizer = Stylizer(self.engine, self.control.initial)
        self.snapshots = 0
        ctx = self.display.ctx
        self.source = source(ctx) if isinstance(source, type) else source or GreySource()
        self.parts = [FrameUploader(ctx), HostBridge(ctx, NET_SIZE), Compositor(ctx)]
        uploader, bridge, compositor = self.parts
        self.pipeline = Pipeline(
            self.display, self.source, uploader, bridge, self.stylizer, compositor, self.control, self.stats,
            every_frame=every_frame, on_snapshot=self._snapshot, comfort=comfort,
        )  # fmt: skip

    def _snapshot(self):
        self.snapshots += 1

    def close(self):
        self.engine.may_go_on.set()
        self.stylizer.close()
        self.pipeline.close()
        for part in reversed(self.parts):
            part.close()
        self.display.close()


class LateBridge(HostBridge):
    """Gives each frame one call later, as a bridge on a graphics card does."""

    def __init__(self, ctx, net_size):
        super().__init__(ctx, net_size, asynchronous=True)
