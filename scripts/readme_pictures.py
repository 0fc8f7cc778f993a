"""Makes the pictures of the README: docs/images/demo.jpg and docs/images/styles.jpg.

The first shows moments of the demonstration's walk, one for each painter; the second the same place of it unpainted, in
each style of the bank, and at last in one of them at half strength and in two at once. Both are what the live preview
shows.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.config import PreviewOptions
from artem_vr.live import preview
from artem_vr.media.picture import read_picture, write_picture
from artem_vr.styles import IDENTITY, StyleBank

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1280, 720)
SECONDS_EACH = 2.5
COLUMNS = 5
MOMENTS_A_ROW = 4
TILE = (320, 240)
FAINT, MIX = "great-wave", "starry-night:0.5,scream:0.5"
_LABEL = (255, 255, 255)


def shoot(style: str, seconds: float, folder: Path, strength: float = 1.0) -> NDArray[np.uint8]:
    """The walk at `seconds` after its start: both eyes side by side."""
    path = folder / "picture.png"
    # Two frames a second are enough to get there: the clock is simulated.
    options = PreviewOptions(size=SIZE, headless=True, fps=2.0, frames=1 + round(2 * seconds), snapshot=path)
    preview(replace(options, style=style, strength=strength))
    return read_picture(path).rgb_HWC


def left_eye(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The left eye at half size."""
    small = cv2.resize(picture[:, : SIZE[0] // 2], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def laid_out(tiles: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Tiles of one size in rows; what is left of the last row stays black."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


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
    names = StyleBank.load().names
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: shoot(name, 0.0, Path(folder)) for name in [IDENTITY, *names, MIX]}
        faint = shoot(FAINT, 0.0, Path(folder), strength=0.5)
        moments = [shoot(name, SECONDS_EACH * (index + 0.5), Path(folder)) for index, name in enumerate(names)]
    write_picture(IMAGES / "demo.jpg", laid_out([left_eye(moment) for moment in moments], MOMENTS_A_ROW))
    mixed = tile(pictures.pop(MIX), MIX.replace(":0.5,", " + ").removesuffix(":0.5"))
    tiles = [tile(picture, name) for name, picture in pictures.items()]
    write_picture(IMAGES / "styles.jpg", laid_out([*tiles, tile(faint, f"{FAINT}, strength 0.5"), mixed], COLUMNS))


if __name__ == "__main__":
    main()
