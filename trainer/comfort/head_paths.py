"""How a head moves while it is measured: walking and looking about, standing still, and turning fast.

No training draws the scene from these poses: it takes places and directions at random.
"""

import math

from artem_vr.app import scene_walk
from artem_vr.camera import Pose

WALK_START = 8.0
"""Where in the scene's walk, in seconds, the measured part begins: past a tree two metres away, before a far view."""
TURN_RATE = math.radians(100.0)
"""Radians a second: a head that follows a sound. In daily life heads turn at up to 100 degrees a second or so."""

_NECK = 0.1
"""How far the eyes are in front of the axis around which a head turns, in metres."""


def walking(seconds: float) -> Pose:
    """The scene's walk with what a head does on the way: it looks about, sways, and bobs with each step."""
    pose = scene_walk()(WALK_START + seconds)
    yaw = math.radians(11) * math.sin(2 * math.pi * 0.45 * seconds) + math.radians(1.5) * math.sin(9.1 * seconds)
    pitch = math.radians(4) * math.sin(2 * math.pi * 0.37 * seconds + 1.0) + math.radians(0.5) * math.sin(
        11.3 * seconds
    )
    x, y, z = pose.position
    bob = 0.018 * math.sin(2 * math.pi * 1.9 * seconds)
    sway = 0.012 * math.sin(2 * math.pi * 0.95 * seconds)
    position = x + sway * math.cos(pose.yaw), y + bob, z - sway * math.sin(pose.yaw)
    return _turned(Pose(position, pose.yaw, pose.pitch), yaw, pitch)


def standing(seconds: float) -> Pose:
    """A head that does not move at all, as a camera on a tripod."""
    return scene_walk()(WALK_START + 3.0)


def turning(seconds: float) -> Pose:
    """A head that turns to the left at `TURN_RATE`."""
    return _turned(scene_walk()(WALK_START + 1.0), TURN_RATE * seconds, 0.0)


def _turned(pose: Pose, yaw: float, pitch: float) -> Pose:
    """The pose with its head turned around the neck."""
    x, y, z = pose.position
    before, after = pose.yaw, pose.yaw + yaw
    moved = x - _NECK * (math.sin(after) - math.sin(before)), y, z - _NECK * (math.cos(after) - math.cos(before))
    return Pose(moved, after, pose.pitch + pitch)
