"""A strict reader of the Trace Event Format, as far as this program writes it."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

PHASES = set("MXCstfbe")


def read_trace(path: Path) -> dict[str, Any]:
    """The file's content, checked. Fails the test where the format is broken."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(path.read_text("utf-8"), parse_constant=refuse)
    check_events(document["traceEvents"])
    assert isinstance(document["otherData"], dict)
    return document


def check_events(events: list[dict[str, Any]]) -> None:
    """Everything that a viewer relies on."""
    _check_fields(events)
    _check_names(events)
    timed = [event["ts"] for event in events if event["ph"] != "M"]
    assert timed == sorted(timed) and (not timed or timed[0] >= 0)
    slices = _slices(events)
    for of_thread in slices.values():
        _check_nesting(of_thread)
    _check_flows(events, slices)
    _check_journeys(events)


def named(events: list[dict[str, Any]], phase: str, name: str | None = None) -> list[dict[str, Any]]:
    return [event for event in events if event["ph"] == phase and name in (None, event["name"])]


def thread(events: list[dict[str, Any]], name: str) -> int:
    (found,) = [event["tid"] for event in named(events, "M", "thread_name") if event["args"]["name"] == name]
    return int(found)


def on_track(events: list[dict[str, Any]], track: str) -> list[dict[str, Any]]:
    """The complete events of a track, by time."""
    number = thread(events, track)
    return [event for event in events if event["ph"] == "X" and event["tid"] == number]


def slices_at(events: list[dict[str, Any]], flow: dict[str, Any]) -> list[str]:
    """The names of the slices that an end of an arrow lies in, the outermost first."""
    here = [event for event in events if event["ph"] == "X" and event["tid"] == flow["tid"]]
    return [event["name"] for event in here if event["ts"] <= flow["ts"] <= event["ts"] + event["dur"]]


def _check_fields(events: list[dict[str, Any]]) -> None:
    for event in events:
        assert event["ph"] in PHASES, event
        assert isinstance(event["name"], str) and event["name"], event
        assert type(event["pid"]) is int and type(event["tid"]) is int, event
        if event["ph"] != "M":
            assert type(event["ts"]) in (int, float) and math.isfinite(event["ts"]), event
        if event["ph"] == "X":
            assert event["dur"] >= 0, event
        if event["ph"] == "C":
            assert event["args"] and all(type(value) in (int, float) for value in event["args"].values()), event
        if event["ph"] in "stfbe":
            assert isinstance(event["cat"], str) and type(event["id"]) is int, event


def _check_names(events: list[dict[str, Any]]) -> None:
    assert len(named(events, "M", "process_name")) == 1
    threads = [event["tid"] for event in named(events, "M", "thread_name")]
    assert len(threads) == len(set(threads))
    assert {event["tid"] for event in events if event["ph"] in "Xstf"} <= set(threads)
    assert len({event["pid"] for event in events}) == 1


def _slices(events: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    slices = defaultdict(list)
    for event in named(events, "X"):
        slices[event["tid"]].append(event)
    return slices


def _check_nesting(slices: list[dict[str, Any]]) -> None:
    """Slices of a thread begin in order, and each ends before the one it lies in."""
    open_until: list[float] = []
    for event in slices:
        end = event["ts"] + event["dur"]
        while open_until and open_until[-1] <= event["ts"] + 1e-4:
            open_until.pop()
        assert not open_until or end <= open_until[-1] + 1e-4, event
        open_until.append(end)


def _check_flows(events: list[dict[str, Any]], slices: dict[int, list[dict[str, Any]]]) -> None:
    flows = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[event["cat"], event["name"], event["id"]].append(event)
    for flow in flows.values():
        assert [event["ph"] for event in flow] == ["s", "t", "f"], flow
        assert flow[-1]["bp"] == "e"
        for event in flow:
            assert slices_at(slices[event["tid"]], event), event


def _check_journeys(events: list[dict[str, Any]]) -> None:
    journeys = defaultdict(list)
    for event in events:
        if event["ph"] in "be":
            journeys[event["cat"], event["name"], event["id"]].append(event)
    for journey in journeys.values():
        assert [event["ph"] for event in journey] == ["b", "e"], journey
