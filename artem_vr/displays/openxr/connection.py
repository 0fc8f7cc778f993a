"""Everything that lives and dies with one OpenXR session."""

import contextlib
from collections.abc import Sequence

from artem_vr.displays.openxr.eyes import EyeImages
from artem_vr.displays.openxr.panel import PanelLayer, PanelPicture
from artem_vr.frame import Point, Size
from artem_vr.gl.context import is_software
from artem_vr.xr.action_set import ActionSet
from artem_vr.xr.bindings import Profile
from artem_vr.xr.clock import RuntimeClock
from artem_vr.xr.gaze_points import gaze_points
from artem_vr.xr.graphics_binding import GraphicsContext
from artem_vr.xr.pose import Matrix
from artem_vr.xr.runtime import Runtime
from artem_vr.xr.session import Frame, Session
from artem_vr.xr.space import LocatedEyes, WorldSpace


class Connection:
    """A session on `runtime` with its space, swapchains, controllers and panel; owns the runtime from here on.

    `eye_size`, `keep` and `depth` are those of `EyeImages`, where None for `depth` means: if a graphics card draws.
    Raises `DisplayError`, `GraphicsError` and what OpenXR raises; then everything is closed, the runtime too.
    """

    def __init__(
        self,
        runtime: Runtime,
        graphics: GraphicsContext,
        origin_44: Matrix,
        eye_size: Size,
        panel: PanelPicture,
        keep: bool,
        depth: bool | None,
        profiles: Sequence[Profile],
        gaze: bool,
        before: WorldSpace | None = None,
    ) -> None:
        self.runtime = runtime
        # The processor would draw the depth of 4 million pixels once more, for runtimes that hardly look at it.
        depth = not is_software(graphics.ctx) if depth is None else depth
        with contextlib.ExitStack() as opened:
            opened.callback(runtime.close)
            self.session = Session(runtime, graphics)
            opened.callback(self.session.close)
            self.clock = RuntimeClock(runtime)
            self.space = WorldSpace(self.session, origin_44, before)
            opened.callback(self.space.close)
            self.eyes = EyeImages(runtime, self.session, graphics.ctx, eye_size, keep, depth)
            opened.callback(self.eyes.close)
            self.controllers = ActionSet(runtime, self.session, profiles, gaze)
            opened.callback(self.controllers.close)
            self.panel = PanelLayer(self.session, graphics.ctx, panel, self.eyes.colour_format)
            opened.callback(self.panel.close)
            self._opened = opened.pop_all()

    def is_panel_in_view(self) -> bool:
        """True when the panel hangs where the person looks."""
        eyes = self.space.eyes
        return eyes is not None and self.panel.is_in_view(eyes.head_44)

    def gaze(self, frame: Frame, located: LocatedEyes) -> tuple[Point, Point] | None:
        """Where in its picture each eye looks while `frame` is seen; None where nobody can tell.

        Nor is it told while another application is in front. Raises what OpenXR raises.
        """
        eye_gaze = self.controllers.eye_gaze
        if eye_gaze is None or not self.session.focused:
            return None
        direction_3 = eye_gaze.direction_3(frame, self.space.handle)
        return None if direction_3 is None else gaze_points(self.space.world_44[:3, :3] @ direction_3, located.eyes)

    def leave(self) -> None:
        """Ends the session in good order, if the runtime still listens, and closes everything."""
        try:
            self.session.leave()
        finally:
            self.close()

    def close(self) -> None:
        """Closes everything, in reverse order. May be called twice, and after the runtime has died."""
        self._opened.close()
