"""Lays the network-sized paint over the full-resolution frame, along the frame's own edges."""

import contextlib
import math

import moderngl

from artem_vr.brightness import NO_VEIL, Veil
from artem_vr.carried_paint import PaintCarrier, is_to_be_carried, place_of, windows_of
from artem_vr.errors import UsageError, unknown_name
from artem_vr.foveation import RAMP, Points, window_at
from artem_vr.frame import GlFrame, Size, Window
from artem_vr.gl.context import is_software
from artem_vr.gl.fullscreen import FullscreenPass, Viewport
from artem_vr.ports import PaintTextures

UPSAMPLINGS = ("auto", "joint", "joint-fast", "bilinear")

SPATIAL_SIGMA = 0.6
"""How far a texel of the paint reaches in the full variant, in texels."""
RANGE_SIGMA = 0.03
"""How far lumas (0 to 1) may differ in the full variant: the width of its Gaussian."""
RANGE_FLOOR = 1e-4
"""What a texel of quite another luma still counts, so that the weights never sum to zero."""
FAST_RANGE_SIGMA = 0.04
"""The width of the fast variant's range weight, 1 / (1 + (difference / sigma)^2)^2."""

_SHADERS: dict[str, tuple[str, dict[str, int | float]]] = {
    "joint": (
        "joint.frag",
        {"SPATIAL_SIGMA": SPATIAL_SIGMA, "RANGE_SIGMA": RANGE_SIGMA, "RANGE_FLOOR": RANGE_FLOOR},
    ),
    "joint-fast": ("joint_fast.frag", {"RANGE_SIGMA": FAST_RANGE_SIGMA}),
    "bilinear": ("bilinear.frag", {}),
}


class Compositor:
    """Upscales paint by joint bilateral upsampling (Kopf, Cohen, Lischinski and Uyttendaele 2007) and mixes it in.

    "joint" takes 4x4 texels of the paint for each pixel, "joint-fast" 2x2 with cheaper weights, "bilinear" looks at
    no edges; "auto" is "joint-fast" where the processor draws, "joint" elsewhere.

    Paint of an older frame is carried to where its surfaces are now, as far as poses and depth are known (see
    `shaders/carried.frag`). `artem_vr.compositor_reference` and `artem_vr.carried_reference` are the same in NumPy.
    """

    def __init__(self, ctx: moderngl.Context, upsampling: str = "auto") -> None:
        if upsampling == "auto":
            upsampling = "joint-fast" if is_software(ctx) else "joint"
        if upsampling not in _SHADERS:
            raise UsageError(unknown_name("upsampling", upsampling, UPSAMPLINGS))
        self.upsampling = upsampling
        self._smooth_paint = upsampling == "bilinear"
        shader, defines = _SHADERS[upsampling]
        # Each without the veil and with it: it is seldom there, and takes a twentieth of the time on processors.
        with contextlib.ExitStack() as opened:
            self._plain = _both(opened, ctx, "blit.frag", ["frame"], {})
            painted = _both(opened, ctx, shader, ["frame", "paint"], defines)
            finer = _both(opened, ctx, shader, ["frame", "paint"], {**defines, "FINER": 1, "RAMP": RAMP})
            self._painted = {(False, veiled): painted[veiled] for veiled in painted}
            self._painted |= {(True, veiled): finer[veiled] for veiled in finer}
            self._opened = opened.pop_all()
        self._carrier = PaintCarrier(ctx)

    def draw(
        self,
        frame: GlFrame,
        paint: PaintTextures | None,
        strength: float,
        eye: int,
        framebuffer: moderngl.Framebuffer,
        viewport: Viewport,
        veil: Veil = NO_VEIL,
        carry: bool = True,
        within: Viewport | None = None,
        gaze: Points | None = None,
    ) -> None:
        """Fills `viewport` with eye 0 (left) or 1 (right) of `frame`, changed to the paint by `strength` in [0, 1].

        The ground around a picture that does not fill its texture (`GlFrame.content`) is not painted. Over all of it
        lies `veil`. Without `carry` paint stays where it was in its own picture. With `within` only that part of the
        framebuffer is drawn. Of foveated paint the finer pictures are laid where they were made or, carried, around
        `gaze`, where each eye looks now.
        """
        color = frame.color[eye]
        scaled: bool = color.size != tuple(viewport[2:])
        veiled = veil.amount > 0
        over = veil.level, veil.amount
        if paint is None or strength <= 0:
            self._plain[veiled].draw(framebuffer, viewport, [color], [scaled], within=within, veil=over)
            return
        if frame.content is not None:
            self._plain[veiled].draw(framebuffer, viewport, [color], [scaled], within=within, veil=over)
            within = _common(_placed(frame.content, color.size, viewport), within)
        is_carried = carry and is_to_be_carried(frame, paint, eye)
        for scale in range(paint.scales):
            shown = windows_of(paint, scale)
            if scale > 0 and is_carried and gaze is not None:
                shown = window_at(gaze[0], scale), window_at(gaze[1], scale)
            texture, row = paint.texture, scale * paint.frame.source.eye_count + place_of(paint, eye)
            if is_carried:
                texture, row = self._carrier.carry(frame, paint, shown, scale), eye
            seen = within if scale == 0 else _common(_seen_through(shown[eye], viewport), within)
            self._painted[scale > 0, veiled].draw(
                framebuffer, viewport, [color, texture], [scaled, self._smooth_paint], blend=scale > 0, within=seen,
                window=shown[eye], paint_size=paint.size, first_row=float(row * paint.size[1]),
                strength=min(strength, 1.0), veil=over,
            )  # fmt: skip

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._opened.close()
        self._carrier.release()


def _seen_through(window: Window, viewport: Viewport) -> Viewport:
    """The pixels of a viewport that lie in a window, or partly so."""
    x, y, width, height = viewport
    left, low = math.floor(window[0] * width), math.floor(window[1] * height)
    right, high = math.ceil((window[0] + window[2]) * width), math.ceil((window[1] + window[3]) * height)
    return x + left, y + low, right - left, high - low


def _common(one: Viewport, other: Viewport | None) -> Viewport:
    """What two rectangles have in common; an empty one where that is nothing."""
    if other is None:
        return one
    left, low = max(one[0], other[0]), max(one[1], other[1])
    right, high = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return left, low, max(0, right - left), max(0, high - low)


def _both(
    opened: contextlib.ExitStack,
    ctx: moderngl.Context,
    shader: str,
    inputs: list[str],
    defines: dict[str, int | float],
) -> dict[bool, FullscreenPass]:
    """A pass without the veil (False) and with it (True), which `opened` frees."""
    passes = {}
    for veiled, more in ((False, {}), (True, {"VEILED": 1})):
        passes[veiled] = FullscreenPass(ctx, shader, inputs, {**defines, **more})
        opened.callback(passes[veiled].release)
    return passes


def _placed(content: Viewport, size: Size, viewport: Viewport) -> Viewport:
    """Where `content` of a texture of `size` comes to lie when the whole texture fills `viewport`."""
    left, right = (round(x * viewport[2] / size[0]) for x in (content[0], content[0] + content[2]))
    low, high = (round(y * viewport[3] / size[1]) for y in (content[1], content[1] + content[3]))
    return viewport[0] + left, viewport[1] + low, right - left, high - low


def halves(viewport: Viewport) -> tuple[Viewport, Viewport]:
    """The left and the right half of a viewport."""
    x, y, width, height = viewport
    left = width // 2
    return (x, y, left, height), (x + left, y, width - left, height)
