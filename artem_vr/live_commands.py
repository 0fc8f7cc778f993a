"""The commands that show the painted world live: in a window, headless, or in a headset."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artem_vr.cli_options import (
    AlphaOption,
    CarryOption,
    DeviceOption,
    EngineOption,
    FoveatedOption,
    FramesOption,
    ModelOption,
    NetSizeOption,
    PeripheryOption,
    PrecisionOption,
    RecordOption,
    SettleOption,
    SideBySideOption,
    SizeOption,
    SnapshotOption,
    SourceOption,
    SplitOption,
    StatsOption,
    SteadyOption,
    StereoOption,
    StrengthOption,
    StyleOption,
    TargetFpsOption,
    TraceOption,
    UpsamplingOption,
)

if TYPE_CHECKING:
    from artem_vr.config import PreviewOptions


def preview(
    source: SourceOption = "scene",
    style: StyleOption = None,
    strength: StrengthOption = 1.0,
    alpha: AlphaOption = 1.0,
    size: SizeOption = "1280x720",
    net_size: NetSizeOption = None,
    target_fps: TargetFpsOption = None,
    engine: EngineOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    upsampling: UpsamplingOption = "auto",
    model: ModelOption = None,
    side_by_side: SideBySideOption = False,
    stereo: StereoOption = None,
    carry: CarryOption = True,
    settle: SettleOption = None,
    steady: SteadyOption = None,
    split: SplitOption = None,
    foveated: FoveatedOption = False,
    periphery: PeripheryOption = None,
    headless: Annotated[bool, typer.Option("--headless", help="No window; needs --frames.")] = False,
    frames: FramesOption = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Headless: a simulated clock of this rate; every frame is painted before it is shown."),
    ] = None,
    record: RecordOption = None,
    snapshot: SnapshotOption = None,
    stats: StatsOption = None,
    trace: TraceOption = None,
) -> None:
    """Look into a painted stereo world: a window with one picture for each eye, or headless.

    Keys in the window: left and right change the style, up and down its strength, space shows the original, c compares
    the ways to keep paint calm, s takes a snapshot, f fills the screen, h shows help, escape leaves. With a mouse
    button held, the mouse looks around and W, A, S, D walk; r goes back to the guided walk.

    Examples: artem-vr preview --style great-wave; artem-vr preview --source webcam:0;
    artem-vr preview --headless --frames 120 --record walk.mp4
    """
    asked = _parsed(locals())
    from artem_vr.config import PreviewOptions

    _tell(_run_preview(PreviewOptions(**asked)), record, snapshot, stats, trace)


def vr(
    source: SourceOption = "scene",
    style: StyleOption = None,
    strength: StrengthOption = 1.0,
    alpha: AlphaOption = 1.0,
    net_size: NetSizeOption = None,
    target_fps: TargetFpsOption = None,
    engine: EngineOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    upsampling: UpsamplingOption = "auto",
    model: ModelOption = None,
    side_by_side: SideBySideOption = False,
    stereo: StereoOption = None,
    carry: CarryOption = True,
    settle: SettleOption = None,
    steady: SteadyOption = None,
    split: SplitOption = None,
    foveated: FoveatedOption = False,
    periphery: PeripheryOption = None,
    screen: Annotated[
        str | None,
        typer.Option(
            help="What a flat picture hangs on: world, where it stays, or head, which it follows. A camera's picture is"
            " on the head if not given, any other in the world."
        ),
    ] = None,
    camera_fov: Annotated[
        float | None,
        typer.Option(
            help="How wide the camera sees, in degrees, so that things have their true size: 70 if not given."
            " Other pictures are shown that wide: 60 if not given."
        ),
    ] = None,
    camera_latency_ms: Annotated[
        float,
        typer.Option(help="How late the camera's pictures come. They are hung where the head looked that long before."),
    ] = 0.0,
    eye_scale: Annotated[
        float,
        typer.Option(
            help="Size of the eyes' pictures against what the headset recommends: less is coarser and faster."
        ),
    ] = 1.0,
    frames: FramesOption = None,
    record: RecordOption = None,
    snapshot: SnapshotOption = None,
    stats: StatsOption = None,
    trace: TraceOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Leave when the session is lost, and do not wait for it.")
    ] = False,
) -> None:
    """Step inside: the painted world in a headset, through the active OpenXR runtime.

    Right hand: A and B (or the triggers) change the painter, the stick its strength. Left hand: the stick mixes in a
    neighbour and, pressed, compares the ways to keep paint calm; the menu button shows a panel with all of this; held,
    it quits. A grip shows the plain world for as long as it is held. The right stick pressed makes what is ahead the
    front.

    Examples: artem-vr vr --style great-wave; artem-vr vr --source video:film.mp4;
    artem-vr vr --source webcam:0 --camera-fov 90 --camera-latency-ms 40
    """
    asked = _parsed(locals())
    from artem_vr.config import VrOptions
    from artem_vr.live import vr as run

    report = run(VrOptions(**asked), say=lambda line: print(line, file=sys.stderr, flush=True))
    _tell(report, record, snapshot, stats, trace)


def _parsed(arguments: dict[str, Any]) -> dict[str, Any]:
    """A command's arguments as the options of the same names: sizes are read. Raises `UsageError`."""
    from artem_vr.config import parse_size

    asked = dict(arguments)
    if "size" in asked:
        asked["size"] = parse_size(asked["size"])
    if asked["net_size"]:
        asked["net_size"] = parse_size(asked["net_size"], "--net-size")
    return asked


def _run_preview(options: "PreviewOptions") -> dict[str, Any]:
    from artem_vr.live import preview as run
    from artem_vr.progress import progress_bar

    if options.headless:
        with progress_bar("painting", options.frames) as advance:
            return run(options, lambda frame: advance(frame, options.frames))
    return run(options)


def _tell(report: dict[str, Any], *written: Path | None) -> None:
    print(_summary(report))
    for path in written:
        if path is not None:
            print(f"wrote {path}")


def _cadence(report: dict[str, Any]) -> str:
    """How the budget had pictures painted in the end, where not every one."""
    budget = report["budget"]
    return f" every {budget['cadence']} frames" if budget is not None and budget["cadence"] > 1 else ""


def _summary(report: dict[str, Any]) -> str:
    width, height = report["eye_size"]
    net_width, net_height = report["net_size"]
    painted = f"{report['pictures']} x {net_width}x{net_height}{_cadence(report)}"
    return (
        f"{report['frames']} frames of 2 x {width}x{height} in {report['seconds']:.1f} s: "
        f"{report['display_fps']:.1f} shown and {report['stylized_fps']:.1f} painted a second "
        f"({painted}, {report['engine']} {report['precision']} on {report['device']}, "
        f"{report['gl_renderer'].split(' (')[0]}); paint is {report['age_ms']['p50']:.0f} ms old"
    )
