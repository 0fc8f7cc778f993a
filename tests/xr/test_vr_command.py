"""The command in a process of its own, in a real session."""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monado import Runtime, Service
from PIL import Image
from remote import Remote
from strict_trace import named, on_track, read_trace

pytestmark = [pytest.mark.xr, pytest.mark.usefixtures("no_welcome")]


def command(runtime: Runtime, *arguments: str) -> list[str]:
    return [*runtime.prefix, "-m", "artem_vr", "vr", *arguments]


@dataclass(frozen=True)
class Run:
    """What a run of the command has left in its folder, and what it said."""

    folder: Path
    output: str

    def report(self) -> dict[str, Any]:
        """Its figures."""
        figures: dict[str, Any] = json.loads((self.folder / "s.json").read_text())
        return figures


@pytest.fixture(scope="module")
def run(null_service: Service, runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A hundred frames with every output: what a start shows takes ten seconds, so that one shows it all."""
    folder = tmp_path_factory.mktemp("run")
    if not null_service.is_running:
        null_service.start()
    with Remote():
        done = subprocess.run(
            command(
                runtime, "--frames", "100", "--style", "great-wave", "--net-size", "160x128", "--foveated",
                "--record", str(folder / "eyes.mp4"), "--snapshot", str(folder / "eyes.png"),
                "--stats", str(folder / "s.json"), "--trace", str(folder / "t.json"),
            ),
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Run(folder, done.stdout)


def test_the_command_leaves_a_film_a_picture_and_figures(run: Run) -> None:
    assert "100 frames of 2 x 320x240" in run.output
    report = run.report()
    assert report["frames"] == 100
    assert report["net_size"] == [80, 64] and report["comfort"]["periphery"] == 2
    assert report["pictures"] in (2, 4), "of one eye for both, or of each"
    assert report["eye_size"] == [320, 240]
    assert report["missed_frames"] >= 0
    assert report["age_ms"]["p50"] > 0
    assert {"wait", "source", "compose", "show", "network"} <= set(report["stages_ms"])
    picture = Image.open(run.folder / "eyes.png")
    assert picture.size == (640, 240)
    assert np.asarray(picture).std() > 20, "painted, and no longer dark"
    assert (run.folder / "eyes.mp4").stat().st_size > 5000


def test_it_leaves_a_timeline(run: Run) -> None:
    assert f"wrote {run.folder / 't.json'}" in run.output
    events = read_trace(run.folder / "t.json")["traceEvents"]
    assert len(named(on_track(events, "display"), "X", "frame")) == 100
    gpu_ms = run.report()["gpu_ms"]
    assert gpu_ms.keys() == {event["name"] for event in on_track(events, "GPU (OpenGL)")}
    assert not gpu_ms or {"source", "compose", "show"} <= gpu_ms.keys()
    assert len(on_track(events, "stylizer")) >= len(named(events, "s"))


def test_ctrl_c_ends_the_show_in_good_order(service: Service, remote: Remote, runtime: Runtime, tmp_path: Path) -> None:
    figures = tmp_path / "s.json"
    # A shell that runs the tests in the background has told them to ignore Ctrl-C, and their children would, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    show = subprocess.Popen(
        command(runtime, "--strength", "0", "--stats", str(figures)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    try:
        time.sleep(6)
        assert show.poll() is None
        show.send_signal(signal.SIGINT)
        output, errors = show.communicate(timeout=20)
    finally:
        show.kill()
    assert show.returncode == 0, errors
    assert "Traceback" not in errors
    assert json.loads(figures.read_text())["frames"] > 0
    assert "shown" in output
