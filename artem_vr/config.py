"""The options of a run, checked before anything opens."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from artem_vr.comfort import PERIPHERIES, Comfort, check_comfort
from artem_vr.compositor import UPSAMPLINGS
from artem_vr.errors import InputError, UsageError, unknown_name
from artem_vr.frame import EYES, Size
from artem_vr.media.kinds import is_picture, is_video
from artem_vr.media.pending_file import PendingFile
from artem_vr.media.picture import check_picture_suffix
from artem_vr.media.video_writer import check_video_suffix
from artem_vr.style_control import Cue, check_strength

LIVE_SOURCES = ("webcam", "stereo")
SCREENS = ("world", "head")
_CAMERA_FOV, _PICTURE_FOV = 70.0, 60.0
"""Degrees across: a common webcam's, and a cinema's from a good seat."""

SOURCES = ("scene", "image:PATH", "folder:PATH", "video:PATH", "webcam:N", "stereo:N", "screen")

_SIZE = re.compile(r"^(\d{1,5})x(\d{1,5})$", re.IGNORECASE)
_LARGEST = 16_384
_NET_STEP = 16
_NET_PIXELS = 320 * 352
"""Pixels of one eye that a small processor paints at display rate."""
_SMALLEST_NET, _LARGEST_NET = 32, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What every live run is asked for, whatever it is shown on. Sizes are (width, height).

    `side_by_side`: the source's pictures hold both eyes. `stereo`, `carry`, `settle` and `steady` are those of
    `artem_vr.comfort.Comfort`, None for its own; `split` is "before" or "after", which of the two is on the left.
    `foveated` paints the rest of each eye coarser than its middle, by "half" or as `periphery` says.
    """

    source: str = "scene"
    style: str | None = None
    strength: float = 1.0
    alpha: float = 1.0
    net_size: Size | None = None
    target_fps: float | None = None
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    upsampling: str = "auto"
    model: Path | None = None
    side_by_side: bool = False
    stereo: str | None = None
    carry: bool = True
    settle: float | None = None
    steady: float | None = None
    split: str | None = None
    foveated: bool = False
    periphery: str | None = None
    frames: int | None = None
    seconds: float | None = None
    record: Path | None = None
    snapshot: Path | None = None
    snapshot_frame: int | None = None
    stats: Path | None = None
    trace: Path | None = None
    cues: tuple[Cue, ...] = field(default=())

    @property
    def simulated(self) -> bool:
        """True when the clock is simulated: every frame is painted before it is shown, whatever that takes."""
        return False

    @property
    def is_foveated(self) -> bool:
        """Whether the middle of what the eyes see is to be painted more finely."""
        return self.foveated or self.periphery is not None

    def pictures(self, comfort: Comfort) -> int:
        """How many pictures of a frame will be painted, as `Comfort.views` decides when it sees the first one."""
        kind = parse_source(self.source)[0]
        if kind == "scene":
            is_one = comfort.stereo == "one" and comfort.carry
        else:
            is_one = comfort.stereo != "both" and kind != "stereo" and not self.side_by_side
        return (1 if is_one else EYES) * comfort.scales

    def comfort(self, on_processor: bool) -> Comfort:
        """How paint is kept calm: as asked for, and else as suits what paints.

        Where that is a processor, one painting for both eyes: it costs half, and is as calm and as alike.
        """
        stereo = self.stereo or ("one" if on_processor and self.carry else None)
        asked = {"stereo": stereo, "settle": self.settle, "steady": self.steady}
        given = {name: value for name, value in asked.items() if value is not None}
        periphery = PERIPHERIES[self.periphery or "half"] if self.is_foveated else 1
        return Comfort(carry=self.carry, periphery=periphery, **given)  # type: ignore[arg-type]  # checked: see `artem_vr.comfort.check_comfort`


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOptions(RunOptions):
    """What `artem-vr preview` was asked for. `size` is the whole picture, both eyes."""

    size: Size = (1280, 720)
    headless: bool = False
    fps: float | None = None

    @property
    def eye_size(self) -> Size:
        """The size of one eye."""
        return self.size[0] // EYES, self.size[1]

    @property
    def simulated(self) -> bool:
        """True when a rate is given for the clock."""
        return self.fps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class VrOptions(RunOptions):
    """What `artem-vr vr` was asked for.

    `screen` says what a flat picture hangs on, "world" or "head" (None: a camera's on the head, any other in the
    world); `camera_fov` is how wide it is, in degrees (None: as such sources are, see `field_of_view`);
    `camera_latency_ms` is the time from the light to the computer; `eye_scale` how large an eye's picture is along
    each side, against what the headset recommends. With `once` a lost session is not waited for.
    """

    screen: str | None = None
    camera_fov: float | None = None
    camera_latency_ms: float = 0.0
    eye_scale: float = 1.0
    once: bool = False

    @property
    def is_live(self) -> bool:
        """True for sources that see what is there now, as a camera on the head does."""
        return parse_source(self.source)[0] in LIVE_SOURCES

    @property
    def lock(self) -> str:
        """What a flat picture hangs on."""
        return self.screen or ("head" if self.is_live else "world")

    @property
    def field_of_view(self) -> float:
        """How wide a flat picture is, in radians."""
        usual = _CAMERA_FOV if self.is_live else _PICTURE_FOV
        return math.radians(usual if self.camera_fov is None else self.camera_fov)


def parse_source(text: str) -> tuple[str, str]:
    """A source's kind and argument: ("image", "photo.jpg"), ("webcam", "0"), ("scene", "").

    Raises `UsageError` for one that does not exist and `InputError` for a file that is not there.
    """
    kind, _, argument = text.partition(":")
    if kind in {"webcam", "stereo", "screen"}:
        argument = argument or "0"
        if not argument.isdecimal():
            what = "a monitor" if kind == "screen" else "a camera"
            raise UsageError(f"--source {text}: {what} is named by its number, for example {kind}:0")
    elif kind in {"image", "folder", "video"} and argument:
        if not Path(argument).expanduser().exists():
            raise InputError(f"--source {text}: {argument} does not exist: check the path")
    elif text != "scene":
        raise UsageError(f"--source {text}: {_suggestion(text)}")
    return kind, argument


def _suggestion(text: str) -> str:
    """What to write for a source that is none: a path lacks its kind, anything else can be all of them."""
    path = Path(text).expanduser()
    if path.is_dir():
        return f"write folder:{text}"
    if path.is_file() or ":" not in text:
        if is_video(path):
            return f"write video:{text}"
        if is_picture(path):
            return f"write image:{text}"
    return f"choose {', '.join(SOURCES)}"


def parse_size(text: str, option: str = "--size") -> Size:
    """`WxH` as (width, height). Raises `UsageError`."""
    match = _SIZE.match(text.strip())
    if not match:
        raise UsageError(f"{option} {text}: write width x height, for example 1280x720")
    width, height = int(match.group(1)), int(match.group(2))
    if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
        raise UsageError(f"{option} {text}: width and height lie between 1 and {_LARGEST}")
    return width, height


def default_net_size(eye_size: Size) -> Size:
    """The size of an eye, or the part of it that a small processor paints at display rate: half of 640x720.

    Sides are multiples of 16, which every network and runtime likes.
    """
    width, height = eye_size
    scale = min(1.0, (_NET_PIXELS / (width * height)) ** 0.5)
    return _rounded(width * scale), _rounded(height * scale)


def _rounded(side: float) -> int:
    return max(_SMALLEST_NET, round(side / _NET_STEP) * _NET_STEP)


def check(options: PreviewOptions) -> None:
    """Raises `ArtemError` for options that make no sense, inputs that are missing, outputs that cannot be written."""
    width, height = options.size
    if width < 2 * _SMALLEST_NET or height < _SMALLEST_NET:
        raise UsageError(f"--size {width}x{height} is too small: both eyes together take at least 64x32")
    if options.fps is not None and not 0 < options.fps <= 1000:
        raise UsageError(f"--fps {options.fps:g}: choose a rate above 0 and up to 1000")
    if options.simulated and not options.headless:
        raise UsageError("--fps goes with --headless: a window runs at the screen's rate")
    if options.headless and options.frames is None:
        raise UsageError("--headless runs for ever without --frames N: say how many frames to show")
    _check_run(options)


def check_vr(options: VrOptions) -> None:
    """The same for a headset."""
    if options.screen is not None and options.screen not in SCREENS:
        raise UsageError(unknown_name("screen", options.screen, SCREENS))
    if options.camera_fov is not None and not 1 <= options.camera_fov <= 170:
        raise UsageError(f"--camera-fov {options.camera_fov:g}: choose an angle from 1 to 170 degrees")
    if not 0.1 <= options.eye_scale <= 2:
        raise UsageError(f"--eye-scale {options.eye_scale:g}: choose a factor from 0.1 to 2")
    if not 0 <= options.camera_latency_ms <= 1000:
        raise UsageError(f"--camera-latency-ms {options.camera_latency_ms:g}: choose a time from 0 to 1000")
    _check_run(options)


def _check_run(options: RunOptions) -> None:
    parse_source(options.source)
    if options.upsampling not in UPSAMPLINGS:
        raise UsageError(unknown_name("upsampling", options.upsampling, UPSAMPLINGS))
    if options.net_size is not None:
        if min(options.net_size) < _SMALLEST_NET:
            raise UsageError(f"--net-size: width and height are at least {_SMALLEST_NET}")
        if any(side % 2 for side in options.net_size):
            raise UsageError("--net-size: width and height must be even")
        if max(options.net_size) > _LARGEST_NET:
            raise UsageError(f"--net-size: width and height are at most {_LARGEST_NET}")
    if options.target_fps is not None:
        _check_target(options, options.target_fps)
    check_strength(options.strength, options.alpha)
    check_comfort(options.stereo, options.settle, options.steady, options.split, options.periphery)
    if options.frames is not None and options.frames < 1:
        raise UsageError(f"--frames {options.frames}: show at least one frame")
    _check_outputs(options)
    if options.record is not None:
        check_video_suffix(options.record)
    if options.snapshot is not None:
        check_picture_suffix(options.snapshot)


def _check_target(options: RunOptions, target_fps: float) -> None:
    if not 1 <= target_fps <= 1000:
        raise UsageError(f"--target-fps {target_fps:g}: choose a rate from 1 to 1000")
    if options.net_size is not None:
        raise UsageError("--target-fps chooses the network's size: leave it out, or --net-size")
    if options.simulated:
        raise UsageError("--target-fps goes with a live clock: leave it out, or --fps")


def _check_outputs(options: RunOptions) -> None:
    kind, argument = parse_source(options.source)
    taken = {Path(argument).expanduser().resolve(): "the source"} if kind in {"image", "video"} else {}
    outputs = {
        "--record": options.record,
        "--snapshot": options.snapshot,
        "--stats": options.stats,
        "--trace": options.trace,
    }
    for option, path in outputs.items():
        if path is None:
            continue
        if owner := taken.get(path.resolve()):
            raise UsageError(f"{option} {path} is {owner} already: choose another name")
        taken[path.resolve()] = option
        check_output(path, option)


def check_output(path: Path, option: str) -> None:
    """Raises `UsageError` or `DisplayError` when `path` is a folder, or lies where nothing can be written."""
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder: name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}; make it first")
    PendingFile(path).discard()  # better to know now than after the performance
