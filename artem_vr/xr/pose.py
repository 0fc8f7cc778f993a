"""OpenXR's poses and fields of view as matrices, and back."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import FAR, NEAR
from artem_vr.xr.library import xr

Matrix = NDArray[np.float64]


def matrix_44(pose: Any) -> Matrix:
    """The matrix of an `xr.Posef`, from its own coordinates to those of the space it was located in."""
    turn = pose.orientation
    x, y, z, w = (float(value) for value in (turn.x, turn.y, turn.z, turn.w))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = pose.position.x, pose.position.y, pose.position.z
    return matrix


def tilted_pose(position: NDArray[np.float64], yaw: float, pitch: float) -> Any:
    """The `xr.Posef` at a place, turned by `yaw` to the left about the vertical, then by `pitch` upwards."""
    cy, sy, cp, sp = math.cos(yaw / 2), math.sin(yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    return xr.Posef(xr.Quaternionf(cy * sp, sy * cp, -sy * sp, cy * cp), xr.Vector3f(*(float(v) for v in position)))


def projection_44(fov: Any, near: float = NEAR, far: float = FAR) -> NDArray[np.float32]:
    """The OpenGL projection of an `xr.Fovf`: a frustum that need not be symmetrical."""
    left, right = math.tan(fov.angle_left), math.tan(fov.angle_right)
    down, up = math.tan(fov.angle_down), math.tan(fov.angle_up)
    matrix = np.zeros((4, 4), np.float32)
    matrix[0, 0], matrix[0, 2] = 2 / (right - left), (right + left) / (right - left)
    matrix[1, 1], matrix[1, 2] = 2 / (up - down), (up + down) / (up - down)
    matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix
