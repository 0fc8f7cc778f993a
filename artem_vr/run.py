"""What every live run does between opening its parts and closing them."""

import math
import time
from typing import Any

import numpy as np

from artem_vr.config import RunOptions
from artem_vr.frame import EYES, Size
from artem_vr.gl.context import renderer
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Display, Engine
from artem_vr.stats import RunStats
from artem_vr.style_control import StyleControl
from artem_vr.stylizer import Stylizer


def start_stylizer(engine: Engine, control: StyleControl, compiled_for: Size | None = None) -> Stylizer:
    """The stylizer around an engine, which it owns from here on, also when this raises.

    With `compiled_for`, the (width, height) of one eye, the engine has compiled for it before this returns, so that a
    display does not start with a stutter.
    """
    try:
        styles = control.initial
        if compiled_for is not None:
            engine.paint(np.zeros((EYES, compiled_for[1], compiled_for[0], 3), np.uint8), styles)
        return Stylizer(engine, styles)
    except BaseException:
        engine.close()
        raise


def run_to_the_end(pipeline: Pipeline, seconds: float | None) -> None:
    """Shows frame after frame until the display is done, `seconds` are over (None: never), or Ctrl-C."""
    until = math.inf if seconds is None else time.monotonic() + seconds
    try:
        while time.monotonic() < until and pipeline.tick():
            pass
    except KeyboardInterrupt:
        pass  # ends the run as escape does: what was recorded so far is kept


def report(
    stats: RunStats,
    options: RunOptions,
    display: Display,
    engine: Engine,
    pipeline: Pipeline,
    net_size: Size,
    eye_size: Size,
) -> dict[str, Any]:
    """The figures of a run under their documented keys. Sizes are (width, height) of one eye: painted, and shown."""
    stats.missed_frames = display.missed_frames
    return stats.report(
        {
            "engine": engine.name, "device": engine.device, "precision": engine.precision,
            "net_size": list(net_size), "eye_size": list(eye_size), "source": options.source,
            "upsampling": pipeline.compositor.upsampling, "gl_renderer": renderer(display.ctx),
        }
    )  # fmt: skip
