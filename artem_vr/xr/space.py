"""Where the eyes are: the reference space, and the place in the program's world that it stands on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from artem_vr.camera import EYE_DISTANCE, head_pose, upright
from artem_vr.frame import EyeView
from artem_vr.xr.library import xr
from artem_vr.xr.pose import Matrix, matrix_44, projection_44
from artem_vr.xr.runtime import VIEWS, forget
from artem_vr.xr.session import Frame, Session, SpaceChange

EYE_HEIGHT = 1.6
"""Metres from the floor to the eyes, assumed where the runtime knows no floor."""
_ORIENTED, _PLACED = int(xr.ViewStateFlags.ORIENTATION_VALID_BIT), int(xr.ViewStateFlags.POSITION_VALID_BIT)


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

    `eyes` is what was located last. `origin_44` is where in the world a person stands, and faces, when the world is
    first seen. `world_44` takes the space's coordinates to the world's; on a floor that of the session `before` holds.
    """

    def __init__(self, session: Session, origin_44: Matrix, before: "WorldSpace | None" = None) -> None:
        self._session = session
        self._origin_44 = origin_44
        kinds = [xr.ReferenceSpaceType(kind) for kind in xr.enumerate_reference_spaces(session.handle)]
        self.has_floor = xr.ReferenceSpaceType.STAGE in kinds
        self._kind = xr.ReferenceSpaceType.STAGE if self.has_floor else xr.ReferenceSpaceType.LOCAL
        self.handle = xr.create_reference_space(
            session.handle,
            xr.ReferenceSpaceCreateInfo(self._kind, xr.Posef(xr.Quaternionf(0, 0, 0, 1), xr.Vector3f(0, 0, 0))),
        )
        self.eyes: LocatedEyes | None = None
        # Where the eyes are in the head, for moments in which only its direction is known.
        self._offsets = np.array([[-EYE_DISTANCE / 2, 0.0, 0.0], [EYE_DISTANCE / 2, 0.0, 0.0]])
        self._is_seated = before is not None and before.has_floor and self.has_floor
        self.world_44: Matrix = before.world_44 if before is not None and self._is_seated else self._seat_44()

    def locate(self, frame: Frame) -> LocatedEyes | None:
        """The eyes at the time that `frame` will be seen, or where they were last while tracking is lost.

        While only the head's place is unknown, it turns where it was. None before the first time. Raises what OpenXR
        raises.
        """
        state, views = xr.locate_views(
            self._session.handle, xr.ViewLocateInfo(VIEWS, display_time=frame.time, space=self.handle)
        )
        flags = int(state.view_state_flags)
        if not flags & _ORIENTED:
            return self.eyes
        if not flags & _PLACED:
            self._keep_place(views)
        self.eyes = self._looking(views)
        if flags & _PLACED:
            rotation = self.eyes.head_44[:3, :3]
            places = np.array([matrix_44(view.pose)[:3, 3] for view in views])
            self._offsets = (places - self.eyes.head_44[:3, 3]) @ rotation
            if not self._is_seated:
                # A person rarely stands at the middle of the room, facing what the runtime takes for the front.
                self._is_seated = True
                self.recentre()
                self.eyes = self._looking(views)
        return self.eyes

    def _looking(self, views: Any) -> LocatedEyes:
        places = [matrix_44(view.pose) for view in views]
        projections = [projection_44(view.fov) for view in views]
        here, there = (
            tuple(
                EyeView(np.linalg.inv(to_44 @ place).astype(np.float32), projection)
                for place, projection in zip(places, projections, strict=True)
            )
            for to_44 in (np.eye(4), self.world_44)
        )
        return LocatedEyes(views, (there[0], there[1]), head_pose((here[0], here[1])))

    def _keep_place(self, views: Any) -> None:
        """Puts the eyes where the head was last, turned as it is now."""
        place = np.array([0.0, EYE_HEIGHT if self.has_floor else 0.0, 0.0])
        if self.eyes is not None:
            place = self.eyes.head_44[:3, 3]
        for view, offset in zip(views, self._offsets, strict=True):
            x, y, z = place + matrix_44(view.pose)[:3, :3] @ offset
            view.pose.position = xr.Vector3f(float(x), float(y), float(z))

    def recentre(self) -> None:
        """Makes the place where the head was last, and where it looked, the origin; the floor stays where it is."""
        if self.eyes is None:
            return
        here = upright(self.eyes.head_44)
        if self.has_floor:
            here[1, 3] = 0.0
        self.world_44 = self._seat_44() @ np.linalg.inv(here)

    def follow(self, change: SpaceChange, frame: Frame) -> bool:
        """Does what a person meant who has recentred with the runtime's own means; True when the world has moved.

        Our own space has a new origin then, chosen by that person. On a floor it is LOCAL that moves, and a person who
        moves it wants what is ahead to be the front here too. Raises what OpenXR raises.
        """
        if change.kind == self._kind:
            self.world_44 = self._seat_44()
            return True
        if change.kind == xr.ReferenceSpaceType.LOCAL:
            self.locate(frame)
            self.recentre()
            return True
        return False

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
