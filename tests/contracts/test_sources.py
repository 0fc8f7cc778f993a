"""What every source does alike. A new source adds its opener to `BACKENDS`."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_camera import FakeCamera
from media_samples import numbered, request, write_clip
from PIL import Image

from artem_vr.frame import GlFrame, HostFrame
from artem_vr.media.picture import Picture
from artem_vr.media.video_reader import VideoReader
from artem_vr.ports import FrameSource
from artem_vr.sources import folder as folder_module
from artem_vr.sources.camera import CameraPatience, CameraSource
from artem_vr.sources.folder import FolderSource
from artem_vr.sources.image import ImageSource
from artem_vr.sources.video import VideoSource

SIZE = (64, 48)


@dataclass
class Opened:
    """A source under test.

    `advance` makes a newer picture available and returns the time to ask for it; None for a source that never has
    one. `stall` makes the source's supply hang until the event is set, None where there is nothing to hang.
    """

    source: FrameSource
    advance: Callable[[], float] | None = None
    stall: Callable[[threading.Event], AbstractContextManager[Any]] | None = None
    eyes: int = 1
    close: list[Callable[[], None]] = field(default_factory=list)


def _clock(step: float) -> Callable[[], float]:
    now = [0.0]

    def advance() -> float:
        now[0] += step
        return now[0]

    return advance


def _open_image(path: Path, stereo: bool) -> Opened:
    Image.fromarray(numbered(3, SIZE)).save(path / "a.png")
    return Opened(ImageSource(path / "a.png", stereo), eyes=1 + stereo)


def _open_folder(path: Path, stereo: bool) -> Opened:
    for index in range(30):
        Image.fromarray(numbered(index, SIZE)).save(path / f"{index}.png")

    @contextmanager
    def stall(free: threading.Event) -> Iterator[None]:
        plain = folder_module.read_picture

        def slow(file: Path) -> Picture:
            free.wait(30)
            return plain(file)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folder_module, "read_picture", slow)
            yield

    return Opened(FolderSource(path, stereo, fps=10), _clock(0.1), stall, 1 + stereo)


def _open_video(path: Path, stereo: bool) -> Opened:
    @contextmanager
    def stall(free: threading.Event) -> Iterator[None]:
        plain = VideoReader._decoded

        def slow(reader: VideoReader) -> Iterator[Any]:
            for frame in plain(reader):
                free.wait(30)
                yield frame

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(VideoReader, "_decoded", slow)
            yield

    return Opened(VideoSource(write_clip(path / "a.mp4", 30, SIZE, fps=10), stereo), _clock(0.1), stall, 1 + stereo)


def _open_camera(path: Path, stereo: bool) -> Opened:
    camera = FakeCamera(SIZE)

    def advance() -> float:
        seen = camera.count
        while camera.count < seen + 2:
            time.sleep(0.001)
        return time.monotonic()

    @contextmanager
    def stall(free: threading.Event) -> Iterator[None]:
        camera.unplug("hang")
        yield
        camera.plug()
        camera.free()

    source = CameraSource(camera.open, "webcam:0", stereo, CameraPatience(stall=0.5))
    return Opened(source, advance, stall, 1 + stereo, [camera.free])


BACKENDS: dict[str, Callable[[Path], Opened]] = {
    f"{name}{'-stereo' if stereo else ''}": partial(opener, stereo=stereo)
    for name, opener in (
        ("image", _open_image),
        ("folder", _open_folder),
        ("video", _open_video),
        ("camera", _open_camera),
    )
    for stereo in (False, True)
}


@pytest.fixture(params=BACKENDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    result = BACKENDS[request.param](tmp_path)
    yield result
    for close in (*result.close, result.source.close):
        close()


def newer(opened: Opened, than: HostFrame | GlFrame) -> HostFrame | GlFrame | None:
    """A picture after `than`; None when the source has only one. Threads may take a moment to bring it."""
    if opened.advance is None:
        return None
    frame = than
    for _ in range(2000):
        frame = opened.source.read(request(opened.advance()))
        if frame is not than:
            break
        time.sleep(0.001)
    return frame


def test_pictures_have_the_documented_form(opened: Opened) -> None:
    frame = opened.source.read(request(0.0))
    if isinstance(frame, GlFrame):
        assert frame.color[0].size == frame.color[1].size
        return
    width = SIZE[0] // opened.eyes
    assert frame.rgb_EHWC.dtype == np.uint8
    assert frame.rgb_EHWC.shape == (opened.eyes, SIZE[1], width, 3)
    assert frame.rgb_EHWC.flags.c_contiguous


def test_the_sequence_rises_with_new_pictures_alone(opened: Opened) -> None:
    frame = opened.source.read(request(0.0))
    for _ in range(4):
        fresh = newer(opened, frame)
        if fresh is None:
            assert opened.source.read(request(60.0)) is frame
            return
        assert fresh is not frame
        assert fresh.sequence > frame.sequence
        assert fresh.captured_at >= frame.captured_at
        if isinstance(fresh, HostFrame) and isinstance(frame, HostFrame):
            assert not np.array_equal(fresh.rgb_EHWC, frame.rgb_EHWC)
        frame = fresh


def test_nothing_newer_is_the_same_object(opened: Opened) -> None:
    free = threading.Event()
    if opened.stall is None:
        first = opened.source.read(request(0.0))
        assert opened.source.read(request(0.0)) is first
        return
    with opened.stall(free):
        deadline = time.monotonic() + 20
        first = opened.source.read(request(0.0))
        while (again := opened.source.read(request(0.0))) is not first and time.monotonic() < deadline:
            first = again  # what was on its way when the stall began
            time.sleep(0.05)
        assert opened.source.read(request(0.0)) is first
        free.set()


def test_the_eyes_of_the_request_are_passed_through(opened: Opened) -> None:
    asked = request(0.0, x=1.25)
    assert opened.source.read(asked).eyes is asked.eyes


def test_reading_does_not_wait_for_a_supply_that_hangs(opened: Opened) -> None:
    if opened.stall is None or opened.advance is None:
        pytest.skip("this source has nothing that could hang")
    free = threading.Event()
    opened.source.read(request(0.0))
    rescue = threading.Timer(10.0, free.set)
    rescue.start()
    with opened.stall(free):
        for step in range(1, 200):
            opened.source.read(request(0.1 * step))
        assert not free.is_set(), "the reads lasted as long as the stall"
        free.set()
    rescue.cancel()


def test_closing_twice_is_harmless(opened: Opened) -> None:
    before = threading.active_count()
    opened.source.read(request(0.0))
    opened.source.close()
    opened.source.close()
    assert threading.active_count() <= before


def test_a_source_has_a_name(opened: Opened) -> None:
    assert opened.source.name
