"""A video file, played at its own time stamps."""

from collections.abc import Iterator
from pathlib import Path

from artem_vr.errors import InputError
from artem_vr.media.video_reader import VideoReader
from artem_vr.sources.playback import Playback, TimedPicture


class VideoSource(Playback):
    """A video file; with `stereo`, the left half of its picture is for the left eye.

    At `t` seconds after the first request it shows the frame with the greatest time stamp up to `t`. See `Playback`
    for `loop` and `live`. Raises `InputError` when the file is missing or not a video.
    """

    def __init__(self, path: Path | str, stereo: bool = False, loop: bool = True, live: bool = True) -> None:
        self._path = Path(path)
        super().__init__(f"video:{path}", self._pictures, stereo, loop, live)

    def _pictures(self) -> Iterator[TimedPicture]:
        """One pass. Each frame is held back until the next one tells how long it is shown."""
        with VideoReader(self._path) as reader:
            frames = reader.frames()
            held = next(frames)
            start = held.time
            try:
                for frame in frames:
                    yield TimedPicture(held.time - start, frame.time - start, held.rgb)
                    held = frame
            except InputError as error:
                # What could be read is worth seeing.
                self._complain(str(error))
            yield TimedPicture(held.time - start, held.time - start + held.duration, held.rgb)
