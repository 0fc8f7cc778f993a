"""The timeline of a run: what is in it, how it is written, and that it comes with the other outputs or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CommandLine
from PIL import Image
from strict_trace import check_events, named, on_track, read_trace, slices_at, thread

from artem_vr import outputs
from artem_vr.camera import Pose, stereo_views
from artem_vr.config import PreviewOptions, check
from artem_vr.errors import DisplayError, UsageError
from artem_vr.frame import PaintedFrame, TensorFrame
from artem_vr.live import preview
from artem_vr.stylizer import Painting
from artem_vr.trace import Trace
from artem_vr.trace_format import trace_events, write_trace

STAGES = ["wait", "source", "download", "upload", "compose", "show"]
EYES = stereo_views(Pose((0, 0, 0)), (4, 4))


def painted(sequence: int, captured_at: float) -> PaintedFrame:
    pixels = np.zeros((2, 6, 4, 3), np.uint8)
    return PaintedFrame(TensorFrame(sequence, captured_at, pixels, EYES), pixels, 0)


class Clock:
    """Both of the program's clocks, `apart` from each other, at the same moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, apart: float = 0.0) -> None:
        self.now = 50.0
        monkeypatch.setattr("artem_vr.trace.time.perf_counter", lambda: self.now)
        monkeypatch.setattr("artem_vr.trace.time.monotonic", lambda: self.now - apart)


class Scene:
    """Frames of ten milliseconds: a picture is taken in each, and painted while the next one is shown."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock, self.trace = clock, Trace(**options)
        self.last: PaintedFrame | None = None

    def frame(self, number: int, captured_at: float | None = None) -> None:
        trace, start = self.trace, 50 + number / 100
        self.clock.now = start + 0.001
        trace.picture_taken(number)
        trace.stage("source", start, start + 0.002)
        trace.gpu_stage("source", start + 0.001, start + 0.004)
        trace.stage("show", start + 0.006, start + 0.009)
        trace.frame_shown(self.last, 12.0 if self.last else None, 1 if self.last else None)
        trace.stage("frame", start, start + 0.0095, {"frame": number})
        self.last = painted(number, start if captured_at is None else captured_at)
        trace.painting(Painting(self.last, start + 0.003, start + 0.008, 4.25))

    @property
    def events(self) -> list[dict[str, Any]]:
        events = list(trace_events(self.trace.records))
        check_events(events)
        return events


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(Clock(monkeypatch))


def test_a_painting_says_what_was_painted_and_how(scene: Scene):
    scene.frame(0)
    (paint,) = on_track(scene.events, "stylizer")
    assert paint["args"] == {"picture": 0, "revision": 0, "net_size": "4x6", "gpu_ms": 4.25}
    assert (paint["ts"], paint["dur"]) == (3000, 5000)


def test_an_arrow_ties_a_picture_to_its_painting_and_to_where_it_was_seen_first(scene: Scene):
    for number in range(3):
        scene.frame(number)
    events = scene.events
    starts, steps, ends = (named(events, phase) for phase in "stf")
    assert [event["ts"] for event in starts] == [1000, 11_000]
    assert [slices_at(events, event) for event in starts] == [["frame", "source"]] * 2
    assert [slices_at(events, event) for event in steps] == [["paint"]] * 2
    assert [slices_at(events, event) for event in ends] == [["frame", "show"]] * 2
    assert [event["ts"] for event in ends] == [17_500, 27_500]


def test_paint_that_is_shown_again_has_arrived_already(scene: Scene):
    scene.frame(0)
    first = scene.last
    scene.frame(1)
    scene.last = first
    scene.frame(2)
    assert len(named(scene.events, "s")) == 1


def test_the_age_reaches_from_the_capture_to_the_end_of_showing(monkeypatch: pytest.MonkeyPatch):
    apart = 1000.0
    scene = Scene(Clock(monkeypatch, apart))
    scene.frame(0, captured_at=50 - 0.030 - apart)  # a camera's picture, 30 ms before the frame that took it
    scene.frame(1)
    events = scene.events
    (begin,), (end,) = named(events, "b"), named(events, "e")
    assert end["ts"] - begin["ts"] == pytest.approx(30_000 + 19_000, abs=1)
    assert begin["ts"] == 0 and begin["args"] == {"picture": 0, "revision": 0, "age_ms": 12.0}
    assert named(events, "X", "frame")[0]["ts"] == pytest.approx(30_000, abs=1)


@pytest.mark.parametrize(("simulated", "captured_at"), [(True, 1.0), (False, 99.0)])
def test_a_capture_in_another_time_begins_where_it_is_taken(monkeypatch, simulated: bool, captured_at: float):
    scene = Scene(Clock(monkeypatch), simulated=simulated)
    scene.frame(0, captured_at)
    scene.frame(1)
    assert named(scene.events, "b")[0]["ts"] == 1000


def test_counters_follow_the_age(scene: Scene):
    scene.frame(0)
    assert named(scene.events, "C") == []
    scene.frame(1)
    counters = {event["name"]: event["args"] for event in named(scene.events, "C")}
    assert counters == {"age of the paint": {"ms": 12.0}, "behind the source": {"pictures": 1}}


def test_spans_of_the_gpu_never_lie_on_each_other():
    trace = Trace()
    trace.gpu_stage("source", 1.0, 2.0)
    trace.gpu_stage("compose", 1.5, 2.5)  # the clocks were compared anew
    trace.gpu_stage("show", 0.5, 0.75)
    events = list(trace_events(trace.records))
    check_events(events)
    spans = [(event["name"], event["ts"], event["dur"]) for event in on_track(events, "GPU (OpenGL)")]
    assert spans == [("source", 0, 1e6), ("compose", 1e6, 0.5e6), ("show", 1.5e6, 0)]


def test_memory_is_bounded_and_the_file_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    scene = Scene(Clock(monkeypatch), limit=40)
    for number in range(50):
        scene.frame(number)
        assert len(scene.trace.records) <= 40
    path = tmp_path / "t.json"
    write_trace(scene.trace, {"engine": "torch", "frames": 50}, path)
    document = read_trace(path)
    frames = named(document["traceEvents"], "X", "frame")
    assert [event["args"]["frame"] for event in frames] == list(range(50 - len(frames), 50)) and len(frames) >= 4
    assert len(named(document["traceEvents"], "s")) >= 3
    assert document["otherData"]["engine"] == "torch" and "frames" not in document["otherData"]
    assert document["otherData"]["dropped"] == scene.trace.dropped > 300
    assert f"the oldest {scene.trace.dropped} records" in document["otherData"]["note"]


def test_a_run_without_frames_has_a_valid_trace(tmp_path: Path):
    write_trace(Trace(), {}, tmp_path / "t.json")
    document = read_trace(tmp_path / "t.json")
    assert document["otherData"] == {"dropped": 0}
    assert {event["ph"] for event in document["traceEvents"]} == {"M"}


def options(folder: Path, **changes: Any) -> PreviewOptions:
    given = {"size": (128, 64), "net_size": (32, 32), "headless": True, "frames": 8, "trace": folder / "t.json"}
    return PreviewOptions(**{**given, **changes})


def test_a_preview_leaves_every_stage_of_every_frame(tmp_path: Path):
    figures = preview(options(tmp_path))
    document = read_trace(tmp_path / "t.json")
    events = document["traceEvents"]
    display = on_track(events, "display")
    frames = named(display, "X", "frame")
    assert [event["args"]["frame"] for event in frames] == list(range(8))
    for frame in frames:
        inside = [e["name"] for e in display if frame["ts"] <= e["ts"] < frame["ts"] + frame["dur"]]
        assert [name for name in inside if name in STAGES] == STAGES
    assert len(on_track(events, "stylizer")) >= len(named(events, "s")) >= 1
    assert len(named(events, "C", "age of the paint")) == 8
    assert document["otherData"]["net_size"] == [32, 32]
    gpu = {event["name"] for event in on_track(events, "GPU (OpenGL)")}
    assert gpu == figures["gpu_ms"].keys()
    assert not gpu or gpu == {"source", "download", "upload", "compose", "show"}
    assert thread(events, "display") < thread(events, "GPU (OpenGL)")


def test_a_simulated_clock_has_a_valid_trace_too(tmp_path: Path):
    preview(options(tmp_path, fps=30.0, frames=4))
    events = read_trace(tmp_path / "t.json")["traceEvents"]
    assert len(named(events, "s")) == 4 and len(on_track(events, "stylizer")) == 4


def test_without_a_wish_for_figures_nothing_is_timed_on_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("artem_vr.instruments.open_timer", lambda *arguments: pytest.fail("a timer was opened"))
    assert preview(options(tmp_path, trace=None, frames=2))["gpu_ms"] == {}


def test_the_trace_appears_with_the_other_outputs_or_none_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments: Any) -> None:
        raise DisplayError("cannot write t.json: No space left on device")

    monkeypatch.setattr(outputs, "write_trace", full)
    with pytest.raises(DisplayError, match="No space"):
        preview(options(tmp_path, stats=tmp_path / "s.json", snapshot=tmp_path / "s.png", frames=2))
    assert list(tmp_path.iterdir()) == []


def test_a_place_for_the_trace_is_looked_at_before_anything_opens(tmp_path: Path):
    with pytest.raises(UsageError, match=r"--trace .*no folder"):
        check(options(tmp_path / "missing"))
    with pytest.raises(UsageError, match=r"--trace .*is a folder"):
        check(options(tmp_path, trace=tmp_path))
    with pytest.raises(UsageError, match=r"--trace .*is --stats already"):
        check(options(tmp_path, stats=tmp_path / "t.json"))
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    with pytest.raises(UsageError, match=r"--trace .*is the source already"):
        check(options(tmp_path, source=f"image:{photo}", trace=photo))
    assert list(tmp_path.iterdir()) == [photo]


@pytest.mark.parametrize("command", [("preview", "--headless", "--frames", "1"), ("vr",)])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trace", "missing/t.json"), "no folder"),
        (("--stats", "t.json", "--trace", "t.json"), "--trace t.json is --stats already"),
        (("--trace", "."), "is a folder"),
    ],
)
def test_a_mistake_is_one_line(
    command: tuple[str, ...], arguments: tuple[str, ...], said: str, tmp_path: Path, command_line: CommandLine
):
    result = command_line(*command, *arguments, cwd=tmp_path)
    assert result.returncode == 2 and said in result.stderr, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_strict_reader_reads_strictly(scene: Scene):
    """Were it lenient, the tests above would show nothing."""
    for number in range(3):
        scene.frame(number)
    for spoil in (
        lambda event: event.update(dur=-1.0) if event["ph"] == "X" else None,
        lambda event: event.update(ts=-1.0) if event["ph"] != "M" else None,
        lambda event: event.update(id=77) if event["ph"] == "f" else None,
        lambda event: event.update(dur=event["dur"] + 4000) if event["name"] == "show" else None,
        lambda event: event.update(tid=9) if event["ph"] == "X" else None,
        lambda event: event.update(ts=event["ts"] + 60_000) if event["ph"] == "f" else None,
    ):
        events = json.loads(json.dumps(scene.events))
        for event in events:
            spoil(event)
        with pytest.raises((AssertionError, KeyError)):
            check_events(events)
