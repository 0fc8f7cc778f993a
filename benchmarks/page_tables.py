"""Markdown, and numbers in it. What was not measured is an empty cell."""

from collections.abc import Sequence
from typing import Any


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(headings), ["---"] * len(headings), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, digits: int = 1) -> str:
    """A number with so many digits behind the point."""
    return "" if value is None else f"{value:,.{digits}f}"


def figures(value: float | None) -> str:
    """A number of any size, with three figures or so."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value: float | None, base: float | None) -> str:
    """How many times `base` it is."""
    return "" if not value or not base else figures(value / base)


def by(size: Sequence[int]) -> str:
    """A size, (width, height)."""
    return f"{size[0]}x{size[1]}"


def runs_in(row: dict[str, Any]) -> str:
    """Engine, precision and device."""
    return f"{row['engine']} {row['precision']} on {row['device']}"


def machine(facts: dict[str, Any]) -> str:
    """Where figures come from, in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"{facts['date']}, commit {facts['commit']}: {facts['processor']}, {facts['cores']} cores, "
        f"{facts['gpu'] or 'no GPU'}, {facts['system']}, Python {facts['python']}, {versions}. "
        f"Load average before: {facts['load']}."
    )
