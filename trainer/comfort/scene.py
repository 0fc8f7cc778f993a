"""Records the built-in scene along a head's path, with the depth of every pixel."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import HeadPath, stereo_views
from artem_vr.frame import FrameRequest, GlFrame, Size
from artem_vr.gl.context import create_headless_context
from artem_vr.sources.courtyard.source import CourtyardSource
from trainer.comfort.recording import Recording, View

RATE = 60.0
"""Frames a second."""
_SAMPLES = 4


class SceneRecorder:
    """Draws views of the scene for eyes of one size, `RATE` a second of a simulated clock.

    What moves by itself is held still, so that depth alone says where everything is in the next frame; edges are
    smoothed as on graphics hardware. Raises `GraphicsError` without OpenGL.
    """

    def __init__(self, eye_size: Size) -> None:
        self._eye_size = eye_size
        with ExitStack() as opened:
            context = create_headless_context()
            opened.callback(context.release)
            self._source = CourtyardSource(context, eye_size, _SAMPLES)
            opened.callback(self._source.close)
            self._opened = opened.pop_all()

    def record(self, path: HeadPath, frames: int, advance: Callable[[int], None] = lambda views: None) -> Recording:
        """`frames` views from `path`; `advance` is told of each."""
        views = []
        for number in range(frames):
            eyes = stereo_views(path(number / RATE), self._eye_size)
            views.append(_view(self._source.read(FrameRequest(number, 0.0, eyes, self._eye_size))))
            advance(1)
        return Recording(views, RATE)

    def close(self) -> None:
        """Frees the scene and the context. May be called twice."""
        self._opened.close()


def _view(frame: GlFrame) -> View:
    width, height = frame.color[0].size
    rgba = [np.frombuffer(texture.read(), np.uint8).reshape(height, width, -1) for texture in frame.color]
    depth = [np.frombuffer(texture.read(), np.float32).reshape(height, width) for texture in frame.depth or ()]
    return View(_upright([picture[..., :3] for picture in rgba]), frame.eyes, _upright(depth))


def _upright(pictures: list[NDArray[Any]]) -> NDArray[Any]:
    """Both eyes with the top row first."""
    return np.stack([picture[::-1] for picture in pictures])
