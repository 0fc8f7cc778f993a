"""Shrinking a texture without aliasing: an area filter made of a few bilinear fetches."""

import math

import moderngl

from artem_vr.frame import WHOLE, Size, Window
from artem_vr.gl.fullscreen import FullscreenPass, Viewport

_MAX_TAPS = 16


class AreaFilter:
    """Draws a texture into a viewport, each pixel the mean of the texels under it.

    Ratios of up to four are filtered exactly or nearly so (see `taps`); enlarging is bilinear.
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._passes: dict[tuple[int, int, bool], FullscreenPass] = {}

    def draw(
        self,
        texture: moderngl.Texture,
        framebuffer: moderngl.Framebuffer,
        viewport: Viewport,
        flip: bool = False,
        content: Viewport | None = None,
        window: Window = WHOLE,
    ) -> None:
        """Fills `viewport` with `texture`, or this part of it; `flip` turns it upside down.

        Of what lies outside `content`, in texels, nothing is drawn: the mirror image of the content takes its place.
        """
        width, height = texture.size
        left, low, *extent = content or (0, 0, width, height)
        same_size: bool = window == WHOLE and texture.size == viewport[2:]
        under = [round(length * share) for length, share in zip(texture.size, window[2:], strict=True)]
        across, down = (taps(*lengths) for lengths in zip(under, viewport[2:], strict=True))
        self._pass(across, down, content is not None).draw(
            framebuffer,
            viewport,
            [texture],
            [not same_size],
            footprint=(window[2] / viewport[2], window[3] / viewport[3]),
            window=window,
            vertical=(1.0, -1.0) if flip else (0.0, 1.0),
            content=(left / width, low / height, extent[0] / width, extent[1] / height),
        )

    def _pass(self, across: int, down: int, mirrored: bool) -> FullscreenPass:
        variant = across, down, mirrored
        if variant not in self._passes:
            defines: dict[str, int | float] = {"TAPS_X": across, "TAPS_Y": down}
            if mirrored:
                defines["MIRRORED"] = 1
            self._passes[variant] = FullscreenPass(self._ctx, "area.frag", ["source"], defines)
        return self._passes[variant]

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        for item in self._passes.values():
            item.release()
        self._passes.clear()


def shrunk_size(size: Size, inside: Size) -> Size:
    """The largest size with the aspect ratio of `size` that fits into `inside`, at least 1x1."""
    scale = min(inside[0] / size[0], inside[1] / size[1])
    width, height = (max(1, min(round(length * scale), limit)) for length, limit in zip(size, inside, strict=True))
    return width, height


def taps(source: int, target: int) -> int:
    """How many evenly spaced bilinear fetches along one axis average the texels under a target pixel.

    A bilinear fetch is the mean of a signal of texel-wide steps over one texel's width. So ratio r takes r of them
    side by side; and for an even r, whose footprints all start at a texel's edge, every second one does.
    """
    ratio = source / target
    if source % (2 * target) == 0:
        count = round(ratio / 2)
    elif ratio <= 4:
        count = round(ratio)
    else:
        count = math.ceil(ratio / 2) + 1
    return min(max(count, 1), _MAX_TAPS)
