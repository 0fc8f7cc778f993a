"""A look at the active runtime, without a session: what it is, what it can do, and which headset it has."""

import threading
from dataclasses import dataclass

from artem_vr.errors import DisplayError
from artem_vr.frame import Size
from artem_vr.xr.runtime import Runtime

PATIENCE = 15.0
"""Seconds that a runtime gets to answer; some start a whole program first."""


@dataclass(frozen=True, slots=True)
class Headset:
    """What a runtime says of itself. `eye_size` is what it recommends for one eye.

    `tracks_eyes` is whether the headset can tell where they look.
    """

    runtime: str
    version: str
    name: str
    eye_size: Size
    switched_on: tuple[str, ...]
    extensions: tuple[str, ...]
    tracks_eyes: bool


def probe(patience: float = PATIENCE) -> Headset:
    """Asks the active runtime. Raises `DisplayError` when there is none, none that is of use, or none that answers."""
    answer: list[Headset | DisplayError] = []
    # A runtime that hangs may not take us with it: its thread is left to itself.
    thread = threading.Thread(target=lambda: answer.append(_ask()), name="OpenXR probe", daemon=True)
    thread.start()
    thread.join(patience)
    if not answer:
        raise DisplayError(f"the OpenXR runtime has not answered for {patience:.0f} s: start it anew")
    if isinstance(answer[0], DisplayError):
        raise answer[0]
    return answer[0]


def _ask() -> Headset | DisplayError:
    try:
        runtime = Runtime()
    except DisplayError as error:
        return error
    except Exception as error:  # whatever a runtime does must be told, not vanish with this thread
        return DisplayError(f"the OpenXR runtime fails ({type(error).__name__}: {error}): start it anew")
    headset = Headset(
        runtime.name,
        runtime.version,
        runtime.headset,
        runtime.eye_size,
        tuple(sorted(runtime.extensions)),
        tuple(sorted(runtime.available)),
        runtime.tracks_eyes,
    )
    runtime.close()
    return headset
