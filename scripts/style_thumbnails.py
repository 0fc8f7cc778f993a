"""Makes the small pictures by which painters are told apart: assets/thumbnails/NAME.jpg.

    python scripts/style_thumbnails.py

One corner of the built-in scene, a tree before sky, sea and stones, in every style of the shipped bank, and unpainted.
To be run again when the bank is trained anew. `artem_vr.thumbnails` reads them.
"""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artem_vr import resources
from artem_vr.app import open_engine, scene_pictures
from artem_vr.styles import IDENTITY, StyleBank
from artem_vr.thumbnails import SIDE, thumbnail_path

VIEW = (256, 256)
INDEX, OF = 2, 12
LEFT, TOP, CROP = 0, 24, 180
QUALITY = 85


def cropped(rgb_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The corner of a painted view, at the size of a thumbnail."""
    corner = rgb_HWC[TOP : TOP + CROP, LEFT : LEFT + CROP]
    return np.asarray(cv2.resize(corner, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Paints and writes all of them, and removes those of styles that are no more."""
    bank = StyleBank.load()
    shipped = bank.names[: len(bank.names) - bank.added]
    view = next(picture for index, picture in enumerate(scene_pictures(VIEW, OF)) if index == INDEX)
    pictures = {IDENTITY: cropped(view)}
    engine = open_engine(bank)
    for name in shipped:
        # The view whole, not the corner of it: a network looks farther than a corner.
        pictures[name] = cropped(np.asarray(engine.paint(view[None], bank.vector(name)[None])[0], np.uint8))
    engine.close()
    folder = resources.assets() / "thumbnails"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.jpg"):
        path.unlink()
    total = 0
    for name, picture in pictures.items():
        buffer = BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY, optimize=True)
        thumbnail_path(name).write_bytes(buffer.getvalue())
        total += len(buffer.getvalue())
    print(f"wrote {len(pictures)} pictures to {folder}: {total / 1000:.0f} kB")


if __name__ == "__main__":
    main()
