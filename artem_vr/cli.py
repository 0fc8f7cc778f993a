"""The command line: parses, calls, prints. Whatever takes long to import is imported when a command needs it."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from artem_vr import __version__
from artem_vr.cli_options import (
    AlphaOption,
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    StrengthOption,
    StyleOption,
)
from artem_vr.errors import ArtemError, UsageError
from artem_vr.live_commands import preview, vr
from artem_vr.style_commands import evaluate, export, styles_app

app = typer.Typer(
    name="artem-vr",
    help="The world around you as a painting, in stereo and in real time.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: its styling would cost a third of the start-up time
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(styles_app, name="styles")


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


app.command()(preview)
app.command()(vr)


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
    from artem_vr.config import parse_size
    from artem_vr.offline_painter import StylizeOptions, stylize_file
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
    pairs = {}
    for override in overrides or []:
        key, sign, value = override.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {override}: write KEY=VALUE, for example --set steps=2000")
        pairs[key.strip()] = value.strip()
    from trainer.command import train as run_training  # which takes long: a mistake is told before

    run_training(recipe, pairs, output, resume)


app.command()(evaluate)
app.command()(export)
