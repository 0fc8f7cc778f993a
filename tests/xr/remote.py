"""A hand on Monado's simulated headset and controllers: its 'remote' driver obeys whoever connects to a TCP port.

Every message is the whole state of the three devices, laid out as Monado 25 lays it out in memory (its
`r_interface.h`). An application sees what was sent at its next frame.
"""

import socket
import struct
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

Hand = Literal["left", "right"]
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # x, y, z, w

PORT = 4242
UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
EYE_HEIGHT: Vector = (0.0, 1.6, 0.0)
HANDS_AT_REST: tuple[Vector, Vector] = ((-0.2, 1.3, -0.5), (0.2, 1.3, -0.5))
BUTTONS = (
    "system_click", "system_touch", "a_click", "a_touch", "b_click", "b_touch", "trigger_click", "trigger_touch",
    "thumbstick_click", "thumbstick_touch", "trackpad_touch",
)  # fmt: skip

_HEADER = b"mndrmt3\0"
# Two views, which the driver leaves alone unless the flag at the end is set: four angles and a pose, padded. Then the
# head's pose and that flag.
_HEAD = struct.Struct("<" + 2 * "4f7f4x" + "7f?3x")
# Pose, linear and angular velocity, curl of fingers; trigger, squeeze, its force, stick, trackpad's force, trackpad;
# whether the hand itself is tracked, whether the controller is on; the buttons.
_CONTROLLER = struct.Struct("<7f3f3f5f" + "3f2f1f2f" + f"??{len(BUTTONS)}?3x")
_SIZE = len(_HEADER) + _HEAD.size + 2 * _CONTROLLER.size
# A part of how the driver starts, by which the layout is recognised: the head's pose, the flag, the left hand's pose.
_START = struct.pack("<7f?3x7f", *UPRIGHT, *EYE_HEIGHT, False, *UPRIGHT, *HANDS_AT_REST[0])
_VIEW = (-0.785, 0.785, 0.785, -0.785, *UPRIGHT, 0.0, 0.0, 0.0)


@dataclass
class Head:
    position: Vector = EYE_HEIGHT
    orientation: Quaternion = UPRIGHT

    def to_bytes(self) -> bytes:
        return _HEAD.pack(*_VIEW, *_VIEW, *self.orientation, *self.position, False)


@dataclass
class Controller:
    """One controller. `khr/simple_controller` takes its select from the trigger's value, not from `trigger_click`."""

    position: Vector
    orientation: Quaternion = UPRIGHT
    linear_velocity: Vector = (0.0, 0.0, 0.0)
    angular_velocity: Vector = (0.0, 0.0, 0.0)
    trigger: float = 0.0
    squeeze: float = 0.0
    squeeze_force: float = 0.0
    thumbstick: tuple[float, float] = (0.0, 0.0)
    trackpad: tuple[float, float] = (0.0, 0.0)
    trackpad_force: float = 0.0
    pressed: set[str] = field(default_factory=set)
    is_on: bool = True

    def to_bytes(self) -> bytes:
        fingers = (0.0,) * 5
        return _CONTROLLER.pack(
            *self.orientation, *self.position, *self.linear_velocity, *self.angular_velocity, *fingers,
            self.trigger, self.squeeze, self.squeeze_force, *self.thumbstick, self.trackpad_force, *self.trackpad,
            False, self.is_on, *(button in self.pressed for button in BUTTONS),
        )  # fmt: skip


class RemoteError(Exception):
    """The service cannot be steered."""


class Remote:
    """A connection that moves the head and the controllers and works the controllers' buttons.

    The methods send at once. Everything else is set in `head`, `left` and `right`, and sent with `send()`.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = PORT, within: float = 5.0) -> None:
        """Connects, waiting so many seconds for the service to listen, and puts everything to rest."""
        self._socket = _connect(host, port, within)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet()
            self.rest()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The devices keep the state that was sent last."""
        self._socket.close()

    def rest(self) -> None:
        """A person stands upright, with both controllers switched on, held before them and untouched."""
        self.head = Head()
        self.left, self.right = map(Controller, HANDS_AT_REST)
        self.send()

    def controller(self, hand: Hand) -> Controller:
        return self.left if hand == "left" else self.right

    def move_head(self, position: Vector, orientation: Quaternion = UPRIGHT) -> None:
        self.head = Head(position, orientation)
        self.send()

    def move(self, hand: Hand, position: Vector, orientation: Quaternion = UPRIGHT) -> None:
        controller = self.controller(hand)
        controller.position, controller.orientation = position, orientation
        self.send()

    def pull_trigger(self, hand: Hand, value: float = 1.0) -> None:
        self.controller(hand).trigger = value
        self.send()

    def tilt_thumbstick(self, hand: Hand, x: float, y: float) -> None:
        self.controller(hand).thumbstick = (x, y)
        self.send()

    def press(self, hand: Hand, *buttons: str) -> None:
        """Presses or touches the buttons, which are among BUTTONS, and leaves the others as they are."""
        if unknown := set(buttons) - set(BUTTONS):
            raise ValueError(f"a controller has no {', '.join(sorted(unknown))}")
        self.controller(hand).pressed |= set(buttons)
        self.send()

    def release(self, hand: Hand, *buttons: str) -> None:
        self.controller(hand).pressed -= set(buttons)
        self.send()

    def switch_off(self, hand: Hand) -> None:
        self.controller(hand).is_on = False
        self.send()

    def switch_on(self, hand: Hand) -> None:
        self.controller(hand).is_on = True
        self.send()

    def send(self) -> None:
        self._socket.sendall(_HEADER + self.head.to_bytes() + self.left.to_bytes() + self.right.to_bytes())

    def _greet(self) -> None:
        """The driver first says how it started and how it is now, by which the layout is checked."""
        states = b""
        while len(states) < 2 * _SIZE:
            received = self._socket.recv(2 * _SIZE - len(states))
            if not received:
                raise RemoteError("the service hung up")
            states += received
        if _START not in states[:_SIZE]:
            raise RemoteError("the service lays out the devices' state in another way: it is not Monado 25")


def _connect(host: str, port: int, within: float) -> socket.socket:
    deadline = time.monotonic() + within
    while True:
        try:
            return socket.create_connection((host, port), timeout=within)
        except OSError as error:
            if time.monotonic() > deadline:
                raise RemoteError(f"nothing answers at {host}:{port}: {error}") from None
            time.sleep(0.02)
