"""Where a person looks, as the headset's eye tracker tells it (XR_EXT_eye_gaze_interaction).

One gaze for both eyes, frame by frame, as raw as it comes. It is used for the frame and kept nowhere.
"""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.xr.library import xr
from artem_vr.xr.pose import matrix_44
from artem_vr.xr.runtime import Runtime, forget, reason
from artem_vr.xr.session import LOST, Frame, Session

PROFILE = "/interaction_profiles/ext/eye_gaze_interaction"
POSE = "/user/eyes_ext/input/gaze_ext/pose"

_FLAGS = xr.SpaceLocationFlags
_KNOWN = int(
    _FLAGS.ORIENTATION_VALID_BIT
    | _FLAGS.POSITION_VALID_BIT
    | _FLAGS.ORIENTATION_TRACKED_BIT
    | _FLAGS.POSITION_TRACKED_BIT
)
"""All of it: a runtime that only guesses where one looks leaves out that the pose is tracked."""
_log = logging.getLogger(__name__)


class EyeGaze:
    """The pose of the gaze as an action of `action_set`, which is not attached to the session yet.

    Raises what OpenXR raises.
    """

    def __init__(self, runtime: Runtime, session: Session, action_set: Any) -> None:
        info = xr.ActionCreateInfo("gaze", xr.ActionType.POSE_INPUT, localized_action_name="Where the eyes look")
        action = xr.create_action(action_set, info)
        binding = xr.ActionSuggestedBinding(action, xr.string_to_path(runtime.instance, POSE))
        xr.suggest_interaction_profile_bindings(
            runtime.instance,
            xr.InteractionProfileSuggestedBinding(
                interaction_profile=xr.string_to_path(runtime.instance, PROFILE), suggested_bindings=[binding]
            ),
        )
        self._space: Any = xr.create_action_space(session.handle, xr.ActionSpaceCreateInfo(action=action))

    def direction_3(self, frame: Frame, base: Any) -> NDArray[np.float64] | None:
        """The unit vector from the eyes to what they look at while `frame` is seen, in the `xr.Space` `base`.

        None while the tracker does not know, and from then on where the runtime cannot say it at all. Raises what
        `LOST` lists.
        """
        if self._space is None:
            return None
        try:
            location = xr.locate_space(self._space, base, frame.time)
        except LOST:
            raise
        except xr.XrException as error:
            _log.debug("the runtime does not say where the eyes look (%s): going on without", reason(error))
            self.close()
            return None
        if int(location.location_flags) & _KNOWN != _KNOWN:
            return None
        return -matrix_44(location.pose)[:3, 2]

    def close(self) -> None:
        """Destroys the space; the action goes with its set. May be called twice, and after the runtime has died."""
        if self._space is not None:
            space, self._space = self._space, None
            forget(xr.destroy_space, space)


def open_eye_gaze(runtime: Runtime, session: Session, action_set: Any) -> EyeGaze | None:
    """The gaze, where this headset tracks eyes and the runtime takes the binding; else None, and nothing is raised."""
    if not runtime.tracks_eyes:
        return None
    try:
        return EyeGaze(runtime, session, action_set)
    except xr.XrException as error:
        _log.debug("the runtime refuses to say where the eyes look (%s): going on without", reason(error))
        return None
