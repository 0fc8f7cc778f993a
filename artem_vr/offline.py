"""Paints files: a picture, the pictures of a folder, or a video with its sound."""

import contextlib
import secrets
import shutil
from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import DisplayError, EngineError, InputError, UsageError
from artem_vr.frame import Size
from artem_vr.media.kinds import is_picture, is_video, list_pictures
from artem_vr.media.picture import PICTURES_WRITTEN, Picture, read_picture, write_picture
from artem_vr.media.video_reader import DecodedFrame, VideoReader
from artem_vr.media.video_writer import VIDEOS_WRITTEN, VideoWriter

Painter = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Paints uint8 RGB (H, W, 3), at least 16 pixels a side, and returns the same shape and type."""

Progress = Callable[[int, int | None], None]
"""Is told how many pictures are done, and of how many, where that is known."""

_LEAST = 16
"""Pixels a side: less than this is too small for the networks."""

_PICTURE_NAMES = ".png, .jpg, .webp, .bmp or .tiff"
_VIDEO_NAMES = ".mp4, .mov, .m4v or .mkv"


def stylize_path(input: Path, output: Path, painter: Painter, progress: Progress, size: Size | None = None) -> None:
    """Paints the picture, folder of pictures or video `input` into `output`, which is of the same kind.

    `size` is the width and height of what is painted and written; None keeps that of each picture. Transparency,
    the names of a folder's pictures, and a video's time stamps and sound are kept. The output appears whole or
    not at all. Raises `UsageError` when input and output do not fit, `InputError` when the input cannot be read, and
    `DisplayError` when the output cannot be written; what `painter` raises goes through.
    """
    if not input.exists():
        raise InputError(f"{input} does not exist: check the path")
    if size is not None and min(size) < 1:
        raise UsageError(f"a size of {size[0]}x{size[1]} has no pixels: use at least 1x1")
    if _same(input, output):
        raise UsageError(f"the output would replace the input {input}: choose another output")
    if input.is_dir():
        _stylize_folder(input, output, painter, progress, size)
    elif is_video(input):
        _check_output(input, output, "video", VIDEOS_WRITTEN, ".mp4")
        _stylize_video(input, output, painter, progress, size)
    elif is_picture(input):
        _check_output(input, output, "picture", PICTURES_WRITTEN, ".png")
        progress(0, 1)
        _stylize_picture(input, output, painter, size)
        progress(1, 1)
    else:
        raise InputError(f"{input} is neither picture nor video by its name: use {_PICTURE_NAMES}, or {_VIDEO_NAMES}")


def _stylize_picture(input: Path, output: Path, painter: Painter, size: Size | None) -> None:
    picture = read_picture(input)
    if size is not None:
        picture = picture.resized(size)
    write_picture(output, _paint(picture.rgb_HWC, painter), like=picture)


def _stylize_folder(input: Path, output: Path, painter: Painter, progress: Progress, size: Size | None) -> None:
    if is_picture(output) or is_video(output) or output.is_file():
        raise UsageError(f"{input} is a folder, so the output must be one too: use {output.with_suffix('')}")
    pictures = list_pictures(input)
    for path in pictures:
        if path.suffix.lower() not in PICTURES_WRITTEN:
            raise UsageError(f"{path.name} cannot be written under its name: make it one of {_PICTURE_NAMES}")
    with _Stage(output) as stage:
        progress(0, len(pictures))
        for done, path in enumerate(pictures, 1):
            _stylize_picture(path, stage.folder / path.name, painter, size)
            progress(done, len(pictures))
        stage.commit()


def _stylize_video(input: Path, output: Path, painter: Painter, progress: Progress, size: Size | None) -> None:
    with VideoReader(input) as reader:
        total = reader.check_whole()  # before hours of work, not after them
        progress(0, total)
        frames = reader.frames()
        first = next(frames)
        height, width = _pixels(first, size).shape[:2]
        pixel_aspect = first.pixel_aspect if size is None else Fraction(1)
        done = 0
        with VideoWriter(output, (width, height), reader.rate, reader.time_base, input, pixel_aspect) as writer:
            for frame in chain([first], frames):
                writer.write(_paint(_pixels(frame, size), painter), frame.pts, frame.pts_duration)
                done += 1
                progress(done, max(done, total))
    if done < total:
        progress(done, done)  # some of what is in the file cannot be shown


def _pixels(frame: DecodedFrame, size: Size | None) -> NDArray[np.uint8]:
    pixels = frame.rgb()
    return pixels if size is None else Picture(pixels).resized(size).rgb_HWC


def _paint(rgb_HWC: NDArray[np.uint8], painter: Painter) -> NDArray[np.uint8]:
    """Paints; a picture too small for a network is continued by its mirror image and cut out again."""
    height, width = rgb_HWC.shape[:2]
    if min(height, width) < _LEAST:
        missing = (max(0, _LEAST - height), max(0, _LEAST - width))
        padded = np.pad(rgb_HWC, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
        return _paint(padded, painter)[:height, :width]
    painted = painter(rgb_HWC)
    if painted.shape != rgb_HWC.shape or painted.dtype != np.uint8:
        raise EngineError(
            f"the painter gave {painted.dtype} {painted.shape} for a uint8 picture {rgb_HWC.shape}: it must keep both"
        )
    return painted


def _check_output(input: Path, output: Path, kind: str, written: frozenset[str], best: str) -> None:
    if output.is_dir():
        raise UsageError(f"{output} is a folder: name a {kind} in it, such as {output / (input.stem + best)}")
    if output.suffix.lower() not in written:
        raise UsageError(f"{input} is a {kind}, so the output must be one too: use {output.with_suffix(best)}")


def _same(input: Path, output: Path) -> bool:
    return output.exists() and input.samefile(output)


class _Stage:
    """A hidden folder in `target` for files that are to appear there together, or not at all.

    `target` is made when it is missing. Raises `DisplayError` when that fails.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._made = [folder for folder in (target, *target.parents) if not folder.exists()]
        self.folder = target / f".artem-vr.{secrets.token_hex(4)}"
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            self._clean()
            raise DisplayError(
                f"cannot write into {target}: {error.strerror or error}; choose another place"
            ) from error

    def commit(self) -> None:
        """Moves every file to its place, over what had its name before."""
        try:
            for path in self.folder.iterdir():
                path.replace(self._target / path.name)
        except OSError as error:
            raise DisplayError(f"cannot write into {self._target}: {error.strerror or error}") from error

    def __enter__(self) -> "_Stage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean()

    def _clean(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()  # fails, as it should, for a folder with something in it
