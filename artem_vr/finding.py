"""What the doctor finds."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for.

    `status` is "missing" for what the program needs and does not find, "warning" for what it can do without.
    `advice` says what to do, in one line; empty where there is nothing to do.
    """

    area: str
    name: str
    status: Status
    detail: str
    advice: str = ""
