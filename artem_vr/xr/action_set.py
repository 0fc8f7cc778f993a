"""The controllers: one action set, its suggested bindings, and what is held in a frame."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from artem_vr.xr import bindings
from artem_vr.xr.bindings import PROFILES, Profile
from artem_vr.xr.eye_gaze import open_eye_gaze
from artem_vr.xr.gestures import HandsInput
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import Runtime, forget
from artem_vr.xr.session import Session

_TICK_SECONDS, _TICK_STRENGTH = 0.02, 0.6
_BILLION = 1_000_000_000


class ActionSet:
    """All actions of the program, bound for every controller of `profiles` that the runtime knows.

    `eye_gaze` is where the person looks, None where the headset cannot tell or, without `gaze`, nobody shall know.

    Made for a session before its first frame. Raises what OpenXR raises.
    """

    def __init__(
        self, runtime: Runtime, session: Session, profiles: Sequence[Profile] = PROFILES, gaze: bool = True
    ) -> None:
        self._instance, self._session = runtime.instance, session
        self._set = xr.create_action_set(runtime.instance, xr.ActionSetCreateInfo("painting", "Painting", priority=0))
        self._hands = [xr.string_to_path(runtime.instance, hand) for hand in bindings.HANDS]
        self._buttons = {
            name: self._action(name, title, xr.ActionType.BOOLEAN_INPUT) for name, title in bindings.BUTTONS.items()
        }
        self._sticks = {
            name: self._action(name, title, xr.ActionType.FLOAT_INPUT) for name, title in bindings.STICKS.items()
        }
        self._tick = self._action(bindings.TICK, "Tick on a change", xr.ActionType.VIBRATION_OUTPUT, self._hands)
        self._profiles = [
            profile for profile in profiles if profile.extension is None or profile.extension in runtime.extensions
        ]
        for profile in self._profiles:
            self._suggest(profile)
        self.eye_gaze = open_eye_gaze(runtime, session, self._set) if gaze else None
        # A session takes action sets once, all together: what reads them must have its actions by now.
        xr.attach_session_action_sets(session.handle, xr.SessionActionSetsAttachInfo(action_sets=[self._set]))

    def _action(self, name: str, title: str, kind: Any, hands: Collection[Any] = ()) -> Any:
        return xr.create_action(
            self._set, xr.ActionCreateInfo(name, kind, subaction_paths=list(hands) or None, localized_action_name=title)
        )

    def _suggest(self, profile: Profile) -> None:
        actions = {**self._buttons, **self._sticks}
        pairs = [(actions[name], path) for name, paths in profile.inputs.items() for path in paths]
        pairs += [(self._tick, path) for path in bindings.HAPTICS]
        suggested = [
            xr.ActionSuggestedBinding(action, xr.string_to_path(self._instance, path)) for action, path in pairs
        ]
        # A runtime may know a newer list of controllers than the one it implements: it says so, and others still work.
        with suppress(xr.PathUnsupportedError):
            xr.suggest_interaction_profile_bindings(
                self._instance,
                xr.InteractionProfileSuggestedBinding(
                    interaction_profile=xr.string_to_path(self._instance, profile.path), suggested_bindings=suggested
                ),
            )

    def read(self) -> HandsInput:
        """What is held now. Nothing while another application has the controllers. Raises what OpenXR raises."""
        try:
            active = xr.ActiveActionSet(action_set=self._set, subaction_path=xr.NULL_PATH)
            xr.sync_actions(self._session.handle, xr.ActionsSyncInfo(active_action_sets=[active]))
        except xr.SessionNotFocused:
            return HandsInput()
        buttons, sticks = {}, {}
        for name, action in self._buttons.items():
            state = xr.get_action_state_boolean(self._session.handle, xr.ActionStateGetInfo(action=action))
            if state.is_active:
                buttons[name] = bool(state.current_state)
        for name, action in self._sticks.items():
            state = xr.get_action_state_float(self._session.handle, xr.ActionStateGetInfo(action=action))
            if state.is_active:
                sticks[name] = float(state.current_state)
        return HandsInput(buttons, sticks)

    def tick(self) -> None:
        """A short buzz in both hands, so that a change is felt. Controllers that cannot do without."""
        vibration = xr.HapticVibration(duration=int(_TICK_SECONDS * _BILLION), amplitude=_TICK_STRENGTH)
        with suppress(xr.SessionNotFocused):  # another application has come to the front just now
            for hand in self._hands:
                xr.apply_haptic_feedback(
                    self._session.handle, xr.HapticActionInfo(action=self._tick, subaction_path=hand), vibration
                )

    def hints(self) -> tuple[str, ...]:
        """What the buttons of the present controllers do, in lines; empty without controllers."""
        known = {profile.path: profile.hints for profile in self._profiles}
        for hand in self._hands:
            state = xr.get_current_interaction_profile(self._session.handle, hand)
            number = state.interaction_profile
            if number:
                path = xr.path_to_string(self._instance, number)
                return known.get(path, ())
        return ()

    def close(self) -> None:
        """Destroys the actions. May be called twice, and after the runtime has died."""
        if self.eye_gaze is not None:
            self.eye_gaze.close()
        if self._set is not None:
            action_set, self._set = self._set, None
            forget(xr.destroy_action_set, action_set)
