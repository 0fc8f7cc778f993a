"""What several commands can be asked for, and the help that says so."""

from pathlib import Path
from typing import Annotated

import typer

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
EngineOption = Annotated[
    str, typer.Option(help="What runs the network: auto, torch, openvino, onnxruntime or cuda-graph.")
]
DeviceOption = Annotated[
    str, typer.Option(help="Where it runs: auto, cpu, cuda, or with onnxruntime directml, coreml or rocm.")
]
PrecisionOption = Annotated[
    str, typer.Option(help="auto, f32, bf16, int8 for a bank calibrated for it, or f16 on a GPU.")
]
ModelOption = Annotated[
    Path | None,
    typer.Option(help="Another bank: swift (the same painters, faster), adain, or a file of your own (.safetensors)."),
]
SizeOption = Annotated[str, typer.Option(help="Width x height of the picture with both eyes side by side.")]
NetSizeOption = Annotated[
    str | None,
    typer.Option(
        help="Width x height at which one eye is painted; with --foveated its middle is as fine as that. More is finer"
        " and slower. As the processor can if not given."
    ),
]
TargetFpsOption = Annotated[
    float | None,
    typer.Option(
        help="Frames a second to show: the network's size, and how often it paints, are fitted to that. The display's"
        " own rate, which is also the most, if not given; 20 where the processor does everything. Not with --net-size."
    ),
]
UpsamplingOption = Annotated[
    str,
    typer.Option(
        help="How paint is brought to full size: joint follows the edges of the picture, joint-fast does so at a"
        " third of the cost, bilinear not at all; auto is joint-fast where the processor draws."
    ),
]
SideBySideOption = Annotated[
    bool, typer.Option("--side-by-side", help="The source holds both eyes side by side, the left one first.")
]
StereoOption = Annotated[
    str | None,
    typer.Option(
        help="What the eyes share. both: each is painted for itself. shared: what both see is painted alike."
        " one: the left eye is painted, and the right one borrows its paint through depth, for half the work; the same"
        " as shared for cameras and films, which have none. If not given: one where the processor paints, else shared."
    ),
]
CarryOption = Annotated[
    bool,
    typer.Option(
        "--carry/--no-carry", help="Lay paint where its surfaces are now, not where they were when it was begun."
    ),
]
SettleOption = Annotated[
    float | None,
    typer.Option(help="Seconds over which paint on a surface changes: more is calmer, 0 changes it at once."),
]
SteadyOption = Annotated[
    float | None,
    typer.Option(
        help="Seconds over which the network gets used to another view: more is steadier, 0 looks at each anew."
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        help="Show half of each picture without carrying, settling and sharing: before or after, whichever shall be on"
        " the left."
    ),
]
FoveatedOption = Annotated[
    bool,
    typer.Option(
        "--foveated",
        help="Paint finely only what the eyes look at, in the middle, or anywhere if the headset follows them: half the"
        " work, and as fine there.",
    ),
]
PeripheryOption = Annotated[
    str | None,
    typer.Option(
        help="How fine all around is then, along each side: half (if not given) or quarter. Implies --foveated."
    ),
]
FramesOption = Annotated[int | None, typer.Option(help="Stop after this many frames.")]
RecordOption = Annotated[
    Path | None,
    typer.Option(help="Write what is shown to a video (.mp4, .mkv, .mov), in real time unless --fps is given."),
]
SnapshotOption = Annotated[Path | None, typer.Option(help="Write the last frame to a picture (.png, .jpg).")]
StatsOption = Annotated[Path | None, typer.Option(help="Write the figures of the run as JSON.")]
TraceOption = Annotated[
    Path | None,
    typer.Option(help="Write a timeline of the run as JSON, to be opened in ui.perfetto.dev or chrome://tracing."),
]
