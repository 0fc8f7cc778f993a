"""Options are checked before anything opens."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artem_vr.config import PreviewOptions, check, default_net_size, parse_size, parse_source
from artem_vr.errors import ArtemError, DisplayError, InputError, UsageError


def test_sizes_are_width_by_height():
    assert parse_size(" 1280x720") == (1280, 720)


@pytest.mark.parametrize("text", ["", "1280", "1280x", "0x720", "99999x2", "axb", "-4x4", "1280x720x3"])
def test_bad_sizes_are_refused(text):
    with pytest.raises(UsageError, match="--size"):
        parse_size(text)


def test_the_network_paints_half_an_eye_of_the_usual_window():
    assert default_net_size((640, 720)) == (320, 352)


@pytest.mark.parametrize("eye_size", [(64, 64), (320, 360), (1440, 1600), (2064, 2208), (3000, 100)])
def test_the_network_size_is_small_even_and_never_larger_than_needed(eye_size):
    width, height = default_net_size(eye_size)
    assert width % 16 == height % 16 == 0
    assert width * height <= 1.35 * 320 * 352


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": (10, 10)}, "too small"),
        ({"net_size": (8, 64)}, "at least 32"),
        ({"net_size": (33, 64)}, "even"),
        ({"strength": 2.0}, "--strength"),
        ({"strength": float("nan")}, "--strength"),
        ({"frames": 0}, "--frames"),
        ({"fps": 0.0}, "--fps"),
        ({"headless": True, "frames": None}, "--frames N"),
        ({"fps": 30.0, "headless": False}, "--fps goes with --headless"),
        ({"source": "scenery"}, "--source scenery"),
        ({"source": "webcam:front"}, "by its number"),
        ({"source": "screen:left"}, "a monitor is named by its number, for example screen:0"),
        ({"upsampling": "bicubic"}, "joint-fast"),
        ({"net_size": (8192, 64)}, "at most"),
    ],
)
def test_nonsense_is_refused_in_one_line(change, said):
    with pytest.raises(UsageError, match=said) as caught:
        check(replace(PreviewOptions(frames=1), **change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"), [("land.jpg", "image"), ("walk.mp4", "video"), ("frames", "folder"), ("notes.txt", None)]
)
def test_a_path_without_its_kind_gets_it_suggested(tmp_path, name, kind):
    path = tmp_path / name
    for made in (False, True):
        if made:
            path.touch() if path.suffix else path.mkdir()
        known = made or kind != "folder"
        said = f"write {kind}:{path}" if kind and known else "choose scene, image:PATH"
        with pytest.raises(UsageError) as caught:
            parse_source(str(path))
        assert str(caught.value).startswith(f"--source {path}: {said}")


def test_an_unknown_kind_gets_all_suggested():
    with pytest.raises(UsageError, match="choose scene, image:PATH"):
        parse_source("imgae:land.jpg")


def test_outputs_must_have_a_folder(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        check(PreviewOptions(record=tmp_path / "missing" / "film.mp4"))
    with pytest.raises(UsageError, match="is a folder"):
        check(PreviewOptions(snapshot=tmp_path))
    check(PreviewOptions(stats=tmp_path / "stats.json"))


def test_inputs_and_outputs_are_looked_at_before_anything_starts(tmp_path):
    with pytest.raises(InputError, match=r"missing\.png does not exist"):
        check(PreviewOptions(source=f"image:{tmp_path}/missing.png"))
    with pytest.raises(ArtemError, match="mp4"):
        check(PreviewOptions(record=tmp_path / "film.gif"))
    with pytest.raises(ArtemError, match="png"):
        check(PreviewOptions(snapshot=tmp_path / "last.txt"))
    if sys.platform.startswith("linux"):
        with pytest.raises(DisplayError, match="cannot write"):
            check(PreviewOptions(stats=Path("/proc/stats.json")))
    assert not list(tmp_path.iterdir())


def test_sources_are_a_kind_and_an_argument(tmp_path):
    assert parse_source("scene") == ("scene", "")
    assert parse_source("webcam") == ("webcam", "0")
    assert parse_source("screen") == ("screen", "0")
    assert parse_source("stereo:3") == ("stereo", "3")
    assert parse_source(f"folder:{tmp_path}") == ("folder", str(tmp_path))


def test_an_output_never_replaces_the_source_or_another_output(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"precious")
    with pytest.raises(UsageError, match="is the source already"):
        check(PreviewOptions(source=f"image:{photo}", snapshot=photo))
    with pytest.raises(UsageError, match="is --snapshot already"):
        check(PreviewOptions(snapshot=tmp_path / "x.png", stats=tmp_path / "x.png"))
    assert photo.read_bytes() == b"precious"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices are files on Linux")
def test_a_device_is_no_output():
    with pytest.raises(DisplayError, match="is a device"):
        check(PreviewOptions(stats=Path("/dev/null")))
