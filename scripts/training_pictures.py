"""Makes the pictures of docs/training.md: two views of the built-in scene in every style of a network.

    python scripts/training_pictures.py docs/images/adain.jpg models/adain.safetensors
    python scripts/training_pictures.py docs/images/pruned_johnson.jpg runs/pruned_johnson/pruned_johnson.safetensors
    python scripts/training_pictures.py OUT.jpg BANK --styles mine,great-wave

The scene stands for photographs, which are not this project's to show.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.app import open_engine, scene_pictures
from artem_vr.media.picture import write_picture
from artem_vr.styles import StyleBank

VIEW = (256, 256)
VIEWS = (2, 9)
OF = 12
COLUMNS = 7
_WHITE = (255, 255, 255)


def labelled(pixels: NDArray[np.uint8], label: str) -> NDArray[np.uint8]:
    """The picture with its name in the corner."""
    picture = np.ascontiguousarray(pixels)
    cv2.rectangle(picture, (0, 0), (12 + 9 * len(label), 24), (20, 20, 20), -1)
    cv2.putText(picture, label, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _WHITE, 1, cv2.LINE_AA)
    return picture


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("bank", type=Path, nargs="?", help="the shipped one unless given")
    parser.add_argument("--styles", help="names, separated by commas; all unless given")
    arguments = parser.parse_args()
    bank = StyleBank.load(arguments.bank)
    names = arguments.styles.split(",") if arguments.styles else bank.names
    views = [view for index, view in enumerate(scene_pictures(VIEW, OF)) if index in VIEWS]
    engine = open_engine(bank)
    tiles = [np.vstack([labelled(views[0], "the scene"), *views[1:]])]
    for name in names:
        styles = np.repeat(bank.vector(name)[None], len(views), axis=0)
        painted = engine.paint(np.stack(views), styles)
        tiles.append(np.vstack([labelled(painted[0], name), *painted[1:]]))
    engine.close()
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    write_picture(arguments.target, np.vstack(rows))
    print(f"wrote {arguments.target}")


if __name__ == "__main__":
    main()
