"""Makes docs/comfort.mp4: the same walk before and after, side by side, the left eye of each.

On the left paint stays where it was made until there is new one, as it came from the network; on the right all is done
that the program does by itself where a GPU paints. What moves by itself is held still. Both are painted 20 times
a second, shown 60 times, and written 30 times.

    python scripts/comfort_video.py [--before OLD_BANK.safetensors] [--quality 32]
"""

import argparse
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.app import open_engine
from artem_vr.camera import Pose
from artem_vr.media.video_writer import VideoWriter
from artem_vr.progress import progress_bar
from artem_vr.styles import StyleBank
from trainer.comfort.head_paths import walking
from trainer.comfort.modes import MODES
from trainer.comfort.recording import Recording
from trainer.comfort.scene import RATE, SceneRecorder
from trainer.comfort.showing import show

TARGET = Path(__file__).parents[1] / "docs" / "comfort.mp4"
EYE = (480, 480)
STYLES = ("udnie", "great-wave", "scream", "starry-night")
SECONDS = 3.0
_SHOWN_EVERY = 2
_LEFT = 0


def _captioned(picture_HWC: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    picture = picture_HWC.copy()
    for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
        cv2.putText(picture, text, (10, EYE[1] - 12), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thickness, cv2.LINE_AA)
    return picture


def _left_eyes(recording: Recording, bank: StyleBank, style: str, mode: str) -> list[NDArray[np.uint8]]:
    engine = open_engine(bank)
    try:
        shown = show(recording, engine, bank, style, MODES[mode])
        return [frame.rgb_EHWC[_LEFT] for number, frame in enumerate(shown) if number % _SHOWN_EVERY == 0]
    finally:
        engine.close()


def _recordings() -> list[Recording]:
    """A part of the walk for each style. All at once, for the scene's context is not the one that they are shown in."""
    recorder = SceneRecorder(EYE)
    found = []
    for part in range(len(STYLES)):
        start = part * SECONDS

        def path(seconds: float, start: float = start) -> Pose:
            return walking(start + seconds)

        found.append(recorder.record(path, round(SECONDS * RATE)))
    recorder.close()
    return found


def main() -> None:
    """Records, paints twice, and writes the video."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="the bank on the left; the shipped one if not given")
    parser.add_argument("--quality", type=int, default=22, help="x264's constant rate factor: more is smaller")
    options = parser.parse_args()
    before, after = StyleBank.load(options.before), StyleBank.load(None)
    recordings = _recordings()
    rate = Fraction(round(RATE / _SHOWN_EVERY))
    writer = VideoWriter(TARGET, (2 * EYE[0], EYE[1]), rate, 1 / rate, quality=options.quality, preset="veryslow")
    number = 0
    with progress_bar("painting", len(STYLES)) as advance:
        for done, (style, recording) in enumerate(zip(STYLES, recordings, strict=True), 1):
            sides = [_left_eyes(recording, bank, style, mode) for bank, mode in ((before, "plain"), (after, "live"))]
            for left, right in zip(*sides, strict=True):
                writer.write(np.hstack([_captioned(left, f"{style}: before"), _captioned(right, "after")]), number)
                number += 1
            advance(done, len(STYLES))
    writer.close()
    print(f"wrote {TARGET}, {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
