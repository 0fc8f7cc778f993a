"""The commands about the styles of a bank: list them, add one, evaluate them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from artem_vr.cli_options import ModelOption
from artem_vr.evaluate_options import (
    ComfortOption,
    DataOption,
    EvaluatedArgument,
    EvaluatingDeviceOption,
    FiguresOption,
    FilmOption,
    JsonOption,
    ModesOption,
    NamedOption,
    PhotographsOption,
    PlotOption,
    RecipeOption,
    ReferenceOption,
    SheetOption,
    StereoPairOption,
    StripOption,
    StylesOption,
)

_SCENE_PICTURES = 60
_SCENE_SIDE = 400


class _ListUnlessTold(TyperGroup):
    """`styles`, `styles NAME` and `styles --json` are short for `styles list ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


styles_app = typer.Typer(
    cls=_ListUnlessTold,
    help="List the painters of the bank, or add one of your own.\n\n"
    "Examples: artem-vr styles; artem-vr styles scream --json; artem-vr styles add painting.jpg --name mine",
    rich_markup_mode=None,
)


@styles_app.command("list")
def list_styles(
    name: Annotated[str | None, typer.Argument(help="Show this style alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    model: ModelOption = None,
) -> None:
    """List the painters of the bank; 'artem-vr styles' alone does the same."""
    from artem_vr.styles import StyleBank

    bank = StyleBank.load(model)
    own = len(bank.names) - bank.added
    cards = [
        (card, index >= own) for index, card in enumerate(bank.card.styles) if name is None or index == bank.index(name)
    ]
    if as_json:
        rows: Any = [{**card.model_dump(), "added": added} for card, added in cards]
        print(json.dumps(rows[0] if name else rows, indent=2, ensure_ascii=False))
        return
    width = max(len(card.name) for card, _ in cards)
    for card, added in cards:
        work = ", ".join(part for part in (card.title, card.year, f"by {card.artist}") if part)
        print(f"{card.name:{width}}  {work}{' (added)' if added else ''}")
    if name is None:
        more = f" and {bank.added} added in {bank.added_folder}" if bank.added else ""
        print(f"\n{own} styles in {bank.path.name}{more}: {bank.card.licence}")


@styles_app.command("add")
def add(
    painting: Annotated[Path, typer.Argument(help="A picture of the painting.")],
    name: Annotated[str, typer.Option(help="What the style is called: lower-case letters, digits and hyphens.")],
    title: Annotated[str | None, typer.Option(help="The painting's title; the file's name if not given.")] = None,
    artist: Annotated[str, typer.Option(help="Who painted it.")] = "unknown",
    year: Annotated[str, typer.Option(help="When.")] = "",
    bank: Annotated[
        Path | None, typer.Option("--bank", "--model", help="Add it to this bank in place of the shipped one.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="A folder of 20 photographs or more to learn on; the recipe's, or else pictures of the built-in scene."
        ),
    ] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(
            help="What measures the style: small, which ships, vgg16 or vgg19, a download, or a file (.safetensors)."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(help="How long it learns.")] = 400,
    short_side: Annotated[
        int, typer.Option(help="Pixels of the painting's short side: more makes its strokes larger.")
    ] = 512,
    device: Annotated[str, typer.Option(help="Where it learns: auto, cpu or cuda.")] = "auto",
    output: Annotated[
        Path | None, typer.Option(help="Write the style to this file (.safetensors), not to where the bank finds it.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an added style of this name.")] = False,
) -> None:
    """Learn the style of a painting, on the network as it is: minutes, and the other styles stay as they are.

    Example: artem-vr styles add painting.jpg --name mine --photos holidays
    """
    from artem_vr.progress import progress_bar
    from trainer.adding import NewStyle, add_style

    wanted = NewStyle(
        painting, name, title, artist, year, bank, photos, perceptual, steps, short_side, output, replace, device
    )
    with progress_bar(f"learning {name}", steps) as advance:
        added = add_style(wanted, advance, _draw_scene)
    print(f"wrote {added.path}")
    print(f"wrote {added.sheet}")
    print(f"learned on {added.photographs}; style loss {added.losses['style']:.3f} on some it never saw")
    model = f" --model {bank}" if bank else ""
    if added.live:
        print(f"look at it: artem-vr preview --style {name}{model}")
    else:
        print("the bank finds it when it lies in the folder that --output leaves out")


def export(
    target: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    model: Annotated[Path | None, typer.Option(help="A bank (.safetensors); the shipped one if not given.")] = None,
) -> None:
    """Write a bank's network as ONNX, for runtimes and hardware that this program does not serve itself.

    Bytes in, bytes out: uint8 pictures (N, H, W, 3) and style vectors (N, D), any number and size in multiples of 8.
    ONNX Runtime must paint with it what PyTorch does before anything is written. Needs: pip install 'artem-vr[onnx]'
    """
    from artem_vr.config import check_output
    from artem_vr.errors import UsageError
    from artem_vr.styles import StyleBank

    check_output(target, "OUT.onnx")
    if target.suffix.lower() != ".onnx":
        raise UsageError(f"{target}: the file's name must end in .onnx")
    bank = StyleBank.load(model)
    from trainer.onnx_export import export_onnx  # only now, for it takes seconds

    print(f"exporting {bank.path.name} and checking it against PyTorch: half a minute ...", flush=True)
    done = export_onnx(bank, target)
    print(
        f"wrote {done.path}: ONNX Runtime is {done.mean_levels:.3f} of 255 from PyTorch in the mean, "
        f"{done.most_levels} at most"
    )


def evaluate(
    model: EvaluatedArgument = None,
    data: DataOption = None,
    recipe: RecipeOption = None,
    reference: ReferenceOption = None,
    sheet: SheetOption = None,
    photographs: PhotographsOption = None,
    device: EvaluatingDeviceOption = "auto",
    as_json: JsonOption = False,
    comfort: ComfortOption = False,
    named: NamedOption = None,
    styles: StylesOption = None,
    modes: ModesOption = None,
    frames: FilmOption = None,
    stereo_pair: StereoPairOption = None,
    plot: PlotOption = None,
    strip: StripOption = None,
    figures: FiguresOption = None,
) -> None:
    """Measure how well a bank paints: content and style loss on photographs that training never saw.

    With --comfort, how calm and how equal in both eyes: artem-vr evaluate --comfort --plot plot.png --strip strip.png
    """
    from artem_vr.config import check_output
    from artem_vr.errors import UsageError
    from artem_vr.progress import progress_bar

    if model is not None and named is not None:
        raise UsageError("the bank is named twice: leave out --model, or what stands without an option")
    model = model or named
    pictures = {"--plot": plot, "--strip": strip, "--figures": figures}
    _check_goes_with(
        comfort,
        {"--styles": styles, "--modes": modes, "--frames": frames, "--stereo-pair": stereo_pair, **pictures},
        {"--data": data, "--recipe": recipe, "--sheet": sheet, "--photographs": photographs},
    )
    for option, path in {"--sheet": sheet, **pictures}.items():
        if path is not None:
            check_output(path, option)
    if comfort:
        asked = {"model": model, "reference": reference, "frames": frames, "stereo_pair": stereo_pair, "device": device}
        names = None if styles is None else tuple(styles.split(","))
        _evaluate_comfort({**asked, "styles": names}, modes, pictures, as_json)
        return
    from trainer.evaluation import Question, render  # only now, for it takes seconds
    from trainer.evaluation import evaluate as measure

    with progress_bar("evaluating") as advance:
        found = measure(Question(model, data, recipe, reference, sheet, photographs, device), advance)
    print(json.dumps(found.to_json(), indent=2) if as_json else render(found))
    if sheet is not None and not as_json:
        print(f"wrote {sheet}")


def _check_goes_with(comfort: bool, with_comfort: dict[str, Any], without: dict[str, Any]) -> None:
    from artem_vr.errors import UsageError

    for option, value in (without if comfort else with_comfort).items():
        if value is not None:
            what = "is about losses: leave it out, or --comfort" if comfort else "goes with --comfort"
            raise UsageError(f"{option} {what}")


def _evaluate_comfort(asked: dict[str, Any], modes: str | None, outputs: dict[str, Path | None], as_json: bool) -> None:
    from artem_vr.errors import UsageError
    from artem_vr.progress import progress_bar

    for option, suffix in (("--plot", ".png"), ("--strip", ".png"), ("--figures", ".json")):
        path = outputs[option]
        if path is not None and path.suffix.lower() != suffix:
            raise UsageError(f"{option} {path}: the file's name must end in {suffix}")
    from trainer.comfort.evaluation import Question  # only now, for it takes seconds
    from trainer.comfort.evaluation import evaluate as measure
    from trainer.comfort.modes import named_modes
    from trainer.comfort.report import render, to_json, write_outputs

    question = Question(**asked, modes=named_modes(modes))
    with progress_bar("measuring") as advance:
        found = measure(question, advance)
    print(json.dumps(to_json(found), indent=2) if as_json else render(found))
    for path in write_outputs(found, *outputs.values()):
        if not as_json:
            print(f"wrote {path}")


def _draw_scene(folder: Path) -> None:
    from artem_vr.app import scene_pictures
    from artem_vr.media.picture import write_picture

    for number, rgb_HWC in enumerate(scene_pictures((_SCENE_SIDE, _SCENE_SIDE), _SCENE_PICTURES)):
        write_picture(folder / f"{number:03d}.png", rgb_HWC)
