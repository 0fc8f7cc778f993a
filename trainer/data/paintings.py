"""Paintings as training crops, where any painting will do: step k of a run gets the same crops whenever it asks."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from artem_vr.errors import InputError
from trainer.data.crops import to_tensor
from trainer.data.reader import PictureReader
from trainer.data.sources import Picture, find_pictures

_KEPT = 256 << 20
_LARGEST_SEED = 1 << 32


@dataclass(frozen=True, slots=True)
class Paintings:
    """All usable pictures of a folder tree, an archive or shards."""

    pictures: list[Picture]
    reader: PictureReader

    @classmethod
    def find(cls, place: Path) -> "Paintings":
        """Lists them. Raises `InputError` when there is not one that can be used."""
        try:
            pictures = list(find_pictures(place))
        except OSError as error:
            raise InputError(f"cannot read {place}: {error.strerror or error}") from error
        reader = PictureReader(_KEPT)
        usable = [picture for picture in pictures if reader.read(picture) is not None]
        if not usable:
            raise InputError(f"{place} holds no usable painting: set data.paintings to a folder of pictures")
        return cls(usable, reader)

    def crops(self, size: int, count: int, seed: int, step: int, sides: tuple[int, int]) -> Tensor:
        """RGB in [0, 1], (count, 3, size, size), a pure function of the arguments.

        Each painting's short side is first scaled to a random length between the two of `sides`.
        """
        # A stream of its own: the photographs' crops of this step are drawn from (seed, step).
        random = np.random.default_rng((seed, step, _LARGEST_SEED))
        crops = []
        for _ in range(count):
            rgb = self.reader.read(self.pictures[int(random.integers(len(self.pictures)))])
            if rgb is None:
                raise InputError("a painting can no longer be read: training needs those that it began with")
            scale = max(random.uniform(*sides), size) / min(rgb.shape[:2])
            height, width = (max(size, round(side * scale)) for side in rgb.shape[:2])
            rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            top, left = random.integers(height - size + 1), random.integers(width - size + 1)
            crops.append(rgb[top : top + size, left : left + size])
        return to_tensor(np.stack(crops))
