"""Measures foveated painting against painting everything as finely: its time, and what one sees of it.

`python benchmarks/foveated.py [--json foveated.json] [--sizes 320x352,640x704,1440x1600] [--no-preview] [--quick]`

  network: both eyes, steadily, in the default engine, as fine as a whole eye of each size in its middle; evenly, and
    with the rest at a half and a quarter, in turns. Pixels lie where the engine wants them: on its GPU if it has one.
  preview: the same through the whole program, a process each, with everything else as it is by default;
  likeness: views of the built-in scene in each style, painted at the half, over what painting it evenly gives: how far
    the middle's colours are from that (smoothed, and the fine detail's contrast), and how far the two scales' colours
    are apart where one fades into the other. *By its own*: the middle is normalised by its own statistics, as any crop
    would be; *as a part*: by those of the whole eye, as the program does.
"""

import itertools
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import cv2
import numpy as np
from measured_on import measured_on, parser, write_figures
from numpy.typing import NDArray
from preview_run import run_preview
from simulated_camera import noise_picture

from artem_vr.app import open_engine, scene_pictures
from artem_vr.config import parse_size
from artem_vr.foveation import RAMP, picture_size, scale_count
from artem_vr.frame import EYES, Size
from artem_vr.ports import SteadyEngine, can_paint_steadily
from artem_vr.styles import StyleBank

PERIPHERIES = {"evenly": 1, "half": 2, "quarter": 4}
STYLES = ("udnie", "great-wave", "scream", "starry-night")
_TURNS, _SECONDS_A_TURN = 8, 0.4
_SMOOTH, _FINE = 10.0, 3.0
"""Deviations in pixels: colours are compared smoothed by the one, detail is what the other takes away."""

Picture = NDArray[np.float32]


class Painting:
    """Both eyes at one size, painted over and over."""

    def __init__(self, engine: Any, bank: StyleBank, full_size: Size, periphery: int) -> None:
        self._engine = engine
        self.count = EYES * scale_count(periphery)
        self.size = picture_size(full_size, periphery)
        random = np.random.default_rng(0)
        self._pixels: Any = random.integers(0, 256, (self.count, self.size[1], self.size[0], 3), np.uint8)
        if engine.device == "cuda":
            import torch

            self._pixels = torch.from_numpy(self._pixels).to("cuda")
        self._styles = np.repeat(bank.styles_SD[:1], self.count, axis=0)
        self._share = np.where(np.arange(self.count) < EYES, 0.05, 0.0).astype(np.float32)
        self._previous = None
        self.seconds: list[float] = []

    def run(self) -> None:
        _, self._previous = self._engine.paint_steady(self._pixels, self._styles, self._previous, self._share)


def network_rows(engine: Any, bank: StyleBank, sizes: Sequence[Size], seconds_a_turn: float) -> list[dict[str, Any]]:
    """The time of each way at each size."""
    rows = []
    for size in sizes:
        ways = {name: Painting(engine, bank, size, periphery) for name, periphery in PERIPHERIES.items()}
        for each in ways.values():
            each.run()  # compiles
            each.run()
        for _, each in itertools.product(range(_TURNS), ways.values()):
            each.run()
            taken: list[float] = []
            while sum(taken) < seconds_a_turn:
                started = time.perf_counter()
                each.run()
                taken.append(time.perf_counter() - started)
            each.seconds += taken
        evenly = float(np.median(ways["evenly"].seconds))
        for name, each in ways.items():
            p50, p99 = np.percentile(each.seconds, (50, 99))
            rows.append(
                {
                    "full_size": list(size), "way": name, "pictures": each.count, "size": list(each.size),
                    "ms_p50": round(p50 * 1e3, 3), "ms_p99": round(p99 * 1e3, 3), "calls": len(each.seconds),
                    "times": round(evenly / p50, 3),
                    "pixels_times": round(EYES * size[0] * size[1] / (each.count * each.size[0] * each.size[1]), 3),
                }
            )  # fmt: skip
    return rows


def preview_rows(net_size: Size, size: str, frames: int, rounds: int) -> list[dict[str, Any]]:
    """What the preview shows and paints a second, the better of `rounds` runs in turns."""
    ways: dict[str, list[str]] = {"evenly": [], "half": ["--foveated"], "quarter": ["--periphery", "quarter"]}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _, (name, options) in itertools.product(range(rounds), ways.items()):
        asked = ["--net-size", f"{net_size[0]}x{net_size[1]}", *options]
        runs[name].append(run_preview(frames, size, "scene", *asked).stats)
    rows = []
    for name, all_stats in runs.items():
        best = max(all_stats, key=lambda stats: stats["stylized_fps"])
        stages = {stage: times["p50"] for stage, times in best["stages_ms"].items()}
        rows.append(
            {
                "way": name, "size": size, "full_size": list(net_size), "pictures": best["pictures"],
                "shown": best["display_fps"], "painted": best["stylized_fps"], "age_ms": best["age_ms"]["p50"],
                "network_ms": stages["network"], "compose_ms": stages["compose"],
            }
        )  # fmt: skip
    return rows


def likeness_rows(
    engine: SteadyEngine, bank: StyleBank, pictures: Sequence[NDArray[np.uint8]], full: Size
) -> list[dict[str, Any]]:
    """How the middle is painted, by its own statistics and as a part of the whole, mean over pictures and styles."""
    found: dict[str, list[list[float]]] = {"by its own": [], "as a part": []}
    for picture, style in itertools.product(pictures, STYLES):
        half = full[0] // 2, full[1] // 2
        middle = slice(half[1] // 2, half[1] // 2 + half[1]), slice(half[0] // 2, half[0] // 2 + half[0])
        large, whole = (cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for size in (full, half))
        batch, styles = np.stack([whole, large[middle]]), np.repeat(bank.vector(style)[None], 2, axis=0)
        evenly = _painted(engine, large[None], styles[:1])[0][0][middle]
        own, statistics = _painted(engine, batch, styles)
        around = cv2.resize(own[0], full)[middle]
        part = engine.paint_steady(batch, styles, np.repeat(statistics[:1], 2, axis=0), 0.0)[0][1]
        found["by its own"].append(_compared(own[1], evenly, around))
        found["as a part"].append(_compared(part.astype(np.float32), evenly, around))
    names = "colours", "detail", "border"
    return [
        {"statistics": way, **{name: round(float(x), 3) for name, x in zip(names, np.mean(all_, axis=0), strict=True)}}
        for way, all_ in found.items()
    ]


def _painted(engine: SteadyEngine, pixels: Any, styles: Any) -> tuple[Any, Any]:
    painted, statistics = engine.paint_steady(np.ascontiguousarray(pixels), styles, None, 1.0)
    return painted.astype(np.float32), statistics


def _compared(middle: Picture, evenly: Picture, around: Picture) -> list[float]:
    """Levels of 255 from the evenly painted colours, contrast of the detail as a share, and levels at the border."""
    height, width = middle.shape[:2]
    smooth = [cv2.GaussianBlur(each, (0, 0), _SMOOTH) for each in (middle, evenly, around)]
    fine = [each - cv2.GaussianBlur(each, (0, 0), _FINE) for each in (middle, evenly)]
    border = np.ones((height, width), bool)
    border[round(RAMP * height) : -round(RAMP * height), round(RAMP * width) : -round(RAMP * width)] = False
    return [
        float(np.abs(smooth[0] - smooth[1]).mean()),
        float(fine[0].std() / fine[1].std()),
        float(np.abs(smooth[0] - smooth[2])[border].mean()),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--sizes", default="320x352,640x704,1440x1600", help="of a whole eye as fine as the middle")
    options_of.add_argument("--net-size", default="640x704", help="the same for the preview")
    options_of.add_argument("--size", default="1440x800", help="of the preview, both eyes")
    options_of.add_argument("--no-preview", action="store_true")
    options = options_of.parse_args(arguments)
    quick = options.quick
    sizes = [(64, 96)] if quick else [parse_size(text, "--sizes") for text in options.sizes.split(",")]
    figures: dict[str, Any] = {"measured_on": measured_on(), "quick": quick}
    bank = StyleBank.load(None)
    with closing(open_engine(bank)) as engine:
        figures |= {"engine": engine.name, "device": engine.device, "precision": engine.precision}
        if not can_paint_steadily(engine):
            raise SystemExit("the default engine cannot paint steadily here")
        print("network", file=sys.stderr)
        figures["network"] = network_rows(engine, bank, sizes, 0.01 if quick else _SECONDS_A_TURN)
        print("likeness", file=sys.stderr)
        pictures = [noise_picture((128, 192), 0)] if quick else list(scene_pictures((1440, 1600), 8))
        figures["likeness"] = likeness_rows(engine, bank, pictures, sizes[0] if quick else (640, 704))
    if not options.no_preview and not quick:
        print("preview", file=sys.stderr)
        figures["preview"] = preview_rows(parse_size(options.net_size, "--net-size"), options.size, 60, 3)
    write_figures(figures, options.json)


if __name__ == "__main__":
    main()
