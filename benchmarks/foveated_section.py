"""What `results_page.py` says of the figures of `foveated.py`."""

from typing import Any

from page_tables import by, figures, number, table

_WAYS = {"evenly": "evenly", "half": "foveated, the rest at a half", "quarter": "foveated, the rest at a quarter"}


def foveated_section(measured: dict[str, Any]) -> str:
    """The section of one machine."""
    network = [
        [by(row["full_size"]), _WAYS[row["way"]], f"{row['pictures']} x {by(row['size'])}", number(row["ms_p50"], 2),
         number(row["ms_p99"], 2), f"{row['times']:.2f}", f"{row['pixels_times']:.2f}"]
        for row in measured["network"]
    ]  # fmt: skip
    preview = [
        [by(row["full_size"]), _WAYS[row["way"]], str(row["pictures"]), figures(row["shown"]), figures(row["painted"]),
         number(row["age_ms"], 0), number(row["network_ms"], 1), number(row["compose_ms"], 1)]
        for row in measured.get("preview", [])
    ]  # fmt: skip
    likeness = [
        [row["statistics"], f"{row['colours']:.1f}", f"{row['detail']:.2f}", f"{row['border']:.1f}"]
        for row in measured["likeness"]
    ]
    where = f"{measured['engine']} {measured['precision']} on {measured['device']}"
    parts = [
        f"## Foveated painting, {where}",
        "`benchmarks/foveated.py`: each eye painted as finely as *size* in its middle, and as finely or coarser all"
        " around, in turns. *Times* is how many times as often the network paints both eyes; *pixels* is how many times"
        " fewer they are, which is the most that it could be if time went with pixels alone.",
        table(["size of an eye", "painted", "pictures", "ms p50", "ms p99", "times", "pixels"], network),
    ]
    if preview:
        parts += [
            f"Through the whole program, both eyes of {measured['preview'][0]['size']}:",
            table(
                ["size of an eye", "painted", "pictures", "shown a second", "painted a second", "age of paint ms",
                 "network ms", "compose ms"],
                preview,
            ),
        ]  # fmt: skip
    parts += [
        "How like an evenly painted eye its middle is, in levels of 255 (*detail*: contrast as a share), and how far"
        " the two scales' colours are apart at the border:",
        table(["normalised", "colours", "detail", "border"], likeness),
    ]
    return "\n\n".join(parts)
