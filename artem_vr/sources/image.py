"""A single picture, seen for as long as the program runs."""

from pathlib import Path

from artem_vr.frame import FrameRequest, HostFrame, Size
from artem_vr.media.picture import read_picture
from artem_vr.sources.layout import eyes_from_picture


class ImageSource:
    """One picture file; with `stereo`, its left half is for the left eye. Raises `InputError` on opening."""

    def __init__(self, path: Path | str, stereo: bool = False) -> None:
        self.name = f"image:{path}"
        self._rgb_EHWC = eyes_from_picture(read_picture(Path(path)).rgb_HWC, stereo)
        self._frame: HostFrame | None = None

    @property
    def picture_size(self) -> Size:
        """The (width, height) that one eye sees of the picture."""
        return self._rgb_EHWC.shape[2], self._rgb_EHWC.shape[1]

    def read(self, request: FrameRequest) -> HostFrame:
        """The picture, as taken with the eyes of the first request."""
        if self._frame is None:
            self._frame = HostFrame(0, request.time, self._rgb_EHWC, request.eyes)
        return self._frame

    def close(self) -> None:
        """Nothing is held open."""
