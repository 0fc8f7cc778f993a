"""Makes the pictures of the README: docs/images/demo.jpg and docs/images/styles.jpg.

The first shows moments of the demonstration's walk, one for each painter; the second the same place of it unpainted
and in each style of the bank. Both are what the live preview shows.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.app import preview
from artem_vr.config import PreviewOptions
from artem_vr.media.picture import read_picture, write_picture
from artem_vr.styles import IDENTITY, StyleBank

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1280, 720)
SECONDS_EACH = 3.0
COLUMNS = 3
TILE = (400, 300)
_LABEL = (255, 255, 255)


def shoot(style: str, seconds: float, folder: Path) -> NDArray[np.uint8]:
    """The walk at `seconds` after its start: both eyes side by side."""
    path = folder / "picture.png"
    # Two frames a second are enough to get there: the clock is simulated.
    options = PreviewOptions(size=SIZE, headless=True, fps=2.0, frames=1 + round(2 * seconds), snapshot=path)
    preview(replace(options, style=style))
    return read_picture(path).rgb_HWC


def strip(moments: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The left eyes at half size, in two rows."""
    eyes = [cv2.resize(one[:, : SIZE[0] // 2], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in moments]
    half = len(eyes) // 2
    return np.asarray(np.vstack([np.hstack(eyes[:half]), np.hstack(eyes[half : 2 * half])]), np.uint8)


def tile(picture: NDArray[np.uint8], label: str) -> NDArray[np.uint8]:
    """The left eye, cropped to the shape of a tile, with its name in the corner."""
    left = picture[:, : SIZE[0] // 2]
    height = round(left.shape[1] * TILE[1] / TILE[0])
    top = (left.shape[0] - height) // 2
    small = cv2.resize(left[top : top + height], TILE, interpolation=cv2.INTER_AREA)
    cv2.rectangle(small, (0, TILE[1] - 24), (12 + 9 * len(label), TILE[1]), (20, 20, 20), -1)
    cv2.putText(small, label, (6, TILE[1] - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _LABEL, 1, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def main() -> None:
    """Writes both pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    names = [IDENTITY, *StyleBank.load().names]
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: shoot(name, 0.0, Path(folder)) for name in names}
        moments = [shoot(name, SECONDS_EACH * (index + 0.5), Path(folder)) for index, name in enumerate(names[1:])]
    write_picture(IMAGES / "demo.jpg", strip(moments))
    tiles = [tile(picture, name) for name, picture in pictures.items()]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    write_picture(IMAGES / "styles.jpg", np.vstack(rows))


if __name__ == "__main__":
    main()
