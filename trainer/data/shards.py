"""Names of many shards at once: photos/shard-{000000..000009}.tar, photos/*.tar."""

import math
import re
from pathlib import Path

from artem_vr.errors import InputError

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WILD = re.compile(r"[*?[]")
_MOST_SHARDS = 100_000


def shards_of_pattern(path: Path) -> tuple[Path, list[Path]]:
    """The files that a pattern names, in order, and the folder that their names start from; none if it is no pattern.

    `{000000..000009}` counts with as many digits as its first number has; `*`, `?`, `[...]` and `**` are as in a
    shell. A folder that is there is taken by its name, whatever signs that holds. Raises `InputError` when a shard of
    a range is missing, or nothing fits.
    """
    base = path
    while not base.exists() and base != base.parent:
        base = base.parent
    pattern = path.relative_to(base).as_posix()
    if not _RANGE.search(pattern) and not _WILD.search(pattern):
        return base, []
    found: list[Path] = []
    for one in _counted(pattern, path):
        wild = _WILD.search(one) is not None
        files = sorted(base.glob(one)) if wild else [base / one]
        if not wild and not files[0].is_file():
            raise InputError(
                f"there is no shard {files[0]}, which data.photos names: copy it there, or correct the range"
            )
        found += files
    if not found:
        raise InputError(f"no shard fits {path}: correct data.photos, or data.root (--set data.root=PATH)")
    return base, found


def _counted(pattern: str, path: Path) -> list[str]:
    counts = [int(last) - int(first) + 1 for first, last in _RANGE.findall(pattern)]
    if any(count < 1 for count in counts) or math.prod(counts) > _MOST_SHARDS:
        raise InputError(f"{path}: a range of shards counts upwards, to {_MOST_SHARDS:,} shards at most")
    patterns = [pattern]
    for _ in counts:
        patterns = [one for each in patterns for one in _next_range(each)]
    return patterns


def _next_range(pattern: str) -> list[str]:
    found = _RANGE.search(pattern)
    if found is None:
        return [pattern]
    first, last = found.groups()
    numbers = (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
    return [pattern[: found.start()] + number + pattern[found.end() :] for number in numbers]
