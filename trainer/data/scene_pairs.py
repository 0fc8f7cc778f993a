"""Pairs of views of the built-in scene, with the exact way of every pixel from one to the other and what is hidden.

For what a turn of the head, or the distance between two eyes, does to a picture: what a network makes of both shall
differ by that way alone. Flow and occlusion come from depth (`trainer.comfort.correspondence`), and need no estimate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from artem_vr.camera import HeadPath, Pose, stereo_views
from artem_vr.errors import InputError
from artem_vr.frame import EyeView, FrameRequest, GlFrame
from artem_vr.reprojection import distances
from trainer.comfort.correspondence import with_edges
from trainer.replacing import replacing

VIEWS = 3
"""The pictures of one place: the left eye, the right eye, and the left eye after the head has moved a little."""
_ONE_HELD_OUT_OF = 13
_SECONDS = 600.0
"""Places are taken from this long a walk."""
_ASIDE, _UP = 0.8, 0.25
"""How far, in metres, a place may lie beside the walk around the courtyard, and above or below it."""
_FIELDS = math.radians(40), math.radians(80)
_TURN, _STEP = math.radians(5.0), 0.06
"""The fastest turn in a moment, 100 degrees a second at 20 paintings a second, and the longest step in metres."""
_SLOWEST = 0.02
"""The slowest turn and step, as a share of the fastest."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenePairs:
    """P places, each seen in three views of S x S pixels.

    `pixels_PVSSC` is uint8 RGB. `way_PWSS2`, float16, holds for each pixel of the right eye (0) and of the later view
    (1) how far from its own place, in pixels right and down, it lies in the left eye's picture; `seen_PWSS`, bool,
    whether it is seen there. The scene stands still between the views of a place, for depth tells nothing of what
    moves by itself.
    """

    pixels_PVSSC: Tensor
    way_PWSS2: Tensor
    seen_PWSS: Tensor

    @classmethod
    def render(
        cls, places: int, size: int, seed: int, advance: Callable[[int], None] = lambda done: None
    ) -> "ScenePairs":
        """Draws so many places, at random along the walk. Raises `GraphicsError` without OpenGL."""
        # Only who draws brings what draws: views can also be loaded, where there is no OpenGL.
        from artem_vr.app import open_scene, scene_walk
        from artem_vr.gl.context import create_headless_context

        random = np.random.default_rng((seed, 17))
        context = create_headless_context()
        try:
            source, path = open_scene(context, (size, size)), scene_walk()
            _views(source, stereo_views(path(0.0), (size, size)), 0.0, size)  # the scene's time begins here
            found = []
            for place in range(places):
                found.append(_place(source, path, size, random))
                advance(place + 1)
            source.close()
        finally:
            context.release()
        pixels, ways, visible = zip(*found, strict=True)
        return cls(*(torch.from_numpy(np.stack(parts)) for parts in (pixels, ways, visible)))

    @classmethod
    def render_with_held_out(cls, places: int, size: int, seed: int) -> "ScenePairs":
        """So many places for training, and those that `split` takes away, a twelfth as many but at least one."""
        return cls.render(places + max(1, places // (_ONE_HELD_OUT_OF - 1)), size, seed)

    @classmethod
    def load(cls, path: Path, size: int) -> "ScenePairs":
        """Reads what `save` wrote. Raises `InputError` when it is missing, something else, or of another size."""
        try:
            tensors = load_file(path)
            pairs = cls(tensors["pixels"], tensors["way"], tensors["seen"])
        except (OSError, SafetensorError, KeyError) as error:
            raise InputError(f"{path} holds no views of the scene ({error}): leave out calm.views") from error
        places, expected = len(pairs.pixels_PVSSC), (VIEWS, size, size, 3)
        if places < 2 or tuple(pairs.pixels_PVSSC.shape[1:]) != expected:
            raise InputError(f"{path} does not hold two places or more of {size}x{size} pixels: leave out calm.views")
        return pairs

    def save(self, path: Path) -> None:
        """Writes the views, whole or not at all, for a machine without OpenGL. Raises `UsageError`."""
        tensors = {"pixels": self.pixels_PVSSC, "way": self.way_PWSS2, "seen": self.seen_PWSS}
        with replacing(path, "the views of the scene") as temporary:
            temporary.write_bytes(save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}))

    def split(self) -> "tuple[ScenePairs, ScenePairs]":
        """The places to train on, and those to judge by: the last thirteenth, at least one."""
        first = len(self.pixels_PVSSC) - max(1, len(self.pixels_PVSSC) // _ONE_HELD_OUT_OF)
        parts = self.pixels_PVSSC, self.way_PWSS2, self.seen_PWSS
        return ScenePairs(*(part[:first] for part in parts)), ScenePairs(*(part[first:] for part in parts))

    def to(self, device: torch.device) -> "ScenePairs":
        """The same in a device's memory: a step then waits for no copy."""
        return ScenePairs(self.pixels_PVSSC.to(device), self.way_PWSS2.to(device), self.seen_PWSS.to(device))

    def batch(self, count: int, seed: int, step: int, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Places that one process takes in one step, a pure function of the arguments.

        Returns RGB in [0, 1] (count, 3, 3, S, S), ways (count, 2, S, S, 2) and what is seen (count, 2, S, S).
        """
        drawn = np.random.default_rng((seed, step, 23, rank)).integers(len(self.pixels_PVSSC), size=count)
        chosen = torch.from_numpy(drawn).to(self.pixels_PVSSC.device)
        return _as_rgb(self.pixels_PVSSC[chosen]), self.way_PWSS2[chosen].float(), self.seen_PWSS[chosen]

    def left_NCHW(self) -> Tensor:  # noqa: N802 - the suffix is its shape
        """The left eye's picture of every place: RGB in [0, 1]."""
        return _as_rgb(self.pixels_PVSSC[:, 0])


def _as_rgb(pixels: Tensor) -> Tensor:
    """uint8 pictures (..., H, W, 3) as RGB in [0, 1] (..., 3, H, W)."""
    return pixels.movedim(-1, -3).float() / 255


def _place(
    source: Any, path: HeadPath, size: int, random: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Three views' pixels (3, S, S, 3), and the ways (2, S, S, 2) and what is seen (2, S, S) of the last two."""
    time, field = random.uniform(0, _SECONDS), random.uniform(*_FIELDS)
    pose, later = _poses(path(time), random)
    first = _views(source, stereo_views(pose, (size, size), vertical_fov=field), time, size)
    second = _views(source, stereo_views(later, (size, size), vertical_fov=field), time, size)
    left, right, after = first[0], first[1], second[0]
    ways, visible = zip(*(_way(view, left, size) for view in (right, after)), strict=True)
    return np.stack([left.pixels, right.pixels, after.pixels]), np.stack(ways), np.stack(visible)


def _poses(on_path: Pose, random: np.random.Generator) -> tuple[Pose, Pose]:
    """Where a head may be, and where it may be a moment later. Slow and fast moves are equally likely."""
    position = np.array(on_path.position) + random.uniform(-1, 1, 3) * (_ASIDE, _UP, _ASIDE)
    yaw, pitch = on_path.yaw + random.normal(0, 0.7), on_path.pitch + random.normal(0, 0.2)
    speed = math.exp(random.uniform(math.log(_SLOWEST), 0))
    turn, step = random.normal(0, 0.6, 2) * speed * _TURN, random.normal(0, 0.6, 3) * speed * _STEP
    return (
        Pose(tuple(position.tolist()), yaw, pitch),
        Pose(tuple((position + step).tolist()), yaw + turn[0], pitch + turn[1] / 2),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    pixels: NDArray[np.uint8]
    distance: NDArray[np.float64]
    view: EyeView


def _views(source: Any, eyes: tuple[EyeView, EyeView], time: float, size: int) -> list[_View]:
    frame: GlFrame = source.read(FrameRequest(0, time, eyes, (size, size)))
    depth = frame.depth or ()
    views = []
    for color, texture, view in zip(frame.color, depth, frame.eyes, strict=True):
        pixels = np.frombuffer(color.read(), np.uint8).reshape(size, size, -1)[::-1, :, :3]
        window = np.frombuffer(texture.read(), np.float32).reshape(size, size)[::-1]
        views.append(_View(pixels.copy(), distances(window, view.projection_44), view))
    return views


def _way(view: _View, left: _View, size: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    found = with_edges(view.distance, view.view, left.distance, left.view)
    centres = (np.arange(size) + 0.5) / size
    way = (found.place_HW2 - np.stack(np.meshgrid(centres, centres), -1)) * size
    return np.where(found.seen_HW[..., None], way, 0).astype(np.float16), found.seen_HW
