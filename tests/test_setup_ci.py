"""The checks of continuous integration, checked: they must fail on what they are there to catch."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

CI = Path(__file__).resolve().parent.parent / ".ci"
SIZE = (320, 176)
FRAMES = 66


def load_check_demo():
    spec = importlib.util.spec_from_file_location("check_demo", CI / "check_demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_demo = load_check_demo()


def plain_frame(number: int) -> np.ndarray:
    """Smooth bands that wander to the right."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    bands = [128 + 100 * np.sin((x + 3 * number) / wave + y / 40) for wave in (17, 29, 41)]
    return np.stack(bands, axis=-1).astype(np.uint8)


def painted_frame(number: int) -> np.ndarray:
    return (255 - plain_frame(number)) // 2 + 60


def write_video(path: Path, pictures: list[np.ndarray], quality: int = 23) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30, options={"crf": str(quality)})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    write_video(path, [plain_frame(number) for number in range(FRAMES)], quality=30)
    return path


def demo(folder: Path, pictures: list[np.ndarray], **stats) -> Path:
    write_video(folder / "demo.mp4", pictures)
    Image.fromarray(pictures[-1]).save(folder / "demo.png")
    facts = {"frames": FRAMES, "eye_size": [SIZE[0] // 2, SIZE[1]], **stats}
    (folder / "demo.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def good() -> list[np.ndarray]:
    return [painted_frame(number) for number in range(FRAMES)]


def test_a_good_demo_has_no_faults(tmp_path, good, plain):
    assert check_demo.faults(demo(tmp_path, good), plain) == []


def test_a_lost_frame_is_found(tmp_path, good, plain):
    [fault] = check_demo.faults(demo(tmp_path, good[:-1]), plain)
    assert f"{FRAMES - 1} frames" in fault


def test_a_blank_frame_is_found(tmp_path, good, plain):
    good[20] = np.full_like(good[20], 90)
    assert any("[20] are blank" in fault for fault in check_demo.faults(demo(tmp_path, good), plain))


def test_a_standing_picture_is_found(tmp_path, good, plain):
    good[30:] = [good[30]] * (FRAMES - 30)
    assert any("nothing moves" in fault for fault in check_demo.faults(demo(tmp_path, good), plain))


@pytest.mark.parametrize("shift", [0, 3])
def test_an_unstylized_demo_is_found_even_when_it_is_encoded_otherwise_and_shifted(tmp_path, plain, shift):
    pictures = [plain_frame(number + shift) for number in range(FRAMES)]
    faults = check_demo.faults(demo(tmp_path, pictures), plain)
    assert any("are unstylized" in fault for fault in faults), faults


def test_a_single_unstylized_frame_is_found(tmp_path, good, plain):
    good[4] = plain_frame(4)
    [fault] = check_demo.faults(demo(tmp_path, good), plain)
    assert "[4]" in fault and "unstylized" in fault


def test_a_short_walk_is_found(tmp_path, good, plain):
    [fault] = check_demo.faults(demo(tmp_path, good), plain, FRAMES + 1)
    assert f"the walk has {FRAMES + 1}" in fault


def test_wrong_sizes_are_found(tmp_path, good, plain):
    folder = demo(tmp_path, good, eye_size=[SIZE[0], SIZE[1]])
    Image.fromarray(good[0][:, :50]).save(folder / "demo.png")
    faults = check_demo.faults(folder, plain)
    assert [fault.split(" is ")[0] for fault in faults] == ["demo.mp4", "demo.png"]


def test_the_demo_is_described_for_its_plain_twin(tmp_path, good):
    run = subprocess.run(
        [sys.executable, str(CI / "check_demo.py"), "--describe", str(demo(tmp_path, good))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == [str(FRAMES), f"{SIZE[0]}x{SIZE[1]}", "30"]


@pytest.mark.parametrize(("kind", "code"), [("painted", 0), ("plain", 1)])
def test_the_exit_code_tells(tmp_path, good, plain, kind, code):
    pictures = good if kind == "painted" else [plain_frame(number) for number in range(FRAMES)]
    command = [sys.executable, str(CI / "check_demo.py"), str(demo(tmp_path, pictures)), str(plain)]
    assert subprocess.run(command, capture_output=True).returncode == code


SKIPPING = """
import pytest

@pytest.mark.window
@pytest.mark.skipif(True, reason="there is no Xvfb")
def test_window(): pass

@pytest.mark.gpu
def test_gpu(): pytest.skip("there is no GPU")

@pytest.mark.window
@pytest.mark.xfail(reason="known")
def test_known(): raise ValueError

def test_plain(): pass
"""


def run_pytest(folder: Path, marks: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  window: w\n  gpu: g\n  xr: x\n")
    environment = {**os.environ, "PYTHONPATH": str(CI), "ARTEM_VR_NO_SKIPS": marks}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no_skips", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def test_a_skip_with_a_named_mark_fails_and_others_stay_skips(tmp_path):
    (tmp_path / "test_some.py").write_text(SKIPPING)
    run = run_pytest(tmp_path, "window,xr")
    assert run.returncode == 1
    assert "1 passed, 1 skipped, 1 xfailed, 1 error" in run.stdout  # a skip before the test begins is an error
    assert "may not be skipped here: " in run.stdout
    assert "there is no Xvfb" in run.stdout


def test_without_the_variable_skips_stay_skips(tmp_path):
    (tmp_path / "test_some.py").write_text(SKIPPING)
    run = run_pytest(tmp_path, "")
    assert run.returncode == 0
    assert "1 passed, 2 skipped, 1 xfailed" in run.stdout


def test_a_file_that_skips_itself_fails_too(tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import pytest\npytestmark = pytest.mark.xr\npytest.importorskip('no_such_package')\ndef test_it(): pass\n"
    )
    run = run_pytest(tmp_path, "window,xr")
    assert run.returncode != 0
    assert "a file marked xr may not be skipped here" in run.stdout
