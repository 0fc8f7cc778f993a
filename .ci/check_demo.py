"""Looks at what `make demo` left behind: the video has its frames, none is blank, they move, and they are painted.

`check_demo.py FOLDER PLAIN.mp4 [FRAMES]` reads FOLDER/demo.mp4, demo.png and demo.json; PLAIN.mp4 is the same walk
recorded at strength 0, FRAMES how many there should be. Ends with exit code 1 and one line for each thing that is
wrong. `check_demo.py --describe FOLDER` prints what to record that with: frames, size and frame rate.
"""

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Video = NDArray[np.float32]
"""Frames, height, width, RGB in [0, 255], reduced in size: enough to tell pictures apart."""

SMALL = (160, 90)
LEAST_FRAMES = 60
LEAST_CONTRAST = 8.0
"""Standard deviation of the pixel values below which a frame counts as blank."""
LEAST_MOTION = 1.0
"""Mean difference between a frame and the one half a second later: more than the codec errs."""
LEAST_PAINT = 6.0
"""Mean difference from the nearest unstylized frame: twice what two encodings of one picture differ by."""
NEAR = 5
"""How many frames earlier or later the unstylized twin of a frame may be."""


def frames(path: Path) -> Iterator[tuple[tuple[int, int], NDArray[np.float32]]]:
    """Every frame's full (width, height), and its pixels reduced to `SMALL`."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            small = frame.reformat(width=SMALL[0], height=SMALL[1], format="rgb24", interpolation="AREA")
            yield (frame.width, frame.height), small.to_ndarray().astype(np.float32)


def rate(path: Path) -> Fraction:
    """Frames a second, as the file says."""
    with av.open(str(path)) as container:
        return Fraction(container.streams.video[0].average_rate or 0)


def load(path: Path) -> tuple[tuple[int, int], Video]:
    """The video's (width, height) and its frames. Raises ValueError when there is none or when the size changes."""
    sizes, pictures = zip(*frames(path), strict=True) if path.stat().st_size else ((), ())
    if len(set(sizes)) != 1:
        raise ValueError(f"{path} has frames of {len(set(sizes))} sizes")
    return sizes[0], np.stack(pictures)


def blank(video: Video) -> list[int]:
    """The numbers of the frames without a picture in them."""
    return [int(index) for index in np.flatnonzero(video.std(axis=(1, 2, 3)) < LEAST_CONTRAST)]


def frozen(video: Video, step: int) -> list[int]:
    """The numbers of the frames that are as good as the same `step` frames later."""
    motion = np.abs(video[step:] - video[:-step]).mean(axis=(1, 2, 3))
    return [int(index) for index in np.flatnonzero(motion < LEAST_MOTION)]


def unpainted(video: Video, plain: Video) -> list[int]:
    """The numbers of the frames that are as good as an unstylized one recorded about then."""
    found = []
    for index, picture in enumerate(video[: len(plain)]):
        nearby = plain[max(0, index - NEAR) : index + NEAR + 1]
        if np.abs(nearby - picture).mean(axis=(1, 2, 3)).min() < LEAST_PAINT:
            found.append(index)
    return found


def faults(folder: Path, plain_path: Path, expected_frames: int | None = None) -> list[str]:
    """What is wrong, one line each."""
    stats = json.loads((folder / "demo.json").read_text())
    size, video = load(folder / "demo.mp4")
    plain_size, plain = load(plain_path)
    expected = (2 * stats["eye_size"][0], stats["eye_size"][1])
    found = []
    if len(video) != stats["frames"] or len(video) < LEAST_FRAMES:
        found.append(f"demo.mp4 has {len(video)} frames, demo.json says {stats['frames']}, at least {LEAST_FRAMES}")
    if expected_frames is not None and len(video) != expected_frames:
        found.append(f"demo.mp4 has {len(video)} frames, the walk has {expected_frames}")
    if size != expected:
        found.append(f"demo.mp4 is {size}, two eyes are {expected}")
    with Image.open(folder / "demo.png") as image:
        if image.size != size:
            found.append(f"demo.png is {image.size}, the video {size}")
        if np.asarray(image.convert("RGB"), np.float32).std() < LEAST_CONTRAST:
            found.append("demo.png is blank")
    if numbers := blank(video):
        found.append(f"frames {numbers} are blank")
    if numbers := frozen(video, step=max(1, round(rate(folder / "demo.mp4") / 2))):
        found.append(f"nothing moves in the half second after frames {numbers}")
    if plain_size != size:
        found.append(f"the unstylized video is {plain_size}, the demo {size}")
    compared = min(len(video), len(plain))
    if numbers := unpainted(video, plain):
        found.append(f"{len(numbers)} of {compared} frames are unstylized: {numbers}")
    return found


def describe(folder: Path) -> str:
    """Frames, size and rate of the demo, as `preview` takes them."""
    stats = json.loads((folder / "demo.json").read_text())
    width, height = stats["eye_size"]
    return f"{stats['frames']} {2 * width}x{height} {round(rate(folder / 'demo.mp4'))}"


def main() -> int:
    """Checks the folder and the plain video named on the command line, or describes the folder's demo."""
    if sys.argv[1] == "--describe":
        print(describe(Path(sys.argv[2])))
        return 0
    folder, plain = (Path(argument) for argument in sys.argv[1:3])
    found = faults(folder, plain, int(sys.argv[3]) if len(sys.argv) > 3 else None)
    for fault in found:
        print(f"demo: {fault}", file=sys.stderr)
    if not found:
        print("demo: every frame is there, has a picture, moves and is painted")
    return min(1, len(found))


if __name__ == "__main__":
    sys.exit(main())
