"""What every live run does between opening its parts and closing them."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from artem_vr.comfort import Comfort
from artem_vr.config import RunOptions, default_net_size
from artem_vr.errors import UsageError
from artem_vr.foveation import picture_size
from artem_vr.frame import Size
from artem_vr.gl.context import is_software, renderer
from artem_vr.governor import BudgetGovernor
from artem_vr.paint_budget import PaintBudget
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Display, Engine, PreparingEngine, can_paint_steadily
from artem_vr.size_ladder import nearest_rung, size_ladder
from artem_vr.stats import RunStats
from artem_vr.steadiness import Steadiness
from artem_vr.style_control import StyleControl
from artem_vr.stylizer import Stylizer

_USUAL_FPS, _MODEST_FPS = 60.0, 20.0


def start_stylizer(
    engine: Engine, control: StyleControl, comfort: Comfort, first: Callable[[Engine], None] | None = None
) -> Stylizer:
    """The stylizer around an engine, which it owns from here on, also when this raises.

    What `first` does with the engine, such as `warm_up`, is done before this returns, so that a display does not start
    with a stutter.
    """
    try:
        if first is not None:
            first(engine)
        return Stylizer(engine, control.initial, Steadiness(comfort.steady, comfort.shares_statistics))
    except BaseException:
        engine.close()
        raise


def warm_up(engine: Engine, control: StyleControl, comfort: Comfort, size: Size, pictures: int) -> None:
    """Paints once as will be painted then: so many pictures of an eye of this (width, height), in this way.

    Raises `UsageError` for foveated painting with an engine that cannot do it.
    """
    if comfort.scales > 1 and not can_paint_steadily(engine):
        raise UsageError(
            f"--foveated: the {engine.name} engine with this bank cannot paint the middle as part of the whole; leave"
            " it out, or take --engine openvino, torch or cuda-graph and a compact bank"
        )
    width, height = picture_size(size, comfort.periphery)
    pixels_EHWC = np.zeros((pictures, height, width, 3), np.uint8)
    styles_ED = np.repeat(control.initial[:1], pictures, axis=0)
    if (comfort.steady > 0 or comfort.scales > 1) and can_paint_steadily(engine):
        engine.paint_steady(pixels_EHWC, styles_ED, None, 1.0)
    else:
        engine.paint(pixels_EHWC, styles_ED)


def open_budget(
    options: RunOptions,
    display: Display,
    engine: Engine,
    eye_size: Size,
    before_work: Callable[[], None] | None = None,
) -> PaintBudget | None:
    """What fits the painting of eyes of this size to what the display can bear.

    None where a size is asked for, and with a simulated clock, which waits for every painting. The engine must be open.
    The thread that prepares it for other pictures begins with `before_work`.
    """
    if options.net_size is not None or options.simulated:
        return None
    target = _target_fps(options, display, engine)
    start = default_net_size(eye_size)
    # It begins with the size that has been compiled already, in the place of the nearest rung.
    sizes = size_ladder(eye_size)
    sizes[nearest_rung(sizes, start)] = start

    def prepare(size: Size, pictures: int) -> None:
        if before_work is not None:
            before_work()
        if isinstance(engine, PreparingEngine):
            engine.prepare((pictures, size[1], size[0], 3))

    return PaintBudget(BudgetGovernor(sizes, start, target), target, prepare)


def _target_fps(options: RunOptions, display: Display, engine: Engine) -> float:
    if options.target_fps is not None:
        # More than it can show would never be reached, and all paint be given up for it.
        return min(options.target_fps, display.refresh_rate or math.inf)
    rate = display.refresh_rate or _USUAL_FPS
    if engine.device == "cpu" and is_software(display.ctx):
        return min(rate, _MODEST_FPS)  # where one processor does all, what paint would give up for more shows more
    return rate


def run_to_the_end(
    pipeline: Pipeline, seconds: float | None, between_frames: Callable[[], None] = lambda: None
) -> None:
    """Shows frame after frame until the display is done, `seconds` are over (None: never), or Ctrl-C.

    `between_frames` is called before each, on the thread of the display.
    """
    until = math.inf if seconds is None else time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            between_frames()
            if not pipeline.tick():
                break
    except KeyboardInterrupt:
        pass  # ends the run as escape does: what was recorded so far is kept


def report(
    stats: RunStats,
    options: RunOptions,
    display: Display,
    engine: Engine,
    pipeline: Pipeline,
    eye_size: Size,
) -> dict[str, Any]:
    """The figures of a run under their documented keys. Sizes are (width, height) of one eye: painted, and shown."""
    stats.missed_frames = display.missed_frames
    return stats.report(
        {
            "engine": engine.name, "device": engine.device, "precision": engine.precision,
            "net_size": list(pipeline.net_size), "pictures": pipeline.pictures,
            "eye_size": list(eye_size), "source": options.source,
            "bridge": pipeline.bridge_name, "host_bytes_per_frame": round(pipeline.host_bytes / max(1, stats.frames)),
            "comfort": asdict(pipeline.comfort),
            "budget": pipeline.budget.report() if pipeline.budget is not None else None,
            "upsampling": pipeline.compositor.upsampling, "gl_renderer": renderer(display.ctx),
        }
    )  # fmt: skip
