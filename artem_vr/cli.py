"""The command line: parses, calls, prints. Whatever takes long to import is imported when a command needs it."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artem_vr import __version__
from artem_vr.errors import ArtemError, UsageError
from artem_vr.style_commands import evaluate, export, styles_app

if TYPE_CHECKING:
    from artem_vr.config import PreviewOptions

app = typer.Typer(
    name="artem-vr",
    help="The world around you as a painting, in stereo and in real time.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: its styling would cost a third of the start-up time
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(styles_app, name="styles")

_SOURCE_HELP = (
    "scene, image:PATH, folder:PATH, video:PATH, webcam:N, stereo:N (a side-by-side stereo camera) or screen (the next"
    " monitor is screen:1)."
)
_STYLE_HELP = (
    "A style of the bank (see 'artem-vr styles'), the path of any picture, or a mix: starry-night:0.7,scream:0.3,"
    " a.jpg:0.5,b.jpg:0.5. The first of the bank if not given."
)

SourceOption = Annotated[str, typer.Option(help=_SOURCE_HELP)]
StyleOption = Annotated[str | None, typer.Option(help=_STYLE_HELP)]
StrengthOption = Annotated[float, typer.Option(help="From 0, the original, to 1, the painting.")]
AlphaOption = Annotated[
    float,
    typer.Option(
        help="From 0 to 1: how far the style goes in what the network sees, where --strength mixes finished pixels."
    ),
]
EngineOption = Annotated[str, typer.Option(help="What runs the network: auto, torch or openvino.")]
DeviceOption = Annotated[str, typer.Option(help="Where it runs: auto, cpu or cuda.")]
PrecisionOption = Annotated[
    str, typer.Option(help="auto, f32, bf16, int8 for a bank calibrated for it, or f16 on a GPU.")
]
ModelOption = Annotated[
    Path | None, typer.Option(help="A bank of your own (.safetensors) in place of the shipped one.")
]
SizeOption = Annotated[str, typer.Option(help="Width x height of the picture with both eyes side by side.")]
NetSizeOption = Annotated[
    str | None,
    typer.Option(
        help="Width x height at which one eye is painted: more is finer and slower. As the processor can if not given."
    ),
]


def main() -> None:
    """Runs the command line. A mistake ends in one line on the error stream and exit code 2."""
    if os.environ.get("ARTEM_VR_DEBUG"):
        import logging

        logging.basicConfig(level=logging.DEBUG)
    try:
        code = app(standalone_mode=False)
    except ArtemError as error:
        _fail(" ".join(str(error).split()))
    except (KeyboardInterrupt, typer.Abort):
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if os.environ.get("ARTEM_VR_DEBUG"):
            raise
        _fail(f"the system refused: {error.strerror or error} (ARTEM_VR_DEBUG=1 shows where)")
    except Exception as error:
        # Typer's own usage errors carry their text; anything else is a defect and keeps its traceback.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        _fail(f"{error.format_message()} (see '{_command(context)} --help')")
    sys.exit(code or 0)


def _command(context: Any) -> str:
    """How the command of a context is called, whatever the program was started as."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return " ".join(["artem-vr", *names])


def _fail(line: str) -> None:
    print(f"artem-vr: {line}", file=sys.stderr)
    sys.stdout.flush()
    sys.exit(2)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """The world around you as a painting, in stereo and in real time."""
    if version:
        print(f"artem-vr {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def preview(
    source: SourceOption = "scene",
    style: StyleOption = None,
    strength: StrengthOption = 1.0,
    alpha: AlphaOption = 1.0,
    size: SizeOption = "1280x720",
    net_size: NetSizeOption = None,
    engine: EngineOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    upsampling: Annotated[
        str,
        typer.Option(
            help="How paint is brought to full size: joint follows the edges of the picture, joint-fast does so at a"
            " third of the cost, bilinear not at all; auto is joint-fast where the processor draws."
        ),
    ] = "auto",
    model: ModelOption = None,
    stereo: Annotated[bool, typer.Option("--stereo", help="The source holds both eyes side by side.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="No window; needs --frames.")] = False,
    frames: Annotated[int | None, typer.Option(help="Stop after this many frames.")] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Headless: a simulated clock of this rate; every frame is painted before it is shown."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Write what is shown to a video (.mp4, .mkv, .mov), in real time unless --fps is given."),
    ] = None,
    snapshot: Annotated[Path | None, typer.Option(help="Write the last frame to a picture (.png, .jpg).")] = None,
    stats: Annotated[Path | None, typer.Option(help="Write the figures of the run as JSON.")] = None,
) -> None:
    """Look into a painted stereo world: a window with one picture for each eye, or headless.

    Keys in the window: left and right change the style, up and down its strength, space shows the original, s takes a
    snapshot, f fills the screen, h shows help, escape leaves. With a mouse button held, the mouse looks around and
    W, A, S, D walk; r goes back to the guided walk.

    Examples: artem-vr preview --style great-wave; artem-vr preview --source webcam:0;
    artem-vr preview --headless --frames 120 --record walk.mp4
    """
    from artem_vr.config import PreviewOptions, parse_size

    options = PreviewOptions(
        source=source, style=style, strength=strength, alpha=alpha, size=parse_size(size),
        net_size=parse_size(net_size, "--net-size") if net_size else None,
        engine=engine, device=device, precision=precision, upsampling=upsampling, model=model, stereo=stereo,
        headless=headless, frames=frames, fps=fps, record=record, snapshot=snapshot, stats=stats,
    )  # fmt: skip
    report = _run_preview(options)
    print(_summary(report))
    for path in (record, snapshot, stats):
        if path is not None:
            print(f"wrote {path}")


@app.command()
def stylize(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A picture, a video, or a folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="A file of the same kind; a folder for a folder.")],
    style: StyleOption = None,
    strength: StrengthOption = 1.0,
    alpha: AlphaOption = 1.0,
    size: Annotated[str | None, typer.Option(help="Width x height of the output; as the input if not given.")] = None,
    engine: EngineOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    model: ModelOption = None,
) -> None:
    """Paint a picture, a video (its sound is kept) or every picture of a folder."""
    from artem_vr.config import StylizeOptions, parse_size
    from artem_vr.offline_painter import stylize_file
    from artem_vr.progress import progress_bar

    new_size = parse_size(size) if size else None
    options = StylizeOptions(source, target, style, strength, alpha, new_size, model, engine, device, precision)
    with progress_bar(f"painting {source.name}") as advance:
        stylize_file(options, advance)
    print(f"wrote {target}")


@app.command()
def bench(
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="OUT.json", help="Write the rows as JSON.")
    ] = None,
    model: ModelOption = None,
) -> None:
    """Measure the network on this machine, against its arithmetic limit and against the naive pipeline."""
    from rich.console import Console

    from artem_vr.bench import render, run_bench
    from artem_vr.config import check_output
    from artem_vr.progress import progress_bar
    from artem_vr.stats import write_json
    from artem_vr.styles import StyleBank

    if json_path is not None:
        check_output(json_path, "--json")
    with progress_bar("measuring") as advance:
        report = run_bench(StyleBank.load(model), advance)
    render(report, Console())
    if json_path is not None:
        write_json(report.to_json(), json_path)
        print(f"wrote {json_path}")


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what this machine has, and what to install."""
    from rich.console import Console

    from artem_vr.doctor import inspect_machine, render, to_json

    findings = inspect_machine()
    if as_json:
        print(json.dumps(to_json(findings), indent=2))
    else:
        render(findings, Console())


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where demo.mp4, demo.png and demo.json go.")] = Path(),
    seconds: Annotated[float, typer.Option(help="How long the walk is.")] = 30.0,
) -> None:
    """Walk through the built-in scene, from painter to painter, and leave a film of it."""
    from artem_vr.demo import run_demo

    run_demo(folder, seconds)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train; see trainer/recipes.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe's value.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME if not given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
) -> None:
    """Train a network of your own."""
    from trainer.command import train as run_training

    pairs = {}
    for override in overrides or []:
        key, sign, value = override.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {override}: write KEY=VALUE, for example --set steps=2000")
        pairs[key.strip()] = value.strip()
    run_training(recipe, pairs, output, resume)


app.command()(evaluate)
app.command()(export)


def _run_preview(options: "PreviewOptions") -> dict[str, Any]:
    from artem_vr.app import preview as run
    from artem_vr.progress import progress_bar

    if options.headless:
        with progress_bar("painting", options.frames) as advance:
            return run(options, lambda frame: advance(frame, options.frames))
    return run(options)


def _summary(report: dict[str, Any]) -> str:
    width, height = report["eye_size"]
    net_width, net_height = report["net_size"]
    return (
        f"{report['frames']} frames of 2 x {width}x{height} in {report['seconds']:.1f} s: "
        f"{report['display_fps']:.1f} shown and {report['stylized_fps']:.1f} painted a second "
        f"(2 x {net_width}x{net_height}, {report['engine']} {report['precision']} on {report['device']}, "
        f"{report['gl_renderer'].split(' (')[0]}); paint is {report['age_ms']['p50']:.0f} ms old"
    )
