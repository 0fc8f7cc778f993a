"""The demonstration: a walk through the scene that passes through the painters of the bank."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from artem_vr.config import PreviewOptions, check_output
from artem_vr.errors import DisplayError, UsageError
from artem_vr.live import preview
from artem_vr.machine import has_screen
from artem_vr.progress import progress_bar
from artem_vr.stats import write_json
from artem_vr.style_control import Cue
from artem_vr.styles import StyleBank

_FILM_FPS = 30.0
_LIVE_FRAMES = 150


def run_demo(folder: Path, seconds: float) -> None:
    """Leaves demo.mp4, demo.png and demo.json in `folder` and prints where they are and how fast it went.

    With a screen the walk is shown in a window and filmed as it happens. Without one every frame of the film is
    painted on a simulated clock, and a second walk, live and unfilmed, tells the frame rates. Raises `ArtemError`.
    """
    if not 1 <= seconds <= 3600:
        raise UsageError(f"--seconds {seconds:g}: choose between 1 and 3600")
    film, picture, figures = (folder / f"demo.{suffix}" for suffix in ("mp4", "png", "json"))
    check_output(film, "--folder")
    names = StyleBank.load().names
    share = seconds / len(names)
    options = PreviewOptions(
        style=names[0],
        cues=tuple(Cue(index * share, name) for index, name in enumerate(names) if index),
        record=film,
        snapshot=picture,
    )
    print(f"A walk past {len(names)} painters: {', '.join(names)}", flush=True)
    filmed, live = _show(options, seconds)
    # The film's own rates are those of a simulated clock: `live` says how fast it goes before one's eyes.
    write_json({**filmed, "live": live}, figures)
    _print_figures(live, film, picture, figures)


def _show(options: PreviewOptions, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figures of the filmed walk and of the live one; in a window they are the same."""
    if has_screen():
        print("Keys: left and right change the style, h shows the rest, escape leaves.", flush=True)
        try:
            shown = preview(replace(options, seconds=seconds))
        except DisplayError as error:
            print(f"{error}: going on without a window", flush=True)
        else:
            return shown, shown
    return _headless(options, seconds)


def _headless(options: PreviewOptions, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    frames = max(1, round(seconds * _FILM_FPS))
    filmed = replace(options, headless=True, fps=_FILM_FPS, frames=frames, snapshot_frame=max(1, frames // 4))
    with progress_bar("filming", frames) as advance:
        film_report = preview(filmed, lambda frame: advance(frame, frames))
    live = PreviewOptions(headless=True, frames=_LIVE_FRAMES)
    with progress_bar("live", _LIVE_FRAMES) as advance:
        return film_report, preview(live, lambda frame: advance(frame, _LIVE_FRAMES))


def _print_figures(live: dict[str, Any], *paths: Path) -> None:
    width, height = live["eye_size"]
    print(
        f"Live: {live['display_fps']:.1f} frames a second shown, {live['stylized_fps']:.1f} painted "
        f"(two eyes of {width}x{height}, {live['engine']} {live['precision']} on {live['device']}, "
        f"{live['gl_renderer'].split(' (')[0]})"
    )
    for path in paths:
        print(path.resolve())
