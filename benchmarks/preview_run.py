"""Runs `artem-vr preview` as a person would: in a process of its own, so that its memory is its own too."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from simulated_camera import QUALITY, noise_picture

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "artem_vr")
_PICTURES = 6


@dataclass(frozen=True)
class PreviewRun:
    """What a run of the preview reported (docs/stats.md), and the most memory it held."""

    stats: dict[str, Any]
    peak_gigabytes: float


def run_preview(frames: int, size: str, source: str = "scene", *options: str) -> PreviewRun:
    """Runs it headless. Raises RuntimeError with its last lines when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        command = [*PROGRAM, "preview", "--headless", "--source", source, "--size", size, "--frames", str(frames)]
        with (Path(folder) / "log.txt").open("w+b") as log:
            process = subprocess.Popen([*command, *options, "--stats", str(stats)], stdout=log, stderr=log, cwd=ROOT)
            _, status, usage = os.wait4(process.pid, 0)
            log.seek(0)
            if os.waitstatus_to_exitcode(status):
                raise RuntimeError(f"the preview failed: {log.read().decode(errors='replace').strip()[-500:]}")
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
        return PreviewRun(json.loads(stats.read_text()), usage.ru_maxrss * unit / 1e9)


@contextmanager
def sources(eye_size: tuple[int, int]) -> Iterator[dict[str, tuple[str, ...]]]:
    """What is painted, as the arguments `--source` and what belongs to it, by name; made for one size of the eye.

    `scene` is drawn by OpenGL. `still` is one picture, painted once: what is left is to show it. `pictures` are JPEGs
    of both eyes side by side, read and decoded anew all the time as the naive pipeline's camera is, 24 a second.
    """
    width, height = eye_size
    with tempfile.TemporaryDirectory() as place:
        still, folder = Path(place) / "still.jpg", Path(place) / "pictures"
        folder.mkdir()
        for number in range(_PICTURES):
            both = noise_picture((2 * width, height), number)
            cv2.imwrite(str(folder / f"{number}.jpg"), both, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        cv2.imwrite(str(still), noise_picture((2 * width, height), _PICTURES), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        yield {
            "scene": ("scene",),
            "still": (f"image:{still}", "--side-by-side"),
            "pictures": (f"folder:{folder}", "--side-by-side"),
        }
