"""The table of networks: what each costs and how well it paints, as a CSV that further ones can be added to."""

import csv
import math
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from artem_vr.bench import network_subjects
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.errors import InputError, UsageError
from artem_vr.styles import StyleBank
from trainer.replacing import replacing

SHAPE = (1, 480, 640)
"""Batch, height and width of the picture that MACs and milliseconds are of."""
_WARMING, _TIMED = 3, 31


@dataclass(frozen=True, slots=True)
class Row:
    """One network. `parameters` are its weights, style vectors apart; `macs` the multiply-and-adds of one picture.

    `milliseconds` is the median time of one picture, bytes in and bytes out, in OpenVINO at its own choice of
    precision and threads; `validation` the total loss on the validation photographs, not a number where it was not
    measured. Picture: 640 x 480.
    """

    name: str
    kind: str
    parameters: int
    macs: int
    milliseconds: float
    validation: float


def measure_row(
    bank: StyleBank, validation_total: float, name: str = "", runs: int = _TIMED, precision: str = "auto"
) -> Row:
    """The row of a bank, timed on this machine over `runs` pictures (a few seconds); named as its card unless given.

    Raises `ModelError` when the bank's weights do not fit, `EngineError` when OpenVINO cannot run it.
    """
    with closing(OpenVinoEngine(bank, precision)) as engine:
        subject = network_subjects(bank, [engine], [SHAPE])[0]
        milliseconds = 1e3 * _median_seconds(subject.run, runs)
    return Row(
        name=name or bank.card.name,
        kind=str(bank.card.network["kind"]),
        parameters=sum(weight.size for weight in bank.weights.values()),
        macs=subject.flops // 2,
        milliseconds=round(milliseconds, 3),
        validation=round(validation_total, 5),
    )


def write_row(path: Path, row: Row) -> None:
    """Adds the row to a CSV, a new one where there is none, in place of one of the same name; sorted by MACs.

    A reader finds the old file or the new one, never a part. Raises `InputError` when the file is another kind of
    table, `UsageError` when it cannot be written.
    """
    rows = [other for other in read_rows(path) if other.name != row.name] if path.exists() else []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {path.parent}: {error.strerror}") from error
    with (
        replacing(path, "the table of networks") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, _columns(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in sorted([*rows, row], key=lambda each: (each.macs, each.name)))


def read_rows(path: Path) -> list[Row]:
    """The rows, as they stand. Raises `InputError` when the file is missing or another kind of table."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if list(reader.fieldnames or []) != _columns():
                raise ValueError(f"its first line is not {','.join(_columns())}")
            return [_row(values) for values in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path} is not a table of networks: {error}") from error


def render(path: Path) -> str:
    """The table in Markdown, one line a network. Raises `InputError` as `read_rows` does."""
    lines = [
        "| network | kind | parameters | GMACs | ms | validation loss |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in read_rows(path):
        name, kind = (text.replace("|", "\\|") for text in (row.name, row.kind))
        lines.append(
            f"| {name} | {kind} | {row.parameters:,} | {row.macs / 1e9:.2f} | {row.milliseconds:.1f} | "
            f"{'-' if math.isnan(row.validation) else f'{row.validation:.3f}'} |"
        )
    return "\n".join(lines) + "\n"


def _columns() -> list[str]:
    return [field.name for field in fields(Row)]


def _row(values: dict[str, Any]) -> Row:
    if None in values:  # where the reader keeps what stands beyond the last column
        raise ValueError(f"the line of '{values['name']}' is too long")
    return Row(
        name=values["name"],
        kind=values["kind"],
        parameters=int(values["parameters"]),
        macs=int(values["macs"]),
        milliseconds=float(values["milliseconds"]),
        validation=float(values["validation"]),
    )


def _median_seconds(run: Callable[[], Any], runs: int) -> float:
    for _ in range(_WARMING):  # the first one compiles
        run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
