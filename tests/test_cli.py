"""The command line as a person meets it: what it does, and what it says when something is wrong."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from banks import random_adain_bank
from PIL import Image

from artem_vr.engines.torch import TorchEngine
from artem_vr.picture_styles import open_bank
from artem_vr.styles import StyleBank

ROOT = Path(__file__).parents[1]
BANK = StyleBank.load().path
NAMES = StyleBank.load().names


def run(*arguments, cwd=None, **environment):
    """In a process of its own, where that is the point; in this one, `command_line` does the same in less time."""
    command = [sys.executable, "-m", "artem_vr", *map(str, arguments)]
    variables = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=200, env=variables)


def expect_one_line(result, *said):
    """Exit code 2, one line that holds all of `said`, no traceback."""
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for text in said:
        assert text in lines[0]


@pytest.fixture
def photo(tmp_path):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8))
    path = tmp_path / "photo.png"
    coarse.resize((96, 72), Image.Resampling.BICUBIC).save(path)
    return path


def test_help_names_every_command():
    result = run("--help")
    assert result.returncode == 0
    for command in ("preview", "vr", "stylize", "styles", "bench", "doctor", "train", "demo"):
        assert command in result.stdout


def test_version():
    assert run("--version").stdout.startswith("artem-vr ")


def test_styles_lists_all_and_shows_one(command_line):
    rows = json.loads(run("styles", "--json").stdout)
    assert [row["name"] for row in rows] == NAMES
    one = json.loads(command_line("styles", NAMES[1], "--json").stdout)
    assert one == rows[1] and one["artist"]
    assert NAMES[2] in command_line("styles").stdout


@pytest.mark.parametrize(("options", "pictures", "net_size"), [
    (("--foveated",), 2, [32, 48]), (("--periphery", "quarter", "--stereo", "both"), 6, [16, 24]),
])  # fmt: skip
def test_foveated_the_preview_paints_more_and_smaller_pictures(command_line, tmp_path, options, pictures, net_size):
    stats, snapshot = tmp_path / "s.json", tmp_path / "s.png"
    asked = "--size", "128x96", "--net-size", "64x96", "--frames", 3, "--stereo", "one", "--fps", 30
    result = command_line("preview", "--headless", *asked, *options, "--stats", stats, "--snapshot", snapshot)
    assert result.returncode == 0, result.stderr
    report = json.loads(stats.read_text())
    assert (report["pictures"], report["net_size"]) == (pictures, net_size)
    assert report["comfort"]["periphery"] == {2: 2, 6: 4}[pictures]
    assert np.asarray(Image.open(snapshot)).std() > 15


def test_foveated_painting_is_refused_where_the_middle_cannot_be_a_part_of_the_whole(command_line, tmp_path, photo):
    adain = random_adain_bank(tmp_path)
    for asked in (("--engine", "onnxruntime"), ("--model", adain.path, "--style", adain.names[0])):
        result = command_line(
            "preview", "--headless", "--source", f"image:{photo}", "--frames", 1, "--size", "128x64", "--net-size",
            "64x64", "--foveated", *asked, "--snapshot", tmp_path / "s.png",
        )  # fmt: skip
        expect_one_line(result, "--foveated", "leave it out", "openvino")
        assert not (tmp_path / "s.png").exists()


def test_preview_leaves_what_was_asked_for(tmp_path, photo):
    stats, snapshot, film = tmp_path / "s.json", tmp_path / "s.png", tmp_path / "s.mp4"
    result = run(
        "preview", "--headless", "--source", f"image:{photo}", "--frames", 12, "--size", "128x64",
        "--net-size", "64x64", "--fps", 30, "--stats", stats, "--snapshot", snapshot, "--record", film,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    report = json.loads(stats.read_text())
    documented = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "stats.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted([*report, *report["stages_ms"]])
    for key in ("frames", "seconds", "display_fps", "stylized_fps", "stages_ms", "age_ms", "missed_frames", "engine",
                "device", "net_size", "eye_size", "gl_renderer"):  # fmt: skip
        assert key in report
    assert report["frames"] == 12 and report["net_size"] == [64, 64] and report["eye_size"] == [64, 64]
    pixels = np.asarray(Image.open(snapshot))
    assert pixels.shape == (64, 128, 3) and pixels.std() > 5
    assert film.stat().st_size > 500


def test_preview_of_the_scene_is_painted(tmp_path, command_line):
    pictures = {}
    for strength in (0, 1):
        path = tmp_path / f"{strength}.png"
        arguments = ("--headless", "--frames", 2, "--fps", 30, "--size", "256x128", "--strength", strength)
        result = command_line("preview", *arguments, "--snapshot", path)
        assert result.returncode == 0, result.stderr
        pictures[strength] = np.asarray(Image.open(path)).astype(int)
    assert pictures[0].std() > 10 and pictures[1].std() > 10
    assert np.abs(pictures[0] - pictures[1]).mean() > 8


def test_stylize_keeps_the_size_of_a_picture(tmp_path, photo):
    target = tmp_path / "painted.jpg"
    result = run("stylize", photo, target, "--style", NAMES[3])
    assert result.returncode == 0, result.stderr
    assert Image.open(target).size == (96, 72)


@pytest.fixture
def painting(tmp_path):
    path = tmp_path / "painting.png"
    Image.radial_gradient("L").convert("RGB").save(path)
    return path


def test_stylize_paints_in_the_style_of_any_picture(tmp_path, photo, painting, command_line):
    model, target = random_adain_bank(tmp_path).path, tmp_path / "out.png"
    arguments = ("--style", painting, "--alpha", 0.75, "--model", model, "--engine", "torch", "--device", "cpu")
    result = command_line("stylize", photo, target, *arguments)
    assert result.returncode == 0, result.stderr
    painted = np.asarray(Image.open(target)).astype(int)
    opened = open_bank(model, str(painting))
    style = 0.25 * opened.identity() + 0.75 * opened.vector(str(painting))
    expected = TorchEngine(opened).paint(np.array(Image.open(photo))[None], style[None])[0]
    assert np.abs(painted - expected).max() <= 1
    assert np.abs(painted - np.asarray(Image.open(photo))).mean() > 10


def test_preview_in_the_style_of_any_picture(tmp_path, photo, painting, command_line):
    model, snapshots = random_adain_bank(tmp_path).path, {}
    for style in ("red", f"red:0,{painting}"):
        path = tmp_path / "s.png"
        result = command_line(
            "preview", "--headless", "--source", f"image:{photo}", "--frames", 2, "--fps", 30, "--size", "128x64",
            "--net-size", "64x64", "--style", style, "--model", model, "--snapshot", path,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        snapshots[style] = np.asarray(Image.open(path)).astype(int)
    one, other = snapshots.values()
    assert one.shape == other.shape == (64, 128, 3)
    assert np.abs(one - other).mean() > 4


HEADLESS = "preview", "--headless", "--frames", "1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*HEADLESS, "--model", "missing.safetensors"), ("missing.safetensors",)),
        (("preview", "--nonsense"), ("--nonsense",)),
        (("stylize", "missing.png", "out.png"), ("missing.png",)),
        (("styles", "skream"), ("scream",)),
        (("train", "missing.toml"), ("missing.toml",)),
        (("evaluate", "missing.safetensors"), ("missing.safetensors",)),
        (("vr", "--trace", "."), ("is a folder",)),
    ],
)
def test_a_mistake_is_one_line(arguments, said, tmp_path):
    """Of every command, in a process of its own: nothing that it imports has anything to add."""
    result = run(*arguments, cwd=tmp_path, DISPLAY="", WAYLAND_DISPLAY="")
    expect_one_line(result, *said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*HEADLESS, "--alpha", "1.5"), ("--alpha 1.5", "from 0")),
        ((*HEADLESS, "--style", "nowhere.jpg", "--model", BANK), ("leave out --model",)),
        (("stylize", "missing.png", "out.png", "--alpha", "1.5"), ("--alpha 1.5", "from 0")),
        ((*HEADLESS, "--style", "stary-night"), ("starry-night",)),
        ((*HEADLESS, "--source", "scenery"), ("--source scenery", "webcam:N")),
        ((*HEADLESS, "--source", "image:missing.png"), ("missing.png",)),
        ((*HEADLESS, "--source", "video:missing.mp4"), ("missing.mp4",)),
        ((*HEADLESS, "--source", "webcam:77"), ("77",)),
        ((*HEADLESS, "--source", "screen:77"), ("screen", "--source s")),
        ((*HEADLESS, "--engine", "tensorflow"), ("openvino",)),
        ((*HEADLESS, "--size", "big"), ("1280x720",)),
        (("preview", "--headless"), ("--frames N",)),
        (("preview", "--frames", "1"), ("--headless",)),
        (("train", "x.toml", "--set", "steps"), ("KEY=VALUE",)),
    ],
)
def test_another_mistake_is_one_line(arguments, said, tmp_path, command_line):
    result = command_line(*arguments, cwd=tmp_path, DISPLAY="", WAYLAND_DISPLAY="")
    expect_one_line(result, *said)
    assert not list(tmp_path.iterdir())


def test_a_gpu_that_is_not_there_is_named(tmp_path, command_line):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    result = command_line("preview", "--headless", "--frames", 1, "--device", "cuda", cwd=tmp_path)
    expect_one_line(result, "GPU", "--device")


def test_a_pickle_is_never_loaded(tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes(pickle.dumps({"weights": [1.0]}))
    result = run("preview", "--headless", "--frames", 1, "--model", model)
    expect_one_line(result, "pickle", ".safetensors")


def test_a_corrupt_model_leaves_no_output(tmp_path, photo, command_line):
    model, target = tmp_path / "model.safetensors", tmp_path / "out.png"
    model.write_bytes(b"\x10\0\0\0\0\0\0\0{}" + b"junk" * 9)
    expect_one_line(command_line("stylize", photo, target, "--model", model), "model.safetensors")
    assert not target.exists()


def test_a_corrupt_picture_leaves_no_output(tmp_path, command_line):
    broken, target = tmp_path / "broken.jpg", tmp_path / "out.png"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    expect_one_line(command_line("stylize", broken, target), "broken.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.jpg"]


def test_no_opengl_is_one_line(tmp_path):
    result = run(
        "preview", "--headless", "--frames", 1, cwd=tmp_path, __EGL_VENDOR_LIBRARY_FILENAMES="/nonexistent.json"
    )
    expect_one_line(result, "OpenGL", "apt install")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_an_output_stream_that_takes_nothing_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a path of ours
        command = [sys.executable, "-m", "artem_vr", "styles", "--json"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "No space left" in result.stderr
