"""The command in a process of its own, in a real session."""

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from monado import Runtime, Service
from PIL import Image
from remote import Remote

pytestmark = [pytest.mark.xr, pytest.mark.usefixtures("no_welcome")]

GOLDEN = Path(__file__).parent / "golden"
"""Made by these tests themselves, with ARTEM_VR_NEW_GOLDEN=1, when the scene has changed; look at them then."""
TOLERANCE = 3.0
"""Mean difference of 255 to a golden image: another version of Mesa rounds otherwise, and leaves move with the time."""


def command(runtime: Runtime, *arguments: str) -> list[str]:
    return [*runtime.prefix, "-m", "artem_vr", "vr", *arguments]


def test_the_command_leaves_a_film_a_picture_and_figures(
    service: Service, remote: Remote, runtime: Runtime, tmp_path: Path
) -> None:
    film, picture, figures = tmp_path / "eyes.mp4", tmp_path / "eyes.png", tmp_path / "s.json"
    done = subprocess.run(
        command(
            runtime, "--frames", "100", "--style", "great-wave", "--net-size", "160x128",
            "--record", str(film), "--snapshot", str(picture), "--stats", str(figures),
        ),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "100 frames of 2 x 320x240" in done.stdout
    report = json.loads(figures.read_text())
    assert report["frames"] == 100
    assert report["net_size"] == [160, 128]
    assert report["eye_size"] == [320, 240]
    assert report["missed_frames"] >= 0
    assert report["age_ms"]["p50"] > 0
    assert {"wait", "source", "compose", "show", "network"} <= set(report["stages_ms"])
    assert Image.open(picture).size == (640, 240)
    assert np.asarray(Image.open(picture)).std() > 20, "painted, and no longer dark"
    assert film.stat().st_size > 5000


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
