"""The two live runs: on a desktop (in a window, or without a screen), and in a headset."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from artem_vr.app import (
    check_engine,
    hang,
    head_path,
    open_bridge,
    open_display,
    open_engine,
    open_headset,
    open_shared_bridge,
    open_source,
    paints_on_gpu,
)
from artem_vr.brightness import BrightnessLimiter
from artem_vr.comfort import Comfort
from artem_vr.comfort_control import ComfortControl
from artem_vr.compositor import Compositor
from artem_vr.config import PreviewOptions, RunOptions, VrOptions, check, check_vr, default_net_size
from artem_vr.errors import DisplayError
from artem_vr.frame import FrameRequest, Size
from artem_vr.gl.upload import FrameUploader
from artem_vr.instruments import open_stats
from artem_vr.late_engine import LateEngine
from artem_vr.machine import has_screen
from artem_vr.outputs import Outputs
from artem_vr.paint_budget import PaintBudget
from artem_vr.panel_feed import PanelFeed
from artem_vr.picture_styles import open_bank
from artem_vr.pipeline import Pipeline
from artem_vr.ports import Bridge, Display, Engine, can_paint_steadily
from artem_vr.run import open_budget, report, run_to_the_end, start_stylizer, warm_up
from artem_vr.style_control import StyleControl
from artem_vr.stylizer import Stylizer
from artem_vr.thread_priority import let_others_first, short_turns

_TELLING_FRAMES = 20
"""After so many a headset has told its rate: before the first one it does not, and the first ones are late."""


def preview(options: PreviewOptions, on_frame: Callable[[int], None] = lambda frame: None) -> dict[str, Any]:
    """Runs a preview to its end and returns its statistics (see `artem_vr.stats`).

    `on_frame` is told the count of frames shown. Raises `ArtemError`; then no output file is left behind.
    """
    check(options)
    if not options.headless and not has_screen():
        raise DisplayError("no screen to open a window on: use --headless --frames N")
    net_size = options.net_size or default_net_size(options.eye_size)
    with short_turns(), ExitStack() as stack:
        bank = open_bank(options.model, options.style)
        control = StyleControl(bank, options.style, options.strength, options.cues, alpha=options.alpha)
        # Before the display, so that no window stands empty while the network is compiled.
        engine = open_engine(bank, options.engine, options.device, options.precision)
        comfort = ComfortControl.for_run(options, engine.device == "cpu", lambda: can_paint_steadily(engine))
        ready = _ready(options, control, comfort.comfort, net_size)
        stylizer = start_stylizer(engine, control, comfort.comfort, ready)
        stack.callback(stylizer.close)
        display = open_display(options, head_path(options))
        stack.callback(display.close)
        stats = open_stats(stack, options, display.ctx, stylizer)
        outputs = stack.enter_context(
            Outputs(options, display, stats, on_frame, live=not options.headless, rate=options.fps)
        )
        source = open_source(display, options, options.eye_size)
        stack.callback(source.close)
        uploader, bridge, compositor = _open_passes(stack, display, options, net_size, engine)
        stack.callback(stylizer.close)  # once more, for it goes before a bridge whose memory it reads
        pipeline = Pipeline(
            display, source, uploader, bridge, stylizer, compositor, control, stats,
            every_frame=options.simulated, on_shown=outputs.frame_shown, on_snapshot=outputs.take_snapshot,
            comfort=comfort,
        )  # fmt: skip
        stack.callback(pipeline.close)
        pipeline.budget = _kept(stack, open_budget(options, display, engine, options.eye_size))
        run_to_the_end(pipeline, options.seconds)
        figures = report(stats, options, display, engine, pipeline, pipeline.eye_size)
        outputs.finish(figures)
    return figures


def vr(
    options: VrOptions,
    on_frame: Callable[[int], None] = lambda frame: None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Shows the painted world in a headset, to the end, and returns the run's statistics (see `artem_vr.stats`).

    `on_frame` is told the count of frames shown, `say` a line on where that is. Raises `ArtemError`; then no output
    file is left behind.
    """
    check_vr(options)
    check_engine(options.engine, options.device)
    with short_turns(), ExitStack() as stack:
        bank = open_bank(options.model, options.style)
        control = StyleControl(bank, options.style, options.strength, options.cues, alpha=options.alpha)
        headset = open_headset(options, say)
        stack.callback(headset.close)
        source = open_source(headset, options, headset.eye_size)
        stack.callback(source.close)
        display, picture_size = hang(stack, headset, source, options)
        net_size = options.net_size or default_net_size(picture_size)
        # It opens and compiles while the headset shows the dark already.
        opening = partial(open_engine, bank, options.engine, options.device, options.precision)
        comfort = ComfortControl.for_run(
            options,
            not paints_on_gpu(options.engine, options.device),
            lambda: engine.opened is not None and can_paint_steadily(engine.opened),
        )
        engine = LateEngine(opening, _ready(options, control, comfort.comfort, net_size))
        stylizer = start_stylizer(engine, control, comfort.comfort)
        stack.callback(stylizer.close)
        stack.callback(engine.abandon)
        stats = open_stats(stack, options, display.ctx, stylizer)
        outputs = stack.enter_context(Outputs(options, display, stats, on_frame, live=True))
        feed = PanelFeed(control, stats, bank.names, headset.show_status, comfort)
        uploader, bridge, compositor = _open_passes(stack, display, options, net_size, None)
        pipeline = Pipeline(
            display, source, uploader, bridge, stylizer, compositor, control, stats,
            limiter=BrightnessLimiter(), wait_for_first=False, on_shown=_each(outputs.frame_shown, feed.frame_shown),
            comfort=comfort,
        )  # fmt: skip
        stack.callback(pipeline.close)

        def engine_is_open() -> bool:
            if engine.opened is None or stats.frames < _TELLING_FRAMES:
                return False
            _share_bridge(stack, display, pipeline, stylizer, bridge, engine.opened)
            budget = open_budget(options, display, engine.opened, picture_size, let_others_first)
            pipeline.budget = feed.budget = _kept(stack, budget)
            return True

        run_to_the_end(pipeline, options.seconds, between_frames=_once(engine_is_open))
        figures = report(stats, options, display, engine, pipeline, headset.eye_size)
        outputs.finish(figures)
    return figures


def _ready(options: RunOptions, control: StyleControl, comfort: Comfort, size: Size) -> Callable[[Engine], None]:
    """Makes an engine ready for what the run will have painted."""
    return partial(warm_up, control=control, comfort=comfort, size=size, pictures=options.pictures(comfort))


def _kept(stack: ExitStack, budget: PaintBudget | None) -> PaintBudget | None:
    """The budget, which `stack` closes."""
    if budget is not None:
        stack.callback(budget.close)
    return budget


def _each(*observers: Callable[[FrameRequest], None]) -> Callable[[FrameRequest], None]:
    """Tells all of them, in this order."""

    def tell(request: FrameRequest) -> None:
        for observer in observers:
            observer(request)

    return tell


def _once(try_to: Callable[[], bool]) -> Callable[[], None]:
    """Tries until it is done, and then no more."""
    done = False

    def tried() -> None:
        nonlocal done
        done = done or try_to()

    return tried


def _share_bridge(
    stack: ExitStack, display: Display, pipeline: Pipeline, stylizer: Stylizer, first: Bridge, engine: Engine
) -> None:
    """Puts a bridge that leaves pixels on the GPU in the place of the first one, where this engine is one for that."""
    bridge = open_shared_bridge(display.ctx, first.net_size, engine)
    if bridge is not None:
        stack.callback(bridge.close)
        stack.callback(stylizer.close)  # it goes before a bridge whose memory it reads
        pipeline.use_bridge(bridge)
        first.close()


def _open_passes(
    stack: ExitStack, display: Display, options: RunOptions, net_size: Size, engine: Engine | None
) -> tuple[FrameUploader, Bridge, Compositor]:
    """What lies between a source, the stylizer and the display; without an engine, as if that took NumPy arrays."""
    uploader = FrameUploader(display.ctx)
    stack.callback(uploader.close)
    bridge = open_bridge(display.ctx, net_size, engine, at_once=options.simulated)
    stack.callback(bridge.close)
    compositor = Compositor(display.ctx, options.upsampling)
    stack.callback(compositor.close)
    return uploader, bridge, compositor
