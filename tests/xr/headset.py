"""Driving an `OpenXrDisplay` frame by frame."""

import math
import time
from collections.abc import Callable

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.frame import FrameRequest
from artem_vr.ports import Action, Controls

Colour = tuple[float, float, float]
Open = Callable[..., OpenXrDisplay]
GREY: Colour = (0.5, 0.5, 0.5)
ORIGIN = Pose((10.0, 0.0, -5.0), yaw=0.5)
"""Where the world begins in tests that do not say otherwise."""


def show(display: OpenXrDisplay, left: Colour = GREY, right: Colour = GREY) -> FrameRequest:
    """Shows one frame of two plain eyes."""
    request = display.begin_frame()
    assert request is not None, "the display is done"
    for eye, colour in enumerate((left, right)):
        framebuffer, viewport = display.target(eye)
        framebuffer.clear(*colour, 1.0, viewport=viewport)
    display.end_frame()
    return request


def show_until(display: OpenXrDisplay, done: Callable[[FrameRequest], bool], seconds: float = 10.0) -> FrameRequest:
    """Shows frames until one of them will do."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        request = show(display)
        if done(request):
            return request
    raise AssertionError("nothing of the kind happened")


def collect(display: OpenXrDisplay, frames: int) -> tuple[list[Action], list[Controls]]:
    """What was asked for and held during so many frames."""
    actions: list[Action] = []
    controls: list[Controls] = []
    for _ in range(frames):
        show(display)
        actions += display.actions()
        controls.append(display.controls())
    return actions, controls


def about_y(angle: float) -> tuple[float, float, float, float]:
    """The quaternion of a turn to the left."""
    return (0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2))
