"""What a run is measured with: as little as was asked for."""

from contextlib import ExitStack

import moderngl

from artem_vr.config import RunOptions
from artem_vr.gl.timer import open_timer
from artem_vr.stats import RunStats
from artem_vr.stylizer import Stylizer
from artem_vr.trace import Trace


def open_stats(stack: ExitStack, options: RunOptions, ctx: moderngl.Context, stylizer: Stylizer) -> RunStats:
    """The figures of a run, with the GPU's times where somebody will read them, and with a trace if one is wanted.

    `stack` closes the timer, before the context that it was made in. The context must be current.
    """
    stats = RunStats(Trace(options.simulated) if options.trace is not None else None)
    stylizer.on_painted = stats.painted
    if options.stats is not None or options.trace is not None:
        timer = stats.gpu = open_timer(ctx, stats.gpu_worked)
        if timer is not None:
            stack.callback(timer.close)
    return stats
