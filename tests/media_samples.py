"""Small pictures and clips that tests make for themselves."""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import FrameRequest, Size

RATE = 48_000
TICKS = Fraction(1, 90_000)


def request(time: float, sequence: int = 0, x: float = 0.0) -> FrameRequest:
    """What a display asks for at `time` with the head at `x`."""
    return FrameRequest(sequence, time, stereo_views(Pose((x, 1.6, 0.0)), (64, 64)), (64, 64))


def gradient(size: Size) -> NDArray[np.uint8]:
    """Red rises to the right, green downwards, blue is 60."""
    width, height = size
    picture = np.full((height, width, 3), 60, np.uint8)
    picture[..., 0] = np.linspace(0, 255, width).astype(np.uint8)[None]
    picture[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return picture


def numbered(index: int, size: Size = (64, 48)) -> NDArray[np.uint8]:
    """A picture that tells its number, up to 35: the left half gets brighter with it, the right half darker."""
    width, height = size
    index %= 36
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2] = 16 + 6 * index
    picture[:, width // 2 :] = 240 - 6 * index
    return picture


def number_in(picture_HWC: NDArray[np.uint8]) -> int:
    """The number of a picture made by `numbered`, also after lossy coding, scaling, or of its left eye alone."""
    return round((float(picture_HWC[:, : max(1, picture_HWC.shape[1] // 3)].mean()) - 16) / 6)


def write_clip(
    path: Path,
    count: int = 12,
    size: Size = (64, 48),
    times: Sequence[float] | None = None,
    fps: int = 24,
    tone: str | None = None,
    codec: str = "libx264",
) -> Path:
    """A clip of `numbered` pictures at the given times in seconds, with a 440 Hz tone coded by `tone`."""
    times = times if times is not None else [index / fps for index in range(count)]
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        even = size[0] % 2 == size[1] % 2 == 0
        stream.pix_fmt = "yuv420p" if even else "yuv444p"
        if codec == "libx264":
            stream.options = {"crf": "12", "bf": "2"}
            stream.codec_context.time_base = TICKS
        sound: Any = output.add_stream(tone, rate=RATE) if tone else None
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(index, size), "rgb24")
            base = stream.codec_context.time_base or Fraction(1, fps)
            frame.pts, frame.time_base = round(time / base), base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            for samples in tone_frames(times[-1] + 1 / fps):
                output.mux(sound.encode(samples))
            output.mux(sound.encode(None))
    return path


def tone_frames(seconds: float) -> list[av.AudioFrame]:
    """A 440 Hz sine."""
    frames = []
    for start in range(0, int(seconds * RATE), 1024):
        samples = 12_000 * np.sin(2 * math.pi * 440 * np.arange(start, start + 1024) / RATE)
        frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        frames.append(frame)
    return frames


def turn_mp4(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Writes a display matrix (a, b, c, d) into the track header of an mp4 file, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    start = header + 4 + 4 + 20 + 8 + 8  # name, version and flags, times and track, reserved, layer to volume
    one = 0x10000
    assert int.from_bytes(data[start : start + 4], "big") == one
    for place, value in zip((0, 1, 3, 4), matrix, strict=True):
        data[start + 4 * place : start + 4 * place + 4] = (value * one).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path


def frames_of(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """Time in seconds and RGB of every frame, as stored."""
    with av.open(str(path)) as clip:
        return [(frame.time, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)) for frame in clip.decode(video=0)]


def sound_of(path: Path) -> tuple[str, NDArray[np.float32], float]:
    """Codec, samples of the first channel and start in seconds of a file's sound."""
    with av.open(str(path)) as clip:
        stream = clip.streams.audio[0]
        frames = list(clip.decode(stream))
        samples = np.concatenate([_first_channel(frame) for frame in frames])
        return stream.codec_context.name, samples, float(frames[0].time or 0)


def _first_channel(frame: av.AudioFrame) -> NDArray[np.float32]:
    samples = frame.to_ndarray().astype(np.float32)
    return samples[0] if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)[:, 0]


def onset(path: Path) -> float:
    """The time in seconds at which the tone of a clip is first heard, from its first picture."""
    _, samples, start = sound_of(path)
    loud = int(np.argmax(np.abs(samples) > 0.1 * np.abs(samples).max()))
    return start + loud / RATE - frames_of(path)[0][0]


def packets_of(path: Path) -> list[bytes]:
    """The coded sound, packet by packet."""
    with av.open(str(path)) as clip:
        return [bytes(packet) for packet in clip.demux(clip.streams.audio[0]) if packet.size]
