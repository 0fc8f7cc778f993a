"""What a bench found: its rows, and how people read them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from artem_vr.machine import processor

PEAK, MEMORY, NAIVE = "matmul-peak", "memory-peak", "naive"
YARDSTICKS = {PEAK, MEMORY, NAIVE}
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class BenchRow:
    """What was measured of one subject. Durations in milliseconds, `gflops` is 10^9 operations a second at the median.

    `fraction_of_peak` is the rate over that of the matrix product of the same precision, device and round; None where
    no peak was measured. `speedup_over_naive` is time a picture over time a picture at the same size, else None.

    `limit_ms` is what the machine's measured limits allow at best, and `bound_by` says which of the two that is:
    "arithmetic" (operations at the peak of the matrix product) or "memory" (the bytes that ideal fusion leaves, at the
    measured bandwidth). `layerwise_ms` is how long memory would take if every layer fetched its input there and put its
    output there (see `artem_vr.memory_traffic.Traffic`). `gigabytes_a_second` is the bandwidth, of its own rows alone.
    """

    name: str
    engine: str
    device: str
    precision: str
    height: int
    width: int
    batch: int
    ms_p50: float
    ms_p99: float
    gflops: float
    fraction_of_peak: float | None
    speedup_over_naive: float | None
    limit_ms: float | None = None
    bound_by: str | None = None
    layerwise_ms: float | None = None
    gigabytes_a_second: float | None = None

    @property
    def runs_in(self) -> str:
        """Engine, precision and, unless it is the processor, the device."""
        return f"{self.engine} {self.precision}" + ("" if self.device == "cpu" else f" {self.device}")


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The rows: the limits (`matmul-peak`, `memory-peak`), the tutorials' pipeline (`naive`), the bank per engine.

    `skipped` says of each engine and precision that this machine lacks why, in one line.
    """

    rows: list[BenchRow]
    skipped: list[str] = field(default_factory=list)

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as dictionaries with the fields of `BenchRow`, ready for JSON."""
        return [asdict(row) for row in self.rows]

    def verdict(self) -> str:
        """The result in one line."""
        compared = [row for row in self.rows if row.name not in YARDSTICKS and row.speedup_over_naive]
        best = max(compared, key=lambda row: (row.batch == 1, row.speedup_over_naive), default=None)
        if best is None:
            return "nothing was measured at the naive pipeline's size"
        share = "" if best.fraction_of_peak is None else f", {best.fraction_of_peak:.2f} of the {best.precision} peak"
        return (
            f"{best.name} in {best.engine} {best.precision} on {best.device}: {best.ms_p50:.1f} ms at "
            f"{best.width}x{best.height}, {best.speedup_over_naive:.0f} times as fast as the naive pipeline{share}"
        )


def render(report: BenchReport, console: Console) -> None:
    """Prints the rows as a table, what was left out, and the verdict."""
    here = processor()
    narrow = console.width < _WIDTH and console.is_terminal
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("what", "runs in", "size"):
        table.add_column(heading, no_wrap=True)
    for heading in ("ms p50", *([] if narrow else ["ms p99"]), "GFLOP/s", "of peak", "limit ms", "× naive"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.rows:
        size = f"{row.width}x{row.height}" if row.batch == 1 else f"{row.batch} {row.width}x{row.height}"
        times = [_milliseconds(row.ms_p50)] + ([] if narrow else [_milliseconds(row.ms_p99)])
        rate = f"{row.gflops:.0f}" if row.gigabytes_a_second is None else f"{row.gigabytes_a_second:.0f} GB/s"
        limit = "" if row.limit_ms is None else _milliseconds(row.limit_ms)
        limit += " (memory)" if row.bound_by == "memory" else ""
        shares = (_number(row.fraction_of_peak, 2), limit, _number(row.speedup_over_naive, 1))
        table.add_row(row.name, row.runs_in, size, *times, rate, *shares)
    console.print(f"{here.name}, {here.cores} cores; every row was taken in turns with the others\n")
    console.print(table, width=console.width if console.is_terminal else _WIDTH, crop=False)
    for reason in report.skipped:
        console.print(f"left out: {reason}", soft_wrap=True, style="dim", highlight=False)
    console.print(f"\n{report.verdict()}", soft_wrap=True)


def _milliseconds(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
