"""What a person's hands ask of the headset's display, frame by frame."""

from artem_vr.displays.openxr.connection import Connection
from artem_vr.ports import Action, Controls
from artem_vr.xr.gestures import Gestures, HandsInput, PanelWish
from artem_vr.xr.panel_visibility import PanelVisibility

QUIT_NOTICE = "keep holding to quit"


class Hands:
    """Reads the controllers once a frame, and keeps what they ask for until it is taken. Survives sessions.

    `controls` is what is held in the current frame, `notice` what the panel must say about it, `hints` what the buttons
    of the controllers at hand do.
    """

    def __init__(self, panel: PanelVisibility) -> None:
        self.controls = Controls()
        self.notice = ""
        self.hints: tuple[str, ...] = ()
        self.pending: list[Action] = []
        self._panel = panel
        self._gestures = Gestures()

    def forget(self) -> None:
        """Another session: what was held in the one before is not held on."""
        self._gestures, self.controls = Gestures(), Controls()

    def follow(self, connection: Connection, now: float) -> bool:
        """Reads the hands at `now` and does what concerns the display itself; True when they ask to quit.

        Raises what OpenXR raises.
        """
        hands = connection.controllers.read() if connection.session.focused else HandsInput()
        meaning = self._gestures.interpret(hands, now)
        self.controls = meaning.controls
        self._tell_panel(meaning.wish, bool(meaning.actions), connection, now)
        if Action.RECENTRE in meaning.actions:
            connection.space.recentre()
        if meaning.actions or meaning.wish is PanelWish.TOGGLE:
            connection.controllers.tick()
        self.pending += meaning.actions
        return Action.QUIT in meaning.actions

    def _tell_panel(self, wish: PanelWish | None, acted: bool, connection: Connection, now: float) -> None:
        self.notice = ""
        if wish is PanelWish.TOGGLE and self._panel.is_open(now) and not connection.is_panel_in_view():
            connection.panel.hang_anew()  # who does not see it wants it here
            self._panel.open(now)
        elif wish is PanelWish.TOGGLE:
            self._panel.toggle(now)
        elif wish is PanelWish.ANNOUNCE_QUIT:
            self._panel.wake(now)
            self.notice = QUIT_NOTICE
        elif self.controls.strength or self.controls.mix:
            self._panel.wake(now)  # one wants to see what the stick does
        elif acted or self.controls.clear:
            self._panel.use(now)

    def take(self) -> list[Action]:
        """What was asked for since the last call, oldest first."""
        pending, self.pending = self.pending, []
        return pending
