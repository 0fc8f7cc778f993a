"""When the panel is seen: opened by a button, woken by a change, and gone again when nobody uses it."""

AWAKE = 2.5
"""Seconds that a change shows the panel for."""
UNUSED = 10.0
"""Seconds after which an opened panel that nobody uses goes away."""
FADE_IN, FADE_OUT = 0.2, 0.6
_LONGEST_STEP = 0.1
"""Seconds: after a stall the fade goes on from where it was."""


class PanelVisibility:
    """How opaque the panel is, as a function of time in seconds and of what was asked for."""

    def __init__(self) -> None:
        self._until = -1.0
        self._alpha = 0.0
        self._last: float | None = None

    def toggle(self, now: float) -> None:
        """Opens the panel, or closes it when it is open."""
        self._until = now if self.is_open(now) else now + UNUSED

    def open(self, now: float) -> None:
        """Opens the panel, or keeps it open for as long again."""
        self._until = now + UNUSED

    def is_open(self, now: float) -> bool:
        """True until it begins to fade."""
        return now < self._until

    def wake(self, now: float, seconds: float = AWAKE) -> None:
        """Shows the panel for a while; an open one stays open for at least as long."""
        self._until = max(self._until, now + seconds)

    def use(self, now: float) -> None:
        """Something was done: an open panel stays open from here on, a closed one stays closed."""
        if self.is_open(now):
            self._until = max(self._until, now + AWAKE)

    def alpha(self, now: float) -> float:
        """From 0, not there, to 1. Call it once a frame."""
        passed = 0.0 if self._last is None else min(max(0.0, now - self._last), _LONGEST_STEP)
        self._last = now
        if self.is_open(now):
            self._alpha = min(1.0, self._alpha + passed / FADE_IN)
        else:
            self._alpha = max(0.0, self._alpha - passed / FADE_OUT)
        return self._alpha
