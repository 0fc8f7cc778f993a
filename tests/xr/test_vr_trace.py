"""`artem-vr vr --trace` as a process of its own, in a headset in software."""

import json
import subprocess
from pathlib import Path

import pytest
from monado import Runtime, Service
from remote import Remote
from strict_trace import named, on_track, read_trace

pytestmark = [pytest.mark.xr, pytest.mark.usefixtures("no_welcome")]


def test_a_headsets_run_leaves_a_timeline(service: Service, remote: Remote, runtime: Runtime, tmp_path: Path) -> None:
    trace, figures = tmp_path / "t.json", tmp_path / "s.json"
    options = ("--frames", "40", "--net-size", "64x64", "--trace", str(trace), "--stats", str(figures))
    command = [*runtime.prefix, "-m", "artem_vr", "vr", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f"wrote {trace}" in done.stdout
    events = read_trace(trace)["traceEvents"]
    assert len(named(on_track(events, "display"), "X", "frame")) == 40
    gpu_ms = json.loads(figures.read_text())["gpu_ms"]
    assert gpu_ms.keys() == {event["name"] for event in on_track(events, "GPU (OpenGL)")}
    assert not gpu_ms or {"source", "compose", "show"} <= gpu_ms.keys()
    assert len(on_track(events, "stylizer")) >= len(named(events, "s"))
