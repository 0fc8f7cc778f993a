"""Measures `artem-vr vr` against Monado, the OpenXR runtime in software that `make openxr-runtime` fetches.

`python benchmarks/headset_pace.py [--json headset.json] [--window] [--frames N] [--soak]`

How well the frame loop keeps the runtime's pace: with no stylization, with the shipped bank, and with an engine that
sleeps for 300 ms. Each is a run of its own, taken in turns. Without --window the runtime shows nothing, two eyes of
320x240 at 20 Hz; with it, its window goes to a virtual screen (Xvfb), two eyes of 1344x1512 at 60 Hz.
With --soak the painted world runs for --frames, while a person looks around and uses both hands; memory and frame times
of its beginning stand beside those of its end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from measured_on import measured_on

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "xr"))  # where the runtime and its service are found and started

from launch import python_with_runtime  # type: ignore[import-not-found]  # noqa: E402
from monado import Runtime, Service, find_runtime  # type: ignore[import-not-found]  # noqa: E402
from remote import Remote  # type: ignore[import-not-found]  # noqa: E402

KINDS = ("off", "painted", "slow")
ROUNDS = 2
WARM = 0.2
"""The part of a run that is not counted: everything is compiled in it."""
SLOW_SECONDS = 0.3


def show(kind: str, frames: int, scale: float) -> dict[str, Any]:
    """One run, in a process that can load the runtime: its report, and when each frame was shown."""
    from artem_vr import live
    from artem_vr.config import VrOptions
    from artem_vr.stats import RunStats

    if kind != "painted":
        live.open_engine = lambda *ignored: _Sleeper(SLOW_SECONDS if kind == "slow" else 0.0)
    shown: list[float] = []
    started = time.perf_counter()
    memory: list[tuple[float, int]] = []

    def on_frame(count: int) -> None:
        shown.append(time.perf_counter() - started)
        if count % 20 == 0:
            memory.append((shown[-1], _resident()))

    first: list[float] = []
    counted = RunStats.frame_shown

    def frame_shown(stats: RunStats, painting: Any, *ages: Any) -> None:
        if painting is not None and not first:
            first.append(_since_the_start())
        counted(stats, painting, *ages)

    RunStats.frame_shown = frame_shown  # type: ignore[assignment,method-assign]
    strength = 0.0 if kind == "off" else 1.0
    report = live.vr(VrOptions(frames=frames, strength=strength, eye_scale=scale), on_frame)
    return {**report, "shown": shown, "memory": memory, "first_painted_s": first[0]}


class _Sleeper:
    """An engine that gives back what it gets, after a while in which it needs no processor."""

    name, device, precision = "sleeper", "none", "u8"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def paint(self, pixels_EHWC: Any, styles_ED: Any) -> Any:
        time.sleep(self._seconds)
        return pixels_EHWC

    def close(self) -> None:
        pass


def _since_the_start() -> float:
    """Seconds since this process was started."""
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - started


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def screen(size: str = "1600x1000") -> Iterator[str]:
    """A virtual X display of that many pixels."""
    reading, writing = os.pipe()
    options = ["-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(["Xvfb", *options], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def service(runtime: Runtime, home: Path, window: bool) -> Iterator[None]:
    """The runtime's service, with or without a window."""
    with screen() if window else _nothing() as display:
        running = Service(runtime, home)
        running.start(window=display or None)
        try:
            yield
        finally:
            running.stop()


@contextmanager
def hands_and_head() -> Iterator[None]:
    """A person who looks around all the time, and changes the painter, the strength or the mix every few seconds."""
    over = threading.Event()

    def live() -> None:
        with Remote() as remote:
            deeds = (
                lambda held: (remote.press if held else remote.release)("right", "a_click"),
                lambda held: remote.tilt_thumbstick("left", 0.7 * held, 0.0),
                lambda held: (remote.press if held else remote.release)("left", "b_click"),
                lambda held: remote.tilt_thumbstick("right", 0.0, (0.6 if int(time.monotonic()) % 2 else -0.6) * held),
            )
            started = time.monotonic()
            while not over.wait(0.05):
                now = time.monotonic() - started
                turn = 0.8 * np.sin(0.7 * now)
                remote.move_head(
                    (0.2 * np.sin(now), 1.6 + 0.05 * np.sin(2 * now), 0.0),
                    (0.0, np.sin(turn / 2), 0.0, np.cos(turn / 2)),
                )
                deeds[int(now / 3) % len(deeds)](now % 3 < 0.3)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _nothing() -> Iterator[str]:
    yield ""


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All runs, summed up."""
    runtime = find_runtime()
    with (
        python_with_runtime(lambda line: print(line, file=sys.stderr)) as interpreter,
        tempfile.TemporaryDirectory() as folder,
    ):
        home = Path(interpreter.environment["HOME"])

        def run(kind: str, frames: int) -> dict[str, Any]:
            out = Path(folder) / "run.json"
            inside = [str(ROOT / "benchmarks" / "headset_pace.py"), "--inside", kind, "--frames", str(frames)]
            command = [*interpreter.command, *inside, "--eye-scale", str(arguments.eye_scale), "--json", str(out)]
            environment = {**interpreter.environment, "ARTEM_VR_CACHE": str(Path(folder) / "cache")}
            done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"the {kind} run failed: {done.stderr[-800:]}")
            print(f"{kind}: {frames} frames", file=sys.stderr)
            return dict(json.loads(out.read_text()))

        with service(runtime, home, arguments.window):
            if arguments.soak:
                with hands_and_head():
                    return {"soak": sum_up_soak(run("painted", arguments.frames))}
            runs = [(kind, run(kind, arguments.frames)) for _ in range(ROUNDS) for kind in KINDS]
    window = "window" if arguments.window else "null"
    return {window: {kind: sum_up([one for name, one in runs if name == kind]) for kind in KINDS}}


def sum_up(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Frame times over all runs of a kind, without each run's beginning."""
    steps = np.concatenate([np.diff(one["shown"][int(WARM * len(one["shown"])) :]) for one in runs]) * 1e3
    return {
        "frames": len(steps),
        "ms_p50": round(float(np.percentile(steps, 50)), 2),
        "ms_p99": round(float(np.percentile(steps, 99)), 2),
        "fps": round(1e3 / float(steps.mean()), 2),
        "painted_fps": round(float(np.mean([one["stylized_fps"] for one in runs])), 2),
        "first_painted_s": round(min(one["first_painted_s"] for one in runs), 2),
        "eye_size": runs[0]["eye_size"],
        "net_size": runs[0]["net_size"],
        "engine": f"{runs[0]['engine']} {runs[0]['precision']}",
        "gl_renderer": runs[0]["gl_renderer"],
    }


def sum_up_soak(run: dict[str, Any]) -> dict[str, Any]:
    """The second tenth of a long run beside the last one."""
    shown, memory = np.array(run["shown"]), np.array(run["memory"], float)
    end = shown[-1]

    def part(low: float, high: float) -> dict[str, float]:
        steps = np.diff(shown[(shown >= low * end) & (shown <= high * end)]) * 1e3
        held = memory[(memory[:, 0] >= low * end) & (memory[:, 0] <= high * end), 1] / 1e6
        return {
            "ms_p50": round(float(np.percentile(steps, 50)), 2),
            "ms_p99": round(float(np.percentile(steps, 99)), 2),
            "megabytes": round(float(held.mean()), 1),
        }

    return {"seconds": round(float(end), 1), "frames": len(shown), "first": part(0.1, 0.2), "last": part(0.9, 1.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--window", action="store_true")
    parser.add_argument("--soak", action="store_true", help="one long run in place of many")
    parser.add_argument("--eye-scale", type=float, default=1.0)
    parser.add_argument("--json", type=Path, help="adds the figures to this file")
    parser.add_argument("--inside", choices=KINDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        figures = show(arguments.inside, arguments.frames, arguments.eye_scale)
    else:
        facts = measured_on()
        figures = measure(arguments)
        print(json.dumps(figures, indent=2))
        # Each kind of run was measured at a time of its own.
        figures["measured_on"] = dict.fromkeys(figures, facts)
        if arguments.json is not None and arguments.json.exists():
            before = json.loads(arguments.json.read_text())
            figures["measured_on"] = {**before.get("measured_on", {}), **figures["measured_on"]}
            figures = {**before, **figures}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
