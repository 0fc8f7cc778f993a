"""A trace in the Trace Event Format, which https://ui.perfetto.dev and chrome://tracing open.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Times are microseconds
from the first one of the trace.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from artem_vr.errors import DisplayError
from artem_vr.media.pending_file import PendingFile
from artem_vr.trace import DISPLAY, STYLIZER, TRACKS, Counter, Journey, Record, Span, Trace

_PROCESS = 1
_THREADS = {track: number for number, track in enumerate(TRACKS, 1)}
_FACTS = ("engine", "device", "precision", "net_size", "eye_size", "source", "upsampling", "gl_renderer")
_JOURNEY, _FLOW = "capture to display", "picture to paint to display"

Event = dict[str, Any]


def write_trace(trace: Trace, report: dict[str, Any], path: Path) -> None:
    """Writes the trace to a temporary file and renames it. Raises `DisplayError` when the place cannot be written.

    `report` holds the figures of the run, of which those that say what ran go into the file.
    """
    with PendingFile(path) as pending:
        try:
            with pending.path.open("w", encoding="utf-8") as file:
                # Line by line, so that the text never stands in memory as a whole.
                file.write(f'{{"otherData": {json.dumps(_metadata(trace, report))},\n"displayTimeUnit": "ms",\n')
                file.write('"traceEvents": [\n')
                for number, event in enumerate(trace_events(trace.records)):
                    file.write((",\n" if number else "") + json.dumps(event, separators=(",", ":")))
                file.write("\n]}\n")
        except OSError as error:
            raise DisplayError(f"cannot write {path}: {error.strerror or error}") from error
        pending.commit()


def trace_events(records: Iterable[Record]) -> Iterator[Event]:
    """All events of the records: first the names of the process and its tracks, then what happened, by time."""
    records = list(records)
    origin = min((_earliest(record) for record in records), default=0.0)
    spans = {track: _reach(records, track) for track in (DISPLAY, STYLIZER)}

    def is_whole(record: Record) -> bool:
        """False for a journey of which a span has made room for newer ones: its arrows would point at nothing."""
        return not isinstance(record, Journey) or (record.taken >= spans[DISPLAY] and record.painted >= spans[STYLIZER])

    yield from _names()
    events = chain.from_iterable(_events(record, origin) for record in records if is_whole(record))
    # What encloses comes before what it encloses, where both begin together.
    yield from sorted(events, key=lambda event: (event["ts"], -event.get("dur", 0.0)))


def _metadata(trace: Trace, report: dict[str, Any]) -> dict[str, Any]:
    facts = {name: report[name] for name in _FACTS if name in report}
    note = f"the oldest {trace.dropped} records were dropped, the newest {len(trace.records)} are here"
    return {**facts, "dropped": trace.dropped, **({"note": note} if trace.dropped else {})}


def _names() -> Iterator[Event]:
    def name(what: str, thread: int, **arguments: Any) -> Event:
        return {"ph": "M", "name": what, "pid": _PROCESS, "tid": thread, "args": arguments}

    yield name("process_name", 0, name="artem-vr")
    for track, thread in _THREADS.items():
        yield name("thread_name", thread, name=track)
        yield name("thread_sort_index", thread, sort_index=thread)


def _earliest(record: Record) -> float:
    if isinstance(record, Span):
        return record.begin
    return record.time if isinstance(record, Counter) else record.captured


def _reach(records: list[Record], track: str) -> float:
    """Where the spans of a track begin."""
    return min((one.begin for one in records if isinstance(one, Span) and one.track == track), default=float("inf"))


def _events(record: Record, origin: float) -> Iterator[Event]:
    def at(seconds: float) -> float:
        return round((seconds - origin) * 1e6, 3)

    if isinstance(record, Span):
        yield _complete(record, at(record.begin), at(record.end))
    elif isinstance(record, Counter):
        args = {record.unit: record.value}
        yield {"ph": "C", "name": record.name, "pid": _PROCESS, "tid": 0, "ts": at(record.time), "args": args}
    else:
        display, stylizer = _THREADS[DISPLAY], _THREADS[STYLIZER]
        flow = {"name": _FLOW, "cat": "flow", "id": record.number, "pid": _PROCESS}
        yield {"ph": "s", **flow, "tid": display, "ts": at(record.taken)}
        yield {"ph": "t", **flow, "tid": stylizer, "ts": at(record.painted)}
        yield {"ph": "f", "bp": "e", **flow, "tid": display, "ts": at(record.showing)}
        way = {"name": _JOURNEY, "cat": "age", "id": record.number, "pid": _PROCESS, "tid": display}
        yield {"ph": "b", **way, "ts": at(record.captured), "args": record.facts}
        yield {"ph": "e", **way, "ts": at(record.shown)}


def _complete(span: Span, begin: float, end: float) -> Event:
    where = {"pid": _PROCESS, "tid": _THREADS[span.track]}
    event = {"ph": "X", "name": span.name, "cat": "stage", **where, "ts": begin, "dur": round(end - begin, 3)}
    return event if span.facts is None else {**event, "args": span.facts}
