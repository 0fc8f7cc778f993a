"""Photographs as training crops, drawn so that step k of a run gets the same batch whenever it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artem_vr.errors import InputError
from trainer.data.decode import UnusablePictureError, decode_rgb
from trainer.data.reader import PictureReader
from trainer.data.sources import Picture, find_pictures

_VALIDATION_EVERY = 20
_TRIED_AT_THE_START = 100


@dataclass(frozen=True, slots=True)
class Photos:
    """Photographs, split once and for all: every twentieth, by name, is for validation."""

    training: Sequence[Picture]
    validation: Sequence[Picture]
    reader: PictureReader = field(default_factory=PictureReader)
    place: str = "data.photos"

    @classmethod
    def find(cls, place: Path, cache_mb: int = 0, share: float = 1.0) -> "Photos":
        """Lists the pictures of a folder tree, an archive or shards (see `trainer.data.sources`).

        A `share` below 1 takes only so many of them, evenly spread by name. Up to `cache_mb` megabytes of them stay
        decoded in memory. Raises `InputError` when there is nothing of that name, or it is damaged, or holds too few
        pictures to split.
        """
        try:
            pictures = find_pictures(place)
        except OSError as error:
            raise InputError(f"cannot read {place}: {error.strerror or error}") from error
        taken = round(share * len(pictures))
        pictures = [pictures[index * len(pictures) // taken] for index in range(taken)]
        if len(pictures) < _VALIDATION_EVERY:
            less = "" if share == 1 else f" of which data.share takes {taken}"
            raise InputError(
                f"{place} holds too few pictures ({len(pictures)}{less}): at least {_VALIDATION_EVERY} are needed"
            )
        training = [picture for index, picture in enumerate(pictures) if index % _VALIDATION_EVERY]
        return cls(training, pictures[::_VALIDATION_EVERY], PictureReader(cache_mb << 20), str(place))

    def check(self) -> None:
        """Tries up to a hundred pictures, evenly spread over those for training, and one for validation.

        Raises `InputError` when more than half of the hundred cannot be used, or none of those for validation.
        """
        tried = self.training[:: max(1, -(-len(self.training) // _TRIED_AT_THE_START))]
        bad = [picture for picture in tried if self.reader.read(picture) is None]
        if 2 * len(bad) > len(tried):
            self._refuse(bad, f"{len(bad)} of {len(tried)} pictures tried")
        if self.validation and all(self.reader.read(picture) is None for picture in self.validation):
            self._refuse(self.validation, f"all {len(self.validation)} pictures for validation (every twentieth)")

    def skipped(self) -> str:
        """One line about the pictures that could not be used so far."""
        total, read = len(self.training) + len(self.validation), self.reader.pictures_read
        seen = "" if read == total else f" ({read:,} read so far)"
        return f"skipped {self.reader.pictures_skipped:,} of {total:,} pictures{seen}: {self.reader.skipped()}"

    def draw(self, random: np.random.Generator) -> NDArray[Any]:
        """A picture for training at random, uint8 RGB (H, W, 3); one that cannot be used is replaced by another draw.

        Raises `InputError` when more than half of all pictures turn out to be unusable, or all for training.
        """
        while True:
            rgb = self.reader.read(self.training[int(random.integers(len(self.training)))])
            if rgb is not None:
                return rgb
            bad = self.reader.pictures_skipped
            if 2 * bad > len(self.training) + len(self.validation) or bad >= len(self.training):
                self._refuse(None, f"{bad} of {len(self.training) + len(self.validation)} pictures")

    def validation_from(self, start: int) -> NDArray[Any]:
        """The validation picture at `start`, or in its place the next one that can be used, going round."""
        for index in range(len(self.validation)):
            rgb = self.reader.read(self.validation[(start + index) % len(self.validation)])
            if rgb is not None:
                return rgb
        return self._refuse(self.validation, f"all {len(self.validation)} pictures for validation")

    def _refuse(self, pictures: Sequence[Picture] | None, which: str) -> NoReturn:
        names = None if pictures is None else [picture.name for picture in pictures]
        raise InputError(
            f"{which} in {self.place} cannot be used ({self.reader.skipped(names)}): replace or remove them"
        )


def training_batch(photos: Photos, size: int, batch: int, seed: int, step: int, smooth_share: float) -> Tensor:
    """The crops of one step: RGB in [0, 1], (batch, 3, size, size), a pure function of the arguments.

    Crops are flipped at random and taken at a random scale from 0.8 to 1.25. A share of `smooth_share` is blurred,
    because rendered walls and skies are smoother than any photograph. Raises `InputError` as `Photos.draw` does.
    """
    random = np.random.default_rng((seed, step))
    crops = [_random_crop(photos.draw(random), size, random, smooth_share) for _ in range(batch)]
    return to_tensor(np.stack(crops))


def validation_batch(photos: Photos, size: int, start: int, batch: int) -> Tensor:
    """Centre crops of the validation photographs from `start` on: RGB in [0, 1], (batch or fewer, 3, size, size)."""
    indices = range(start, min(start + batch, len(photos.validation)))
    return to_tensor(np.stack([_centre_crop(photos.validation_from(index), size) for index in indices]))


def read_rgb(path: Path) -> NDArray[Any]:
    """A picture as RGB (H, W, 3), see `decode_rgb`. Raises `InputError` when it cannot be read."""
    try:
        return decode_rgb(path)
    except UnusablePictureError as error:
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
    # NumPy divides in this thread alone: for so little work PyTorch would wake all of its own, and each loader's anew.
    return torch.from_numpy(np.divide(batch_NHWC, 255, dtype=np.float32)).permute(0, 3, 1, 2)


def _random_crop(rgb: NDArray[Any], size: int, random: np.random.Generator, smooth_share: float) -> NDArray[Any]:
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
