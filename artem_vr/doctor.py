"""What this machine has for painting, and what to install for the rest.

Every probe imports what it needs only when it runs, and none raises: what fails becomes a finding with advice.
"""

import os
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from artem_vr import engine_probes, openxr_manifest
from artem_vr.finding import Finding, Status
from artem_vr.machine import processor

_COLOURS: dict[Status, str] = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_VIDEO4LINUX = Path("/sys/class/video4linux")
_DEVICES = Path("/dev")

_REINSTALL = "install the package again: python -m pip install --force-reinstall artem-vr"
_CPP = "install the Microsoft Visual C++ redistributable, and the package again"
_ADVICE = {
    "engine openvino": _CPP if sys.platform == "win32" else "python -m pip install --force-reinstall openvino",
    "engine torch": _CPP if sys.platform == "win32" else "python -m pip install --force-reinstall torch",
    "OpenGL": {
        "linux": "install the GPU's driver, or on Debian sudo apt install libegl1 libgl1 libgl1-mesa-dri",
        "win32": "install the graphics driver from the maker of the graphics card",
    }.get(sys.platform, "update the system: OpenGL 3.3 comes with it"),
    "screen": "python -m pip install --force-reinstall glfw; or use --headless",
    "OpenXR": "check the file that XR_RUNTIME_JSON or active_runtime.json names; only headsets need it",
    "video": "python -m pip install --force-reinstall av",
}
"""What to do when a whole probe fails."""

_OPTIONAL = {"engine onnxruntime", "interop", "screen", "OpenXR", "camera"}
"""The preview runs headless and from files: a failure here is a warning."""


Probe = Callable[[], list[Finding]]


def inspect_machine(probes: Sequence[tuple[str, Probe]] | None = None) -> list[Finding]:
    """Runs every probe, in the order of the report. Takes a few seconds, most of them the import of torch."""
    findings = []
    for area, probe in PROBES if probes is None else probes:
        try:
            findings += probe()
        except Exception as error:  # a probe meets every way in which a machine can be broken
            detail = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            status: Status = "warning" if area in _OPTIONAL else "missing"
            findings.append(Finding(area, area, status, detail, _ADVICE.get(area, _REINSTALL)))
    return findings


def to_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """The findings as dictionaries with the fields of `Finding`, ready for JSON."""
    return [asdict(finding) for finding in findings]


def render(findings: Sequence[Finding], console: Console) -> None:
    """Prints the findings as a table, advice below what it is for, and how many things are missing."""
    table = Table(show_lines=False, pad_edge=False)
    for heading in ("", "area", "what"):
        table.add_column(heading, no_wrap=True)
    table.add_column("found")
    for finding in findings:
        found = Text(finding.detail)
        if finding.advice:
            found.append(f"\n> {finding.advice}", style="cyan")
        table.add_row(Text(finding.status, _COLOURS[finding.status]), finding.area, finding.name, found)
    console.print(table)
    missing = sum(finding.status == "missing" for finding in findings)
    if missing:
        console.print(f"{missing} of {len(findings)} things are missing: the lines that start with > say what to do.")
    elif any(finding.status == "warning" for finding in findings):
        console.print("Nothing that a headless preview needs is missing; the warnings say what else may be wanted.")
    else:
        console.print("Everything that the desktop preview needs is here.")


def _python() -> list[Finding]:
    detail = f"{platform.python_version()} on {platform.platform()}"
    return [Finding("Python", "version", "ok", detail)]


def _processor() -> list[Finding]:
    here = processor()
    sets = [
        name
        for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
        if name in here.instruction_sets
    ]
    return [Finding("processor", "cores", "ok", f"{here.name}, {here.cores} cores {' '.join(sets)}".rstrip())]


def _opengl() -> list[Finding]:
    from artem_vr.errors import GraphicsError
    from artem_vr.gl import context

    try:
        ctx = context.create_headless_context()
    except GraphicsError as error:
        # The bare cause: the error's own advice would stand beside the one for this system.
        detail = f"OpenGL 3.3 is not available: {' '.join(str(error.__cause__).split())[:300]}"
        return [Finding("OpenGL", "renderer", "missing", detail, _ADVICE["OpenGL"])]
    try:
        detail = f"{context.renderer(ctx)}, OpenGL {ctx.version_code // 100}.{ctx.version_code % 100 // 10}"
        if not context.is_software(ctx):
            return [Finding("OpenGL", "renderer", "ok", detail)]
        advice = "works, at a lower frame rate; if there is a GPU, install its driver"
        return [Finding("OpenGL", "renderer", "warning", f"{detail}, drawn by the processor", advice)]
    finally:
        ctx.release()


def _screen() -> list[Finding]:
    import glfw

    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        detail = "neither DISPLAY nor WAYLAND_DISPLAY is set"
        advice = "log in to a desktop for a window, or use --headless with --record or --snapshot"
        return [Finding("screen", "monitor", "warning", detail, advice)]
    with warnings.catch_warnings(record=True) as complaints:  # glfw reports its errors as warnings
        warnings.simplefilter("always")
        if not glfw.init():
            detail = "; ".join(str(complaint.message) for complaint in complaints) or "GLFW does not start"
            return [Finding("screen", "monitor", "warning", detail, "use --headless, or check DISPLAY")]
        try:
            return [_monitor(index, monitor) for index, monitor in enumerate(glfw.get_monitors())] or [
                Finding("screen", "monitor", "warning", "no monitor is connected", "connect one, or use --headless")
            ]
        finally:
            glfw.terminate()


def _monitor(index: int, monitor: Any) -> Finding:
    import glfw

    mode = glfw.get_video_mode(monitor)
    name = glfw.get_monitor_name(monitor)
    name = name.decode(errors="replace") if isinstance(name, bytes) else name
    return Finding(
        "screen", f"monitor {index}", "ok", f"{name} {mode.size.width}x{mode.size.height}, {mode.refresh_rate} Hz"
    )


def _openxr() -> list[Finding]:
    manifest = openxr_manifest.active_runtime()
    if manifest is None:
        advice = "for a headset, install its OpenXR runtime (SteamVR, Meta, WiVRn, Monado) and make it the active one"
        return [Finding("OpenXR", "runtime", "warning", "no active OpenXR runtime: no headset", advice)]
    runtime = openxr_manifest.read(manifest)
    detail = f"{runtime.name} ({manifest})"
    if runtime.library_is_missing:
        detail = f"{detail} names {runtime.library}, which is not there"
        return [
            Finding("OpenXR", "runtime", "warning", detail, "install the runtime again, or make another one active")
        ]
    return [Finding("OpenXR", "runtime", "ok", detail), *_headset()]


def _headset() -> list[Finding]:
    from artem_vr.errors import DisplayError

    try:
        from artem_vr.xr.probe import probe

        found = probe()
    except DisplayError as error:
        line, _, advice = str(error).rpartition(": ")
        return [Finding("OpenXR", "headset", "warning", line or advice, advice if line else _ADVICE["OpenXR"])]
    width, height = found.eye_size
    eyes = f"two eyes of {width}x{height}, {'tracked' if found.tracks_eyes else 'not tracked'}"
    used = ", ".join(name.removeprefix("XR_") for name in found.switched_on)
    return [
        Finding("OpenXR", "headset", "ok", f"{found.name}, {eyes} ({found.runtime})"),
        Finding("OpenXR", "extensions", "ok", f"{len(found.extensions)}, of which are used: {used}"),
    ]


def _cameras() -> list[Finding]:
    if sys.platform != "linux":
        return [Finding("camera", "webcam", "ok", "not listed on this system: try --source webcam:0")]
    findings = []
    for entry in sorted(_VIDEO4LINUX.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        number, device = entry.name.removeprefix("video"), _DEVICES / entry.name
        detail = f"{(entry / 'name').read_text().strip()} ({device})"
        if os.access(device, os.R_OK | os.W_OK):
            findings.append(Finding("camera", f"webcam:{number}", "ok", detail))
        else:
            advice = "sudo usermod -aG video $USER, then log in again"
            findings.append(Finding("camera", f"webcam:{number}", "warning", f"{detail} may not be opened", advice))
    advice = "connect one for --source webcam:0; scene, image and video sources need none"
    return findings or [Finding("camera", "webcam", "warning", "no camera", advice)]


def _video() -> list[Finding]:
    import av

    libraries = getattr(av, "library_versions", {})
    version = ".".join(map(str, libraries.get("libavcodec", ()))) or "of unknown version"
    codec = av.Codec("h264", "w")
    return [Finding("video", "H.264", "ok", f"PyAV {av.__version__}, libavcodec {version}, encoder {codec.name}")]


def _model() -> list[Finding]:
    from artem_vr.errors import ModelError
    from artem_vr.styles import StyleBank

    try:
        bank = StyleBank.load()
    except ModelError as error:
        return [Finding("model", "style bank", "missing", str(error), _REINSTALL)]
    size = bank.path.stat().st_size / 1024
    return [Finding("model", "style bank", "ok", f"{len(bank.names)} styles, {size:.0f} KiB: {', '.join(bank.names)}")]


PROBES: list[tuple[str, Probe]] = [
    ("Python", _python),
    ("processor", _processor),
    ("engine openvino", engine_probes.openvino),
    ("engine torch", engine_probes.torch),
    ("engine onnxruntime", engine_probes.onnxruntime),
    ("interop", engine_probes.interop),
    ("OpenGL", _opengl),
    ("screen", _screen),
    ("OpenXR", _openxr),
    ("camera", _cameras),
    ("video", _video),
    ("model", _model),
]
