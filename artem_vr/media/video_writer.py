"""H.264 videos with time stamps of the caller's, and the sound of another file."""

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from artem_vr.errors import DisplayError, InputError
from artem_vr.frame import Size
from artem_vr.media.pending_file import PendingFile, PendingWriter
from artem_vr.media.sound import Sound

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
VIDEOS_WRITTEN = frozenset(_FORMATS)
"""Suffixes that `VideoWriter` knows."""

_BT709, _LIMITED_RANGE = 1, 1


class VideoWriter(PendingWriter):
    """Writes pictures of one size to an .mp4, .m4v, .mov or .mkv file, which appears when `close` is called.

    `size` is width and height in pixels, odd ones too (their colours are then stored at full resolution, since
    4:2:0 halves both sides). `time_base` is the unit of the time stamps in seconds, `rate` the frame rate that they
    come to, on average. `sound_of` names a file whose sound goes in unchanged where the format allows, else as AAC.
    `quality` is x264's constant rate factor (lower is better, 18 looks like the original), `preset` its speed.
    Raises `InputError` for an unknown suffix and
    `DisplayError` when the place cannot be written.
    """

    def __init__(
        self,
        path: Path,
        size: Size,
        rate: Fraction,
        time_base: Fraction,
        sound_of: Path | None = None,
        pixel_aspect: Fraction = Fraction(1),
        quality: int = 18,
        preset: str = "veryfast",
    ) -> None:
        check_video_suffix(path)
        self._size, self._time_base = size, time_base
        self._last_pts: int | None = None
        self._container: OutputContainer | None = None
        self._sound: Sound | None = None
        self._pending = PendingFile(path)
        try:
            self._container = _open_container(self._pending.path, path.suffix.lower())
            self._stream = self._add_pictures(rate, pixel_aspect, {"crf": str(quality), "preset": preset})
            if sound_of is not None:
                self._sound = Sound(sound_of, self._container)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.discard()
            raise DisplayError(f"cannot write {path}: {error}") from error
        except BaseException:
            self.discard()
            raise

    def write(self, rgb_HWC: NDArray[np.uint8], pts: int, duration: int = 0) -> None:
        """Adds a picture, uint8 sRGB, to be shown at `pts` for `duration` time base units (0: unknown).

        A picture of another size is scaled. Raises `DisplayError` when `pts` does not rise or the disk is full.
        """
        if self._container is None:
            raise DisplayError(f"{self._pending.target.name} is closed: no picture can be added")
        if self._last_pts is not None and pts <= self._last_pts:
            raise DisplayError(f"time stamps of a video rise: {pts} came after {self._last_pts}")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb_HWC), "rgb24").reformat(
            *self._size, self._stream.pix_fmt, dst_colorspace=_BT709, dst_color_range=_LIMITED_RANGE
        )
        frame.pts, frame.time_base, frame.duration = pts, self._time_base, duration
        try:
            if self._sound is not None:
                self._sound.copy_until(float(pts * self._time_base))
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise DisplayError(f"cannot write {self._pending.target}: {error}") from error
        self._last_pts = pts

    def close(self) -> Path:
        """Ends the video and gives the file its name. May be called twice. A video without a picture is discarded."""
        if self._container is None:
            return self._pending.target
        if self._last_pts is None:
            self.discard()
            return self._pending.target
        try:
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.copy_rest()
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise DisplayError(f"cannot write {self._pending.target}: {error}") from error
        finally:
            self._release()
        self._pending.commit()
        return self._pending.target

    def discard(self) -> None:
        """Gives up the video: no file stays behind. Does nothing after `close`."""
        if self._container is not None:
            # An unfinished file cannot always be ended; it is taken away anyway.
            with contextlib.suppress(av.FFmpegError, OSError, ValueError):
                self._container.close()
        self._release()
        self._pending.discard()

    def _release(self) -> None:
        self._container = None
        if self._sound is not None:
            self._sound.close()
            self._sound = None

    def _add_pictures(self, rate: Fraction, pixel_aspect: Fraction, options: dict[str, str]) -> VideoStream:
        if self._container is None:
            raise ValueError("no container")
        # Without B-frames the order of decoding is that of time, so that uneven time stamps survive every container.
        options = {**options, "bf": "0", "rc-lookahead": "10"}
        stream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p" if self._size[0] % 2 == self._size[1] % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = self._time_base
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream


def check_video_suffix(path: Path) -> None:
    """Raises `InputError` when `VideoWriter` does not know the suffix of this path."""
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"cannot write {path.name}: the name of a video ends in .mp4, .mov, .m4v or .mkv")


def _open_container(path: Path, suffix: str) -> OutputContainer:
    # The index goes to the front of the file, so that a browser can play it while it loads.
    options = {} if suffix == ".mkv" else {"movflags": "+faststart"}
    return av.open(str(path), "w", format=_FORMATS[suffix], options=options)
