"""Whole runs in which the size of the network and the cadence follow what painting takes."""

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from banks import random_bank

from artem_vr import live
from artem_vr.config import PreviewOptions, check, default_net_size
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.errors import UsageError
from artem_vr.run import open_budget

SIZE = (1280, 720)
START = default_net_size((640, 720))


class PacedEngine:
    """Takes a time that grows with the pixels, and paints what it gets."""

    name, device, precision = "paced", "cpu", "u8"

    def __init__(self, milliseconds: float) -> None:
        self.seconds_a_pixel = milliseconds / 1e3 / (2 * START[0] * START[1])
        self.shapes: list[tuple[int, ...]] = []

    def paint(self, pixels_EHWC: Any, styles_ED: Any) -> Any:
        time.sleep(self.seconds_a_pixel * pixels_EHWC[..., 0].size)
        self.shapes.append(pixels_EHWC.shape[1:3])
        return pixels_EHWC.copy()

    def close(self) -> None:
        pass


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, milliseconds: float, **options: Any) -> tuple[dict, PacedEngine]:
    engine = PacedEngine(milliseconds)
    monkeypatch.setattr(live, "open_engine", lambda *ignored: engine)
    bank = random_bank(folder)
    picture = folder / "pictures"
    picture.mkdir()
    for number in range(3):
        cv2.imwrite(str(picture / f"{number}.png"), np.full((64, 64, 3), 60 * number, np.uint8))
    wanted = PreviewOptions(
        source=f"folder:{picture}", model=bank.path, size=SIZE, headless=True, frames=100_000, **options
    )
    return live.preview(wanted), engine


def test_a_network_that_is_too_slow_gets_smaller_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, engine = run(tmp_path, monkeypatch, 400, target_fps=24, seconds=9)
    budget = report["budget"]
    assert budget["changes"], budget
    assert budget["net_size"][0] * budget["net_size"][1] < START[0] * START[1]
    assert report["net_size"] == budget["net_size"]
    assert budget["target_fps"] == 24
    assert engine.shapes[0] == START[::-1]
    assert engine.shapes[-1] == tuple(budget["net_size"][::-1])


def test_with_a_size_of_ones_own_nothing_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, engine = run(tmp_path, monkeypatch, 400, net_size=START, seconds=4)
    assert report["budget"] is None
    assert report["net_size"] == list(START)
    assert set(engine.shapes) == {START[::-1]}


def test_it_starts_with_the_size_that_was_compiled_whatever_the_eye() -> None:
    for size in (SIZE, (4128, 2208), (200, 100), (64, 32)):
        options = PreviewOptions(size=size, headless=True, frames=1)
        display = HeadlessDisplay((64, 32), lambda seconds: None)  # type: ignore[arg-type, return-value]
        budget = open_budget(options, display, PacedEngine(1), options.eye_size)
        assert budget is not None
        assert budget.report()["net_size"] == list(default_net_size(options.eye_size))
        display.close()


def test_a_simulated_clock_waits_for_every_painting_as_it_is() -> None:
    options = PreviewOptions(size=SIZE, headless=True, frames=1, fps=30)
    display = HeadlessDisplay((64, 32), lambda seconds: None)  # type: ignore[arg-type, return-value]
    assert open_budget(options, display, PacedEngine(1), options.eye_size) is None
    display.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target_fps": 0.5}, "--target-fps 0.5: choose a rate from 1 to 1000"),
        ({"target_fps": float("nan")}, "--target-fps nan: choose a rate"),
        ({"target_fps": 30.0, "net_size": (64, 64)}, "leave it out, or --net-size"),
        ({"target_fps": 30.0, "fps": 30.0}, "leave it out, or --fps"),
    ],
)
def test_a_target_that_makes_no_sense(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(PreviewOptions(headless=True, frames=1, **changed))
