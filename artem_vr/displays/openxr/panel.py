"""The panel that hangs in the world of a headset: a quad layer with the state of the painting."""

import contextlib
import logging
import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import upright
from artem_vr.displays.side_by_side import SideBySide
from artem_vr.frame import Size
from artem_vr.gl.fullscreen import FullscreenPass
from artem_vr.gl.world_quad import WorldQuad
from artem_vr.panel_picture import PanelState, draw_panel
from artem_vr.thread_priority import let_others_first
from artem_vr.xr.library import xr
from artem_vr.xr.panel_visibility import PanelVisibility
from artem_vr.xr.pose import Matrix, matrix_44, tilted_pose
from artem_vr.xr.session import Frame, Session
from artem_vr.xr.space import LocatedEyes, WorldSpace
from artem_vr.xr.swapchain import ENCODED, Swapchain

SIZE: Size = (768, 432)
WIDTH = 0.525
"""Metres across."""
DISTANCE = 0.75
"""Metres from the eyes: an arm's length, and no nearer than eyes like to look for long."""
BELOW = math.radians(18.0)
"""How far under the line of sight it hangs, so that the world stays in view above it."""
_REDRAW_SECONDS = 0.25
"""How often figures on it change at most."""
_STEERED_SECONDS = 0.1
"""The same for what a stick moves."""
_IN_VIEW = math.radians(35.0)
"""How far off the line of sight, beside where it appears, it still counts as seen."""
_log = logging.getLogger(__name__)


class PanelPicture:
    """The panel's picture, drawn by a thread of its own, for a headset never waits. Survives sessions."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.visibility = PanelVisibility()
        self.state: PanelState | None = None
        self.texture = ctx.texture(SIZE, 4)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="panel", initializer=let_others_first)
        self._drawing: tuple[PanelState, Future[NDArray[np.uint8]]] | None = None
        self._drawn: PanelState | None = None
        self._asked_at = -math.inf
        self.version = 0

    def update(self, now: float) -> None:
        """Takes the picture that is ready and asks for the next one; for a panel that is seen."""
        if self._drawing is not None and self._drawing[1].done():
            self._take(*self._drawing)
            self._drawing = None
        if self._drawing is None and self.state is not None and self.state != self._drawn and self._is_due(now):
            self._asked_at = now
            self._drawing = self.state, self._thread.submit(draw_panel, self.state, SIZE)

    def _take(self, state: PanelState, drawing: Future[NDArray[np.uint8]]) -> None:
        self._drawn = state
        if (error := drawing.exception()) is not None:  # no reason to end the show
            _log.warning("the panel cannot be drawn: %r", error)
            return
        self.texture.write(np.ascontiguousarray(drawing.result()[::-1]))
        self.version += 1

    def _is_due(self, now: float) -> bool:
        """What a person has chosen is shown at once, what a stick moves soon, figures now and then."""
        passed = now - self._asked_at
        if self.state is None or self._drawn is None or not self.is_current:
            return True
        steered = _steered(self.state) != _steered(self._drawn)
        return passed >= (_STEERED_SECONDS if steered else _REDRAW_SECONDS)

    @property
    def is_current(self) -> bool:
        """True when the texture tells what a person has chosen; strength, mix and figures may be a little old."""
        return self._drawn is not None and self.state is not None and _choice(self._drawn) == _choice(self.state)

    def close(self) -> None:
        """Ends the thread and frees the texture. May be called twice."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.texture.release()


def _choice(state: PanelState) -> tuple[object, ...]:
    return state.title, state.plain, state.notice, state.hint_lines


def _steered(state: PanelState) -> tuple[int, int]:
    """As far as it can be seen: in percent."""
    return round(100 * state.strength), round(100 * state.blend)


class PanelLayer:
    """Shows a `PanelPicture` in a session. It hangs where the head looks when it appears, and stays there.

    Raises what OpenXR raises.
    """

    def __init__(self, session: Session, ctx: moderngl.Context, picture: PanelPicture, image_format: int) -> None:
        self._picture = picture
        self._pose: Any = None
        self._shown: tuple[int, float] | None = None
        with contextlib.ExitStack() as opened:
            self._swapchain = Swapchain(session, ctx, SIZE, image_format)
            opened.callback(self._swapchain.close)
            linear: dict[str, int | float] = {} if image_format in ENCODED else {"LINEAR": 1}
            self._pass = FullscreenPass(ctx, "panel.frag", ["panel"], linear)
            opened.callback(self._pass.release)
            self._mirror = WorldQuad(ctx)
            opened.callback(self._mirror.release)
            self._opened = opened.pop_all()

    def add_to(self, frame: Frame, space: WorldSpace, head_44: Matrix, now: float) -> None:
        """Adds the layer to a frame, if there is something of it to be seen. Raises what OpenXR raises."""
        alpha = self._picture.visibility.alpha(now)
        if alpha <= 0:
            self._pose = None
            return
        self._picture.update(now)
        if self._pose is None:
            if not self._picture.is_current:
                return  # it would name the painter before
            self._pose = hanging_pose(head_44)
        # An image stays what it is until another one is released.
        if self._shown != (self._picture.version, alpha):
            image = self._swapchain.acquire()
            self._pass.draw(image, (0, 0, *SIZE), [self._picture.texture], [False], alpha=alpha)
            self._swapchain.release()
            self._shown = self._picture.version, alpha
        frame.layers.append(
            xr.CompositionLayerQuad(
                layer_flags=xr.CompositionLayerFlags.BLEND_TEXTURE_SOURCE_ALPHA_BIT
                | xr.CompositionLayerFlags.UNPREMULTIPLIED_ALPHA_BIT,
                space=space.handle,
                sub_image=self._swapchain.part,
                pose=self._pose,
                size=xr.Extent2Df(WIDTH, WIDTH * SIZE[1] / SIZE[0]),
            )
        )

    def hang_anew(self) -> None:
        """It will hang before wherever the head looks next."""
        self._pose = None

    def is_in_view(self, head_44: Matrix) -> bool:
        """True for a panel that a person with this head can be taken to see, or that has yet to appear."""
        if self._pose is None:
            return True
        wanted_44, hangs_44 = matrix_44(hanging_pose(head_44)), matrix_44(self._pose)
        towards = [place[:3, 3] - head_44[:3, 3] for place in (wanted_44, hangs_44)]
        away = np.linalg.norm(towards[1])
        cosine = towards[0] @ towards[1] / max(1e-6, float(np.linalg.norm(towards[0]) * away))
        return bool(cosine > math.cos(_IN_VIEW) and away < 2 * DISTANCE)

    def draw_into(self, picture: SideBySide, located: LocatedEyes) -> None:
        """Draws what `add_to` has just added into a picture of both eyes, as the runtime will lay it over them."""
        if self._pose is None or self._shown is None:
            return
        height = WIDTH * SIZE[1] / SIZE[0]
        for eye, view in enumerate(located.views):
            to_eye_44 = np.linalg.inv(matrix_44(view.pose)) @ matrix_44(self._pose)
            projection_44 = located.eyes[eye].projection_44.astype(np.float64)
            pixels = float(projection_44[0, 0]) * picture.eye_size[0] / 2 * WIDTH / DISTANCE
            self._mirror.draw(
                picture.framebuffer,
                picture.viewport(eye),
                self._picture.texture,
                (0, 0, *SIZE),
                (-WIDTH / 2, -height / 2, WIDTH, height),
                projection_44 @ to_eye_44,
                density=SIZE[0] / pixels,
                opacity=self._shown[1],
            )

    def close(self) -> None:
        """Gives everything back. May be called twice, and after the runtime has died."""
        self._opened.close()


def hanging_pose(head_44: Matrix) -> Any:
    """Before and under the eyes of this head, upright, and turned towards them."""
    level_44 = upright(head_44)
    yaw = math.atan2(level_44[0, 2], level_44[2, 2])
    ahead = np.array([-math.sin(yaw) * math.cos(BELOW), -math.sin(BELOW), -math.cos(yaw) * math.cos(BELOW)])
    return tilted_pose(head_44[:3, 3] + DISTANCE * ahead, yaw, -BELOW)
