"""What `artem-vr evaluate` can be asked for, and the help that says so."""

from pathlib import Path
from typing import Annotated

import typer

EvaluatedArgument = Annotated[Path | None, typer.Argument(help="A bank (.safetensors); the shipped one if not given.")]
DataOption = Annotated[Path | None, typer.Option(help="The folder with photos, paintings and the perceptual network.")]
RecipeOption = Annotated[Path | None, typer.Option(help="Whose paintings and losses; the shipped bank's if not given.")]
ReferenceOption = Annotated[Path | None, typer.Option(help="Another bank to compare with.")]
SheetOption = Annotated[Path | None, typer.Option(help="Write a contact sheet (.png).")]
PhotographsOption = Annotated[int | None, typer.Option(help="Take so many of the held-out photographs, not all.")]
EvaluatingDeviceOption = Annotated[str, typer.Option(help="Where it runs: auto, cpu or cuda.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ComfortOption = Annotated[
    bool,
    typer.Option(
        "--comfort",
        help="Measure what eyes bear instead: how calm the painted scene is in time, and how equal in both eyes.",
    ),
]
NamedOption = Annotated[
    Path | None, typer.Option("--model", help="The same as the argument, as other commands have it.")
]
StylesOption = Annotated[
    str | None, typer.Option(help="With --comfort: these styles, with commas between them; four if not given.")
]
ModesOption = Annotated[
    str | None,
    typer.Option(
        help="With --comfort: how paint is shown: alone, plain, carried, steady, settled, shared, one, live;"
        " or all of these."
    ),
]
FilmOption = Annotated[
    Path | None, typer.Option(help="With --comfort: also the pictures of a film in this folder, by optical flow.")
]
StereoPairOption = Annotated[
    tuple[Path, Path, Path] | None,
    typer.Option(
        metavar="LEFT RIGHT DISPARITY",
        help="With --comfort: also a stereo photograph, and its true disparity in pixels (.npy, .npz, .pfm or"
        " 16-bit .png).",
    ),
]
PlotOption = Annotated[Path | None, typer.Option(help="With --comfort: draw each frame's error over time (.png).")]
StripOption = Annotated[
    Path | None,
    typer.Option(help="With --comfort: follow one point through time and through both eyes, mode by mode (.png)."),
]
FiguresOption = Annotated[
    Path | None, typer.Option(metavar="OUT.json", help="With --comfort: write the figures as JSON.")
]
