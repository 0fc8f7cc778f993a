"""losses.csv: one row of smoothed loss terms now and then, each step at most once however often a run is resumed."""

import csv
from pathlib import Path

from artem_vr.errors import UsageError
from trainer.replacing import replacing

_Row = dict[str, str]


class LossLog:
    """The rows of one run. Everything raises `UsageError` when the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: list[str] | None = None

    def cut(self, step: int) -> None:
        """Forgets the rows after a step, for a run that goes on from there writes them again.

        Of a step that is there twice, the last row stays.
        """
        columns, rows = self._read()
        if columns:  # rewritten in any case: the last line of a killed run may be half a line
            kept = {int(row["step"]): row for row in rows if _is_whole(row) and int(row["step"]) <= step}
            self._rewrite(columns, list(kept.values()))

    def append(self, step: int, pictures_per_second: float, terms: dict[str, float]) -> None:
        """Adds a row; the header grows when there are terms that an earlier part of the run had not."""
        row = {"step": str(step), "pictures_per_second": f"{pictures_per_second:.2f}"}
        row |= {name: f"{value:.6f}" for name, value in terms.items()}
        if self._columns is None or not row.keys() <= set(self._columns):
            columns, rows = self._read()
            self._columns = [*columns, *(name for name in row if name not in columns)]
            if columns != self._columns:
                self._rewrite(self._columns, rows)
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self._columns, restval="", lineterminator="\n").writerow(row)
        except OSError as error:
            raise UsageError(f"cannot write the losses {self._path}: {error}") from error

    def _read(self) -> tuple[list[str], list[_Row]]:
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file, restkey="", restval="")
                rows = [{name: row[name] for name in reader.fieldnames or []} for row in reader]
        except FileNotFoundError:
            return [], []
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"cannot read the losses {self._path}: {error}; delete the file") from error
        columns = list(reader.fieldnames or [])
        return (
            (columns, rows) if {"step", "pictures_per_second"} <= set(columns) else ([], [])
        )  # something else: it is written anew

    def _rewrite(self, columns: list[str], rows: list[_Row]) -> None:
        with (
            replacing(self._path, "the losses") as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _is_whole(row: _Row) -> bool:
    return row["step"].isdecimal() and row["pictures_per_second"] != ""
