"""Where the eyes are: the reference space, and the place in the program's world that it stands on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from artem_vr.camera import upright
from artem_vr.frame import EyeView
from artem_vr.xr.library import xr
from artem_vr.xr.pose import Matrix, matrix_44, projection_44
from artem_vr.xr.runtime import VIEWS, forget
from artem_vr.xr.session import Frame, Session

EYE_HEIGHT = 1.6
"""Metres from the floor to the eyes, assumed where the runtime knows no floor."""


@dataclass(frozen=True, slots=True)
class LocatedEyes:
    """Both eyes at the time of a frame: as OpenXR has them (`views`), and in the program's world.

    `head_44` takes the head's coordinates to those of the reference space.
    """

    views: Any
    eyes: tuple[EyeView, EyeView]
    head_44: Matrix


class WorldSpace:
    """A session's STAGE space, whose origin lies on the floor, or LOCAL where there is none, at the first eye level.

    `origin_44` is where in the world a person stands who stands at the space's origin.
    """

    def __init__(self, session: Session, origin_44: Matrix) -> None:
        self._session = session
        self._origin_44 = origin_44
        self._world_44 = origin_44
        kinds = [xr.ReferenceSpaceType(kind) for kind in xr.enumerate_reference_spaces(session.handle)]
        self.has_floor = xr.ReferenceSpaceType.STAGE in kinds
        kind = xr.ReferenceSpaceType.STAGE if self.has_floor else xr.ReferenceSpaceType.LOCAL
        self.handle = xr.create_reference_space(
            session.handle,
            xr.ReferenceSpaceCreateInfo(kind, xr.Posef(xr.Quaternionf(0, 0, 0, 1), xr.Vector3f(0, 0, 0))),
        )
        self._eyes: LocatedEyes | None = None
        self.reset()

    def locate(self, frame: Frame) -> LocatedEyes | None:
        """The eyes at the time that `frame` will be seen, or where they were last while tracking is lost.

        None before the first time. Raises what OpenXR raises.
        """
        state, views = xr.locate_views(
            self._session.handle, xr.ViewLocateInfo(VIEWS, display_time=frame.time, space=self.handle)
        )
        if not int(state.view_state_flags) & int(xr.ViewStateFlags.ORIENTATION_VALID_BIT):
            return self._eyes
        places = [matrix_44(view.pose) for view in views]
        head_44 = places[0].copy()
        head_44[:3, 3] = (places[0][:3, 3] + places[1][:3, 3]) / 2
        left, right = (
            EyeView(np.linalg.inv(self._world_44 @ place).astype(np.float32), projection_44(view.fov))
            for place, view in zip(places, views, strict=True)
        )
        self._eyes = LocatedEyes(views, (left, right), head_44)
        return self._eyes

    def recentre(self) -> None:
        """Makes the place where the head was last, and where it looked, the origin; the floor stays where it is."""
        if self._eyes is None:
            return
        here = upright(self._eyes.head_44)
        if self.has_floor:
            here[1, 3] = 0.0
        self._world_44 = self._seat_44() @ np.linalg.inv(here)

    def reset(self) -> None:
        """Takes the runtime's own origin: it has just been chosen by a person, or never changed."""
        self._world_44 = self._seat_44()

    def _seat_44(self) -> Matrix:
        seat_44 = self._origin_44.copy()
        if not self.has_floor:
            seat_44[1, 3] += EYE_HEIGHT
        return seat_44

    def close(self) -> None:
        """Destroys the space. May be called twice, and after the runtime has died."""
        if self.handle is not None:
            handle, self.handle = self.handle, None
            forget(xr.destroy_space, handle)
