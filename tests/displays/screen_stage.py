"""A screen in the world of a headless display that remembers what it was told, and where things are seen on it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import HeadPath, Pose, perspective
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.displays.world_screen import WorldScreen
from artem_vr.frame import EyeView, FrameRequest, GlFrame, HostFrame, Size
from artem_vr.gl.upload import FrameUploader
from artem_vr.ports import Action, Controls

EYE = (320, 240)
SIZE = (200, 100)
FOV = math.radians(60)
DISTANCE = 2.0
HALF_WIDTH = DISTANCE * math.tan(FOV / 2)
FOCAL = float(perspective(math.radians(70), EYE[0] / EYE[1])[1, 1]) * EYE[1] / 2
FPS = 10.0
TURN = math.radians(10)
WHITE, RED, GREEN, BLUE = (255, 255, 255), (250, 0, 0), (0, 250, 0), (0, 0, 250)


def standing(seconds: float) -> Pose:
    return Pose((1.0, 1.6, -2.0), 0.3)


def turning(seconds: float) -> Pose:
    """Ten degrees to the left from one frame to the next."""
    return Pose((1.0, 1.6, -2.0), 0.3 + TURN * seconds * FPS)


def plain(color: tuple[int, int, int], size: Size = SIZE) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), color, np.uint8)


class InnerDisplay(HeadlessDisplay):
    """Remembers what it was told."""

    def __init__(self, path: HeadPath, frames: int | None = None, script: dict[int, list[Action]] | None = None):
        super().__init__((2 * EYE[0], EYE[1]), path, frames, FPS, script)
        self.help_lines = ["button\twhat it does"]
        self.expected: list[GlFrame] = []
        self.closed = 0

    def expect(self, frame: GlFrame) -> None:
        self.expected.append(frame)

    def controls(self) -> Controls:
        return Controls(strength=0.5, clear=True)

    def close(self) -> None:
        self.closed += 1
        super().close()


@dataclass
class Shown:
    """A frame as shown: the eyes' images, uint8 RGB (H, W, 3), and what they were asked for."""

    images: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    request: FrameRequest


class Stage:
    """A screen, and what is needed to show pictures on it."""

    def __init__(self, inner: InnerDisplay, lock: str, live: bool, size: Size = SIZE, **options: Any) -> None:
        self.inner = inner
        self.screen = WorldScreen(inner, size, FOV, lock, live, distance=DISTANCE, **options)
        self._uploader = FrameUploader(inner.ctx)

    def show(self, *pictures: NDArray[np.uint8], age: float = 0.0) -> Shown:
        """One frame of a picture that was taken `age` seconds before it; of two, the first is for the left eye."""
        request = self.screen.begin_frame()
        assert request is not None
        self.screen.actions()
        frame = HostFrame(request.sequence, request.time - age, np.stack(pictures), request.eyes)
        gl_frame = self._uploader.upload(frame, request.eye_size)
        self.screen.expect(gl_frame)
        for eye in range(2):
            framebuffer, viewport = self.screen.target(eye)
            framebuffer.color_attachments[0].write(gl_frame.color[eye].read(), viewport=viewport)
        self.screen.end_frame()
        pixels = self.screen.read_pixels()
        assert self.inner.ctx.error == "GL_NO_ERROR"
        return Shown((pixels[:, : EYE[0]], pixels[:, EYE[0] :]), request)

    def close(self) -> None:
        self._uploader.close()
        self.screen.close()


def edges(line: NDArray[np.uint8]) -> tuple[float, float]:
    """Where a white stripe begins and ends in a line of dark RGB pixels, to a part of a pixel."""
    cover = np.clip((line.min(axis=1) / 255.0 - 0.12) / 0.88, 0, 1)
    full = np.flatnonzero(cover > 0.97)
    first, last = int(full[0]), int(full[-1])
    return first - float(cover[max(0, first - 2) : first].sum()), last + 1 + float(cover[last + 1 : last + 3].sum())


def seen_at(point: NDArray[np.float64], eye: EyeView) -> tuple[float, float]:
    """The column and row at which an eye sees a point of the world."""
    clip = eye.projection_44.astype(np.float64) @ eye.view_44 @ np.array([*point, 1.0])
    x, y = clip[:2] / clip[3]
    return (x + 1) / 2 * EYE[0], (1 - y) / 2 * EYE[1]


def before(pose: Pose, x: float, y: float) -> NDArray[np.float64]:
    """A point of the plane that stands DISTANCE before a head."""
    return np.asarray((pose.matrix_44() @ np.array([x, y, -DISTANCE, 1.0]))[:3], np.float64)
