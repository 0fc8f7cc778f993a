"""Where a head is, and what its two eyes see: poses, stereo views and projections.

Right-handed, Y up, -Z forward, metres and radians; matrices are 4x4 float32 with column vectors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EyeView, Size

EYE_DISTANCE = 0.063
"""The median distance between an adult's pupils, in metres (Dodgson 2004)."""

NEAR, FAR = 0.05, 200.0
_VERTICAL_FOV = math.radians(70.0)

WALKING_SPEED = 1.4
"""An adult's usual pace, in metres a second."""
_STEEPEST = math.radians(85.0)

_LEVEL = 0.2
"""How much of a line of sight is level at least, for it to say which way a person faces."""

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """A head's position and where it looks: yaw about Y (positive to the left), then pitch about X (positive up)."""

    position: Vector
    yaw: float = 0.0
    pitch: float = 0.0

    def matrix_44(self) -> NDArray[np.float32]:
        """Head to world."""
        cy, sy, cp, sp = math.cos(self.yaw), math.sin(self.yaw), math.cos(self.pitch), math.sin(self.pitch)
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = np.array([[cy, sy * sp, sy * cp], [0, cp, -sp], [-sy, cy * sp, cy * cp]], np.float32)
        matrix[:3, 3] = self.position
        return matrix


HeadPath = Callable[[float], Pose]
"""A head's pose at a time in seconds since the start of the walk."""


def perspective(vertical_fov: float, aspect: float, near: float = NEAR, far: float = FAR) -> NDArray[np.float32]:
    """An OpenGL projection: clip z from -1 (near) to 1 (far). `aspect` is width over height."""
    scale = 1.0 / math.tan(vertical_fov / 2)
    matrix = np.zeros((4, 4), np.float32)
    matrix[0, 0], matrix[1, 1] = scale / aspect, scale
    matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix


def stereo_views(
    pose: Pose, eye_size: Size, eye_distance: float = EYE_DISTANCE, vertical_fov: float = _VERTICAL_FOV
) -> tuple[EyeView, EyeView]:
    """The left and the right eye of a head, side by side and parallel."""
    projection = perspective(vertical_fov, eye_size[0] / eye_size[1])
    head = pose.matrix_44()
    views = []
    for side in (-0.5, 0.5):
        eye = head.copy()
        eye[:3, 3] += head[:3, 0] * np.float32(side * eye_distance)
        views.append(EyeView(np.linalg.inv(eye).astype(np.float32), projection))
    return views[0], views[1]


class FreeCamera:
    """A head that follows a path until somebody takes over, and then goes where it is told.

    The first `look` or `walk` takes over from where the head is; `return_to_path` gives it back.
    """

    def __init__(self, path: HeadPath) -> None:
        self._path = path
        self._on_path = True
        self._pose = path(0.0)

    @property
    def on_path(self) -> bool:
        """True while the path leads."""
        return self._on_path

    def pose(self, seconds: float) -> Pose:
        """Where the head is, `seconds` after the start of the walk."""
        if self._on_path:
            self._pose = self._path(seconds)
        return self._pose

    def look(self, yaw: float, pitch: float) -> None:
        """Turns by these angles: positive to the left and up. Looking stops short of straight up and down."""
        if yaw or pitch:
            self._on_path = False
            tilted = max(-_STEEPEST, min(_STEEPEST, self._pose.pitch + pitch))
            self._pose = Pose(self._pose.position, self._pose.yaw + yaw, tilted)

    def walk(self, right: float, up: float, forward: float, seconds: float) -> None:
        """Walks for `seconds` in this direction, seen from the head but level with the ground.

        The direction's length does not matter: walking across is no faster than along.
        """
        length = math.hypot(right, up, forward)
        if length == 0:
            return
        self._on_path = False
        step = WALKING_SPEED * seconds / length
        cos, sin = math.cos(self._pose.yaw), math.sin(self._pose.yaw)
        x, y, z = self._pose.position
        position = x + step * (cos * right - sin * forward), y + step * up, z - step * (sin * right + cos * forward)
        self._pose = Pose(position, self._pose.yaw, self._pose.pitch)

    def return_to_path(self) -> None:
        """Lets the path lead again."""
        self._on_path = True


def head_pose(eyes: tuple[EyeView, EyeView]) -> NDArray[np.float64]:
    """Head to world (4, 4): the middle of the eyes, turned as they are on average.

    Some headsets turn their eyes apart; what they agree on is where the head looks.
    """
    left, right = (np.linalg.inv(eye.view_44.astype(np.float64)) for eye in eyes)
    back = left[:3, 2] + right[:3, 2]
    across = np.cross(left[:3, 1] + right[:3, 1], back)
    head = np.eye(4)
    head[:3, 0] = across / np.linalg.norm(across)
    head[:3, 2] = back / np.linalg.norm(back)
    head[:3, 1] = np.cross(head[:3, 2], head[:3, 0])
    head[:3, 3] = (left[:3, 3] + right[:3, 3]) / 2
    return head


def upright(head_44: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same place and the same side of the world ahead, but level: neither tilted nor leaning."""
    forward, up = -head_44[:3, 2], head_44[:3, 1]
    ahead = forward[[0, 2]]
    if np.linalg.norm(ahead) < _LEVEL:
        # Who looks at the ceiling has the top of the head behind, who looks at the floor has it in front.
        ahead = -up[[0, 2]] if forward[1] > 0 else up[[0, 2]]
    x, z = ahead / np.linalg.norm(ahead)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 2] = (-z, 0, x), (-x, 0, -z)
    pose[:3, 3] = head_44[:3, 3]
    return pose
