import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_camera import Failure, FakeCamera
from media_samples import numbered, request

from artem_vr.errors import InputError
from artem_vr.sources import capture
from artem_vr.sources.camera import CameraPatience, CameraSource

QUICK = CameraPatience(opening=2.0, stall=0.2, retry_first=0.02, retry_last=0.1)


@pytest.fixture
def camera() -> Iterator[FakeCamera]:
    camera = FakeCamera()
    yield camera
    camera.free()


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Waits for what another thread does; the limit is far above what it takes."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def test_pictures_arrive_as_rgb_with_their_time(camera: FakeCamera) -> None:
    before = time.monotonic()
    source = CameraSource(camera.open, "webcam:0")
    frame = source.read(request(123.0))
    source.close()
    assert frame.rgb_EHWC.shape == (1, 48, 64, 3)
    assert before <= frame.captured_at <= time.monotonic()


def test_colours_are_not_swapped(camera: FakeCamera) -> None:
    class Red:
        size, fps = (4, 4), 100.0

        def read(self) -> tuple[bool, np.ndarray]:
            time.sleep(0.005)
            return True, np.full((4, 4, 3), (0, 10, 250), np.uint8)

        def release(self) -> None: ...

    source = CameraSource(Red, "webcam:0")
    assert source.read(request(0)).rgb_EHWC[0, 0, 0].tolist() == [250, 10, 0]
    source.close()


def test_only_the_newest_picture_is_kept(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "webcam:0")
    first = source.read(request(0))
    seen = camera.count
    assert eventually(lambda: camera.count >= seen + 5)
    second = source.read(request(0))
    source.close()
    assert second.sequence == first.sequence + 1
    newest = camera.count
    pictures = [numbered(number % 30) for number in range(seen + 4, newest + 1)]
    assert any(np.array_equal(second.rgb_EHWC[0], picture) for picture in pictures)


def test_stereo_camera_gives_two_eyes(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "stereo:0", stereo=True)
    eyes = source.read(request(0)).rgb_EHWC
    source.close()
    assert eyes.shape == (2, 48, 32, 3)
    assert not np.array_equal(eyes[0], eyes[1])


@pytest.mark.parametrize("failure", ["false", "raise", "hang"])
def test_an_unplugged_camera_is_waited_for_while_its_last_picture_stays(
    camera: FakeCamera, failure: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        source = CameraSource(camera.open, "webcam:0", patience=QUICK)
        camera.unplug(failure)
        assert eventually(lambda: not source.connected)
        last = source.read(request(0))
        time.sleep(3 * QUICK.retry_last)
        assert source.read(request(1)) is last
        camera.free()
        camera.plug()
        assert eventually(lambda: source.connected)
        fresh = source.read(request(2))
        source.close()
    assert fresh.sequence == last.sequence + 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "webcam:0 is lost" in messages[0]
    assert messages[1] == "webcam:0 is back"
    assert camera.released == camera.opened == 2


def test_a_camera_that_hangs_for_ever_is_opened_anew(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "webcam:0", patience=QUICK)
    camera.unplug("hang")
    assert eventually(lambda: not source.connected)
    camera.plug()  # the first read still hangs
    assert eventually(lambda: source.connected)
    assert camera.opened == 2
    number = source.read(request(0)).sequence
    assert eventually(lambda: source.read(request(0)).sequence > number)
    source.close()


def test_it_may_come_back_with_another_size(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "webcam:0", patience=QUICK)
    assert source.read(request(0)).rgb_EHWC.shape == (1, 48, 64, 3)
    camera.unplug("false")
    assert eventually(lambda: not source.connected)
    camera.plug(size=(32, 20))
    assert eventually(lambda: source.connected)
    assert source.read(request(0)).rgb_EHWC.shape == (1, 20, 32, 3)
    source.close()


def test_a_few_failed_reads_are_no_loss(camera: FakeCamera, caplog: pytest.LogCaptureFixture) -> None:
    flaky = iter([True, False, False, True, False, True] * 1000)

    class Flaky:
        size, fps = (4, 4), 100.0

        def read(self) -> tuple[bool, np.ndarray | None]:
            time.sleep(0.002)
            return (True, np.zeros((4, 4, 3), np.uint8)) if next(flaky) else (False, None)

        def release(self) -> None: ...

    source = CameraSource(Flaky, "webcam:0")
    assert eventually(lambda: source.read(request(0)).sequence > 5)
    assert source.connected
    source.close()
    assert not caplog.records


def test_tries_to_reopen_get_rarer(camera: FakeCamera) -> None:
    tries: list[float] = []

    def open_capture() -> object:
        tries.append(time.monotonic())
        return camera.open()

    patience = CameraPatience(stall=0.2, retry_first=0.01, retry_last=0.2)
    source = CameraSource(open_capture, "webcam:0", patience=patience)  # type: ignore[arg-type]
    camera.unplug("false")
    assert eventually(lambda: len(tries) >= 8)
    source.close()
    pauses = np.diff(tries[1:])
    assert pauses[-1] > 3 * pauses[0]


def test_closing_ends_the_threads_also_between_tries(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "webcam:0", patience=CameraPatience(stall=0.2, retry_first=60, retry_last=60))
    camera.unplug("false")
    assert eventually(lambda: not source.connected)
    source.close()
    source.close()
    assert not source._thread.is_alive()
    assert camera.released == camera.opened


def test_closing_does_not_wait_for_a_read_that_hangs(camera: FakeCamera) -> None:
    source = CameraSource(camera.open, "webcam:0", patience=QUICK)
    camera.unplug("hang")
    assert eventually(lambda: not source.connected)
    source.close()
    assert not camera.freed.is_set(), "the read still hangs"
    camera.free()
    assert eventually(lambda: camera.released == camera.opened)


def test_no_camera_at_the_start_is_one_line(camera: FakeCamera) -> None:
    camera.unplug("false")
    before = threading.active_count()
    with pytest.raises(InputError, match="no camera 7: cameras found: none; or try --source scene"):
        CameraSource(camera.open, "webcam:7")
    assert eventually(lambda: threading.active_count() <= before)


def test_a_camera_without_pictures_is_refused(camera: FakeCamera) -> None:
    def silent() -> object:
        opened = camera.open()
        camera.unplug("false")
        return opened

    with pytest.raises(InputError, match="gives no pictures"):
        CameraSource(silent, "webcam:7", patience=QUICK)  # type: ignore[arg-type]
    assert camera.released == 1


def test_a_driver_that_raises_is_one_line(camera: FakeCamera) -> None:
    def broken() -> FakeCamera:
        raise OSError("resource busy")

    with pytest.raises(InputError, match="webcam:7 cannot be used: resource busy"):
        CameraSource(broken, "webcam:7")  # type: ignore[arg-type]


def test_grey_and_four_channel_cameras(camera: FakeCamera) -> None:
    for picture in (np.full((4, 6), 77, np.uint8), np.full((4, 6, 1), 77, np.uint8), np.full((4, 6, 4), 77, np.uint8)):

        class Odd:
            size, fps = (6, 4), 100.0
            picture_of_mine = picture

            def read(self) -> tuple[bool, np.ndarray]:
                time.sleep(0.005)
                return True, self.picture_of_mine

            def release(self) -> None: ...

        source = CameraSource(Odd, "webcam:0")
        assert source.read(request(0)).rgb_EHWC.shape == (1, 4, 6, 3)
        assert source.read(request(0)).rgb_EHWC.max() == 77
        source.close()


class FakeDevice:
    """What `cv2.VideoCapture` is to `open_webcam`."""

    def __init__(self, opened: bool = True) -> None:
        self.asked: list[tuple[int, float]] = []
        self.opened, self.released = opened, False
        self.given = {capture.cv2.CAP_PROP_FRAME_WIDTH: 1280.0, capture.cv2.CAP_PROP_FRAME_HEIGHT: 480.0}

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def set(self, what: int, value: float) -> bool:
        self.asked.append((what, value))
        return True

    def get(self, what: int) -> float:
        return self.given.get(what, 25.0)

    def release(self) -> None:
        self.released = True


def test_open_webcam_asks_and_reports_what_it_got(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    device = FakeDevice()
    monkeypatch.setattr(capture, "_may_exist", lambda index: True)
    monkeypatch.setattr(capture.cv2, "VideoCapture", lambda index, backend: device)
    with caplog.at_level(logging.INFO):
        webcam = capture.open_webcam(3, (2560, 720), 60)
    kinds = [what for what, _ in device.asked]
    assert kinds.index(capture.cv2.CAP_PROP_FOURCC) < kinds.index(capture.cv2.CAP_PROP_FRAME_WIDTH)
    assert (capture.cv2.CAP_PROP_FRAME_HEIGHT, 720.0) in device.asked
    assert (capture.cv2.CAP_PROP_FPS, 60) in device.asked
    assert webcam.size == (1280, 480)
    assert webcam.fps == 25.0
    assert "camera 3 gives 1280x480 at 25 frames a second" in caplog.text


def test_small_pictures_need_no_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice()
    monkeypatch.setattr(capture, "_may_exist", lambda index: True)
    monkeypatch.setattr(capture.cv2, "VideoCapture", lambda index, backend: device)
    capture.open_webcam(0, (640, 480))
    assert capture.cv2.CAP_PROP_FOURCC not in [what for what, _ in device.asked]


def test_a_busy_camera_and_a_missing_one_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice(opened=False)
    monkeypatch.setattr(capture, "_may_exist", lambda index: index == 0)
    monkeypatch.setattr(capture, "list_cameras", lambda: [(0, "Front Camera")])
    monkeypatch.setattr(capture.cv2, "VideoCapture", lambda index, backend: device)
    with pytest.raises(InputError, match="another program"):
        capture.open_webcam(0)
    assert device.released
    with pytest.raises(InputError, match=r"no camera 4: cameras found: 0 \(Front Camera\); or try --source scene"):
        capture.open_webcam(4)
    with pytest.raises(InputError, match="no camera -1"):
        capture.open_webcam(-1)


def test_cameras_as_linux_lists_them(tmp_path: Path) -> None:
    for node, index, name in (("video2", "0", "Stereo"), ("video0", "0", "Front"), ("video1", "1", "Front")):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(index + "\n")
        (tmp_path / node / "name").write_text(name + "\n")
    assert capture._listed_by_linux(tmp_path) == [(0, "Front"), (2, "Stereo")]
    assert capture._listed_by_linux(tmp_path / "none") == []
