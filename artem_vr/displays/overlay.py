"""Text over the picture: a translucent panel in the lower left corner of an eye."""

import moderngl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from artem_vr.frame import Size
from artem_vr.gl.fullscreen import FullscreenPass, Viewport

_BOX = (12, 12, 16, 190)
_TEXT = (255, 255, 255, 255)
_LEADING = 1.4
_SMALLEST, _EYE_HEIGHTS_PER_LINE = 11, 24


class TextOverlay:
    """Draws `lines`; the texture is made again only when these or the eye's size change.

    A tab in a line starts the second column. The panel is at the same place in each eye, so that the two fuse.
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self.lines: list[str] = []
        self._ctx = ctx
        self._pass = FullscreenPass(ctx, "overlay.frag", ["panel"])
        self._texture: moderngl.Texture | None = None
        self._shown: tuple[list[str], Size] | None = None

    def draw(self, framebuffer: moderngl.Framebuffer, viewport: Viewport) -> None:
        """Lays the panel over an eye's viewport."""
        if not self.lines:
            return
        texture = self._panel((viewport[2], viewport[3]))
        margin = viewport[3] // 30
        where = viewport[0] + margin, viewport[1] + margin, *texture.size
        self._pass.draw(framebuffer, where, [texture], [False], blend=True)

    def _panel(self, eye_size: Size) -> moderngl.Texture:
        if self._texture is None or self._shown != (self.lines, eye_size):
            self._free()
            rgba_HWC = render_panel(self.lines, eye_size)
            self._texture = self._ctx.texture((rgba_HWC.shape[1], rgba_HWC.shape[0]), 4, rgba_HWC[::-1].tobytes())
            self._shown = list(self.lines), eye_size
        return self._texture

    def _free(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free()
        self._pass.release()


def render_panel(lines: list[str], eye_size: Size) -> NDArray[np.uint8]:
    """The panel as uint8 RGBA (h, w, 4), colours premultiplied by alpha, top row first; never wider than the eye."""
    room = eye_size[0] - 2 * (eye_size[1] // 30), eye_size[1] - 2 * (eye_size[1] // 30)
    height = max(_SMALLEST, eye_size[1] // _EYE_HEIGHTS_PER_LINE)
    size = _layout(lines, height)[1]
    shrink = min(1.0, room[0] / size[0], room[1] / size[1])
    if shrink < 1:
        height = max(1, int(height * shrink))
    columns, size = _layout(lines, height)
    size = min(size[0], max(1, room[0])), min(size[1], max(1, room[1]))
    panel = Image.new("RGBA", size)
    draw = ImageDraw.Draw(panel)
    draw.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=height // 2, fill=_BOX)
    font = ImageFont.load_default(size=height)
    for row, line in enumerate(lines):
        top = height * 0.6 + row * height * _LEADING
        for text, left in zip(line.split("\t", 1), columns, strict=False):
            draw.text((left, top), text, font=font, fill=_TEXT)
    rgba_HWC = np.asarray(panel).astype(np.uint16)
    rgba_HWC[..., :3] = rgba_HWC[..., :3] * rgba_HWC[..., 3:] // 255
    return rgba_HWC.astype(np.uint8)


def _layout(lines: list[str], height: int) -> tuple[tuple[float, float], Size]:
    """Where the two columns begin, and how large the panel gets, with letters of this height."""
    font = ImageFont.load_default(size=height)
    halves = [line.split("\t", 1) for line in lines]
    edge = height * 0.8
    second = edge + max((font.getlength(half[0]) for half in halves if len(half) > 1), default=0.0) + height
    ends = [second + font.getlength(half[1]) if len(half) > 1 else edge + font.getlength(half[0]) for half in halves]
    return (edge, second), (round(max(ends) + edge), round(height * (_LEADING * len(lines) + 0.8)))
