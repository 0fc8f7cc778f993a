"""The figures of comfort as a table for a person, and as JSON for machines."""

import json
from collections.abc import Sequence
from pathlib import Path

from artem_vr.media.pending_file import PendingFile
from trainer.comfort.evaluation import Findings, Part
from trainer.comfort.figures import Figures, Row, mean, ratios
from trainer.comfort.measurement import Strain
from trainer.comfort.plot import draw_errors, draw_strip, write_figure

DEFINITIONS = {
    "error": "mean absolute difference of RGB in [0, 1] over the pixels that both frames see, not squared; the "
    "source's own is not zero, for colours are interpolated and edges alias",
    "pixels": "how far the shown picture itself would have to be shifted to make such an error",
    "step": "a frame against the one before, brought to where depth says that it belongs",
    "leap": "the same over a quarter of a second",
    "stereo": "the left eye against the right one",
    "flicker": "temporal deviation of a still view in a camera's noise (sigma 4/255), over that of the source",
    "lag": "how far paint lies from where depth says that it belongs, in the network's pixels, while the head turns at "
    "100 degrees a second and every tenth frame is painted",
}
_LEGEND = """\
error: mean absolute difference of RGB, in thousandths, where both frames see the same; times: that of the source;
px: how far the shown picture itself would have to be shifted for that; flicker: gain of a camera's noise;
lag: pixels of the network that paint trails behind a head turning at 100 degrees a second"""
_STRAINS = ("step", "leap", "stereo")
_TITLES = {
    "step": "frame to frame",
    "leap": "in 1/4 s",
    "stereo": "left to right",
    "flicker": "flicker",
    "lag": "lag",
}
_WIDTHS = {"step": 19, "leap": 19, "stereo": 19, "flicker": 7, "lag": 5}


def grouped(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each painter and mode, in their order."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.painter, row.mode), []).append(row)
    return found


def to_json(found: Findings) -> dict[str, object]:
    """Everything, with what each figure means."""
    effort = found.question.effort
    return {
        "model": str(found.model),
        "definitions": DEFINITIONS,
        "eye_size": list(effort.eye_size),
        "frames": {"walk": effort.walk, "still": effort.still, "turn": effort.turn},
        "parts": [_part_json(part) for part in found.parts],
    }


def _part_json(part: Part) -> dict[str, object]:
    source = part.source.figures
    means = [
        {"painter": painter, "mode": mode, **_figures_json(mean([row.figures for row in rows]), source)}
        for (painter, mode), rows in grouped(part.rows).items()
    ]
    rows = [{**row.to_json(), "ratios": ratios(row.figures, source)} for row in part.rows]
    return {"name": part.name, "source": part.source.to_json(), "means": means, "rows": rows}


def render(found: Findings) -> str:
    """A table for each part: the means over styles first, then style by style."""
    return "\n\n".join([*(_table(part) for part in found.parts), _LEGEND])


def write_outputs(found: Findings, plot: Path | None, strip: Path | None, figures: Path | None) -> list[Path]:
    """Writes what was asked for, each file whole or not at all; returns their paths. Raises `DisplayError`."""
    if plot is not None:
        write_figure(draw_errors(found), plot)
    if strip is not None:
        write_figure(draw_strip(found), strip)
    if figures is not None:
        with PendingFile(figures) as pending:
            pending.path.write_text(json.dumps(to_json(found), indent=1) + "\n", encoding="utf-8")
            pending.commit()
    return [path for path in (plot, strip, figures) if path is not None]


def _table(part: Part) -> str:
    source = part.source.figures
    groups = grouped(part.rows)
    means = [(f"{painter}, {mode}", mean([row.figures for row in rows])) for (painter, mode), rows in groups.items()]
    by_style = [(f"{row.style}: {row.painter}, {row.mode}", row.figures) for row in part.rows if row.style]
    table = [("source", source), *means]
    shown = [name for name in _TITLES if any(getattr(figures, name) is not None for _, figures in table)]
    width = max(map(len, [part.name, *(name for name, _ in (*table, *by_style))]))
    heads = [f"{_TITLES[name]:>{_WIDTHS[name]}}" for name in shown]
    units = [f"{'error':>7} {'times':>6} {'px':>4}" if name in _STRAINS else " " * _WIDTHS[name] for name in shown]
    lines = [f"{part.name:{width}}  {'  '.join(heads)}", f"{'':{width}}  {'  '.join(units)}".rstrip()]
    lines += [_line(name, figures, source, width, shown) for name, figures in table]
    if len({row.style for row in part.rows if row.style}) > 1:
        lines += ["", *(_line(name, figures, source, width, shown) for name, figures in by_style)]
    return "\n".join(lines)


def _line(name: str, figures: Figures, source: Figures, width: int, shown: Sequence[str]) -> str:
    times = ratios(figures, source)
    cells = [_cell(each, getattr(figures, each), times.get(each)) for each in shown]
    return f"{name:{width}}  {'  '.join(cells)}"


def _cell(title: str, value: Strain | float | None, times: float | None) -> str:
    if isinstance(value, Strain):
        return _strain(value, times)
    text = "-" if value is None else f"{value:.2f}" if title == "flicker" else f"{value:.1f}"
    return f"{text:>{_WIDTHS[title]}}"


def _strain(strain: Strain, times: float | None) -> str:
    ratio = "-" if times is None else f"{times:.2f}"
    return f"{1000 * strain.error:7.1f} {ratio:>6} {strain.pixels:4.2f}"


def _figures_json(figures: Figures, source: Figures) -> dict[str, object]:
    return {**figures.to_json(), "ratios": ratios(figures, source)}
