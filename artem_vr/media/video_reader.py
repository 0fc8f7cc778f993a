"""Video files, frame by frame, upright and with their own time stamps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from artem_vr.errors import InputError

_FALLBACK_RATE = Fraction(25)
_TAG = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)$")
_BT709, _UNKNOWN, _HD_HEIGHT = 1, 2, 720


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrame:
    """One frame. `pts` and `pts_duration` count in `time_base` seconds from the start of the file."""

    pts: int
    pts_duration: int
    time_base: Fraction
    _frame: VideoFrame
    _stored_pixel_aspect: Fraction

    @property
    def pixel_aspect(self) -> Fraction:
        """The width of an upright pixel over its height."""
        matrix = _display_matrix(self._frame)
        turned = matrix is not None and matrix[1] != 0 and matrix[2] != 0
        return 1 / self._stored_pixel_aspect if turned else self._stored_pixel_aspect

    @property
    def time(self) -> float:
        """Seconds from the start of the file."""
        return float(self.pts * self.time_base)

    @property
    def duration(self) -> float:
        """How long it is shown, in seconds."""
        return float(self.pts_duration * self.time_base)

    def rgb(self) -> NDArray[np.uint8]:
        """The pixels: uint8 sRGB (H, W, 3), upright."""
        frame = self._frame
        # What does not tell its colour matrix is BT.709 in high definition, as every player takes it.
        matrix = _BT709 if frame.colorspace == _UNKNOWN and frame.height >= _HD_HEIGHT else None
        pixels = np.asarray(frame.to_ndarray(format="rgb24", src_colorspace=matrix), dtype=np.uint8)
        return _upright(pixels, _display_matrix(self._frame))


class VideoReader:
    """Reads the pictures of a video file. Raises `InputError` when it is missing or holds no video.

    `rate` is the average frame rate, `time_base` the unit of the time stamps in seconds, `start` the time stamp in
    seconds that counts as 0.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = open_media(path)
        stream = _picture_stream(self._container)
        if stream is None:
            self.close()
            raise InputError(f"{path} holds no video: it has no pictures")
        stream.thread_type = "AUTO"
        self._stream: VideoStream = stream
        self.rate: Fraction = stream.average_rate or stream.guessed_rate or _FALLBACK_RATE
        self.time_base: Fraction = stream.time_base or 1 / self.rate
        self.start = start_of(self._container)
        self._pixel_aspect = stream.sample_aspect_ratio or Fraction(1)

    def frames(self) -> Iterator[DecodedFrame]:
        """Every frame in order, once. Raises `InputError` when the file is damaged or has no frame at all."""
        offset = round(self.start / self.time_base)
        shown = max(1, round(1 / (self.rate * self.time_base)))
        last = None
        for frame in self._decoded():
            guess = 0 if last is None else last + shown
            pts = guess if frame.pts is None else frame.pts - offset
            # Two frames at one time cannot be written; a tick apart they can.
            pts = pts if last is None else max(pts, last + 1)
            yield DecodedFrame(pts, frame.duration or shown, self.time_base, frame, self._pixel_aspect)
            last = pts
        if last is None:
            raise InputError(f"video {self.path} has no pictures that can be read: it is empty or damaged")

    def check_whole(self) -> int:
        """Reads through the file without decoding, and returns how many frames it should give.

        Raises `InputError` when the file ends long before it says, as one does whose copying was broken off.
        """
        count, end = 0, 0
        try:
            with open_media(self.path) as container:
                stream = container.streams[self._stream.index]
                for packet in container.demux(stream):
                    if packet.size and not packet.is_discard:
                        count += 1
                        end = max(end, (packet.pts or 0) + (packet.duration or 0))
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"video {self.path} is damaged") from error
        promised = _promised_seconds(self._stream)
        missing = promised - (end * self.time_base - self.start)
        if missing > max(Fraction(1), promised / 10):
            raise InputError(f"video {self.path} is cut off: it ends {float(missing):.1f} s early")
        return count

    def close(self) -> None:
        """Closes the file. May be called twice."""
        self._container.close()

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decoded(self) -> Iterator[VideoFrame]:
        time = 0.0
        try:
            for frame in self._container.decode(self._stream):
                time = frame.time or time
                yield frame
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"video {self.path} is damaged {time:.1f} s from its start") from error


def open_media(path: Path) -> InputContainer:
    """Opens a video or sound file. Raises `InputError` when it is missing or not one."""
    if not path.exists():
        raise InputError(f"video {path} does not exist: check the path")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a video file, or use folder:{path} for a folder of pictures")
    if path.stat().st_size == 0:
        raise InputError(f"video {path} is empty: the file has no bytes")
    try:
        return av.open(str(path), metadata_errors="replace")
    except PermissionError as error:
        raise InputError(f"cannot read video {path}: {error.strerror}") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"video {path} cannot be read: it is damaged or not a video") from error


def start_of(container: InputContainer) -> Fraction:
    """The first time stamp of a file in seconds; 0 where it starts a little earlier, as coded sound does."""
    return max(Fraction(0), Fraction(container.start_time or 0, av.time_base))


def _picture_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures; a cover of a sound file is none."""
    for stream in container.streams.video:
        if "attached_pic" not in str(stream.disposition):
            return stream
    return None


def _promised_seconds(stream: VideoStream) -> Fraction:
    """How long the stream is by its header, 0 where it does not tell."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    match = _TAG.match(stream.metadata.get("DURATION", ""))  # Matroska's way
    if match is None:
        return Fraction(0)
    hours, minutes, seconds = (Fraction(part) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The upper left of the matrix that turns stored pixels upright: x' = a x + c y, y' = b x + d y."""
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return None
    matrix = np.frombuffer(bytes(side_data), np.int32)
    a, b, c, d = (int(np.sign(matrix[index])) for index in (0, 1, 3, 4))
    return a, b, c, d


def _upright(pixels_HWC: NDArray[np.uint8], matrix: tuple[int, int, int, int] | None) -> NDArray[np.uint8]:
    if matrix is None:
        return pixels_HWC
    a, b, c, d = matrix
    if b and c:
        pixels_HWC, across, down = pixels_HWC.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    if across < 0:
        pixels_HWC = pixels_HWC[:, ::-1]
    if down < 0:
        pixels_HWC = pixels_HWC[::-1]
    return np.ascontiguousarray(pixels_HWC)
