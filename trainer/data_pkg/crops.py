"""Photographs as training crops, drawn so that step k of a run gets the same batch whenever it is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artem_vr.errors import InputError

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_VALIDATION_EVERY = 20


@dataclass(frozen=True, slots=True)
class Photos:
    """A folder of photographs, split once and for all: every twentieth, by name, is for validation."""

    training: list[Path]
    validation: list[Path]

    @classmethod
    def find(cls, folder: Path) -> "Photos":
        """Lists the pictures below a folder. Raises `InputError` when it is missing or holds too few to split."""
        if not folder.is_dir():
            raise InputError(
                f"there is no folder {folder}: set data.root (--set data.root=PATH) to where photos, paintings and "
                "the perceptual network are"
            )
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        if len(paths) < _VALIDATION_EVERY:
            raise InputError(f"{folder} holds {len(paths)} pictures: name a folder with at least {_VALIDATION_EVERY}")
        validation = paths[::_VALIDATION_EVERY]
        return cls([path for index, path in enumerate(paths) if index % _VALIDATION_EVERY], validation)


def training_batch(photos: Photos, size: int, batch: int, seed: int, step: int, smooth_share: float) -> Tensor:
    """The crops of one step: RGB in [0, 1], (batch, 3, size, size), a pure function of the arguments.

    Crops are flipped at random and taken at a random scale from 0.8 to 1.25. A share of `smooth_share` is blurred,
    because rendered walls and skies are smoother than any photograph.
    """
    random = np.random.default_rng((seed, step))
    crops = [_random_crop(photos, size, random, smooth_share) for _ in range(batch)]
    return to_tensor(np.stack(crops))


def validation_batch(photos: Photos, size: int, start: int, batch: int) -> Tensor:
    """Centre crops of the validation photographs from `start` on: RGB in [0, 1], (batch or fewer, 3, size, size)."""
    return to_tensor(
        np.stack([_centre_crop(read_rgb(path), size) for path in photos.validation[start : start + batch]])
    )


def read_rgb(path: Path) -> NDArray[Any]:
    """A picture as RGB (H, W, 3). Raises `InputError` when it cannot be read."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises
        raise InputError(f"cannot read the picture {path}: {error}") from error


def read_painting(path: Path, short_side: int) -> Tensor:
    """A painting as RGB in [0, 1], (1, 3, H, W), its short side resized to `short_side` pixels.

    Raises `InputError` when it is missing or cannot be read.
    """
    if not path.exists():
        raise InputError(
            f"there is no painting {path}: set data.root or data.paintings (--set data.root=PATH), or correct the "
            "style's painting in the recipe"
        )
    rgb = read_rgb(path)
    scale = short_side / min(rgb.shape[:2])
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return to_tensor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)[None])


def to_tensor(batch_NHWC: NDArray[Any]) -> Tensor:
    """uint8 pictures (N, H, W, 3) as RGB in [0, 1], NCHW."""
    return torch.from_numpy(np.ascontiguousarray(batch_NHWC)).permute(0, 3, 1, 2).float() / 255


def _random_crop(photos: Photos, size: int, random: np.random.Generator, smooth_share: float) -> NDArray[Any]:
    rgb = read_rgb(photos.training[random.integers(len(photos.training))])
    scale = max(random.uniform(0.8, 1.25), size / min(rgb.shape[:2]))
    height, width = (max(size, round(side * scale)) for side in rgb.shape[:2])
    rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = random.integers(height - size + 1), random.integers(width - size + 1)
    crop = rgb[top : top + size, left : left + size]
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    sigma = random.uniform(2, 6)
    if random.random() < smooth_share:
        crop = cv2.GaussianBlur(crop, (0, 0), sigma)
    return crop


def _centre_crop(rgb: NDArray[Any], size: int) -> NDArray[Any]:
    scale = size / min(rgb.shape[:2])
    if scale > 1:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    top, left = (rgb.shape[0] - size) // 2, (rgb.shape[1] - size) // 2
    return rgb[top : top + size, left : left + size]
