"""Carries the sound of one file into another."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from artem_vr.media.video_reader import open_media, start_of

_COPIED_INTO_MP4 = frozenset(("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"))
"""Sound codecs that players know in .mp4 and .mov files. Others are allowed there, and stay silent."""

_AAC_RATES = frozenset((96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000))
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
_log = logging.getLogger(__name__)


class _Track(Protocol):
    def packets(self, packet: Packet) -> list[Packet]: ...

    def rest(self) -> list[Packet]: ...


class Sound:
    """Every sound stream of the file `path`, added to a container to which nothing was written yet.

    `copy_until` is called with rising times, so that sound and pictures lie side by side in the file. Damaged sound
    ends early with a warning: the pictures are worth keeping.
    """

    def __init__(self, path: Path, output: OutputContainer) -> None:
        self._path, self._output = path, output
        self._input = open_media(path)
        try:
            self._tracks = {stream.index: _track(self._input, stream, output) for stream in self._input.streams.audio}
        except BaseException:
            self.close()
            raise
        self._start = start_of(self._input)
        self._packets = self._demuxed() if self._tracks else iter(())
        self._next: Packet | None = next(self._packets, None)

    def copy_until(self, time: float) -> None:
        """Writes the sound from where it stands up to `time` seconds."""
        while self._next is not None and _decoding_time(self._next) <= time:
            try:
                self._output.mux(self._tracks[self._next.stream_index].packets(self._next))
            except av.error.InvalidDataError:
                self._warn()
            self._next = next(self._packets, None)

    def copy_rest(self) -> None:
        """Writes what is left. Call it once, after the last picture."""
        self.copy_until(math.inf)
        for track in self._tracks.values():
            self._output.mux(track.rest())
        self._tracks = {}

    def close(self) -> None:
        """Closes the input. May be called twice."""
        self._input.close()

    def _demuxed(self) -> Iterator[Packet]:
        try:
            for packet in self._input.demux(*self._input.streams.audio):
                if packet.dts is None or packet.pts is None:
                    continue  # the empty packet at the end of a stream
                offset = round(self._start / packet.time_base)
                packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
                yield packet
        except (av.FFmpegError, OSError):
            self._warn()

    def _warn(self) -> None:
        _log.warning("the sound of %s is damaged: some of it is missing", self._path)


@dataclass(frozen=True, slots=True)
class _CopiedTrack:
    stream: AudioStream

    def packets(self, packet: Packet) -> list[Packet]:
        packet.stream = self.stream
        return [packet]

    def rest(self) -> list[Packet]:
        return []


@dataclass(frozen=True, slots=True)
class _EncodedTrack:
    source: AudioStream
    stream: AudioStream

    def packets(self, packet: Packet) -> list[Packet]:
        return [coded for frame in self.source.decode(packet) for coded in self.stream.encode(frame)]

    def rest(self) -> list[Packet]:
        return [coded for frame in (*self.source.decode(None), None) for coded in self.stream.encode(frame)]


def _track(source: InputContainer, stream: AudioStream, output: OutputContainer) -> _Track:
    codec = stream.codec_context.name
    if output.format.name == "matroska" or codec in _COPIED_INTO_MP4:
        try:
            return _CopiedTrack(output.add_stream_from_template(stream))
        except (av.FFmpegError, ValueError):
            pass  # the container has no place for this codec
    rate = stream.codec_context.sample_rate
    encoded = output.add_stream("aac", rate=rate if rate in _AAC_RATES else 48000)
    encoded.layout = _layout(stream)
    encoded.bit_rate = 96_000 * encoded.layout.nb_channels
    return _EncodedTrack(stream, encoded)


def _layout(stream: AudioStream) -> str:
    """The speakers of the sound. Some files only count the channels; the encoder wants to know where they stand."""
    channels = stream.codec_context.channels
    if stream.codec_context.layout.name != f"{channels} channels":
        return stream.codec_context.layout.name
    return _USUAL_LAYOUTS.get(channels, "stereo")


def _decoding_time(packet: Packet) -> float:
    return float((packet.dts or 0) * packet.time_base)
