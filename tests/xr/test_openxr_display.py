"""The headset as a display, in real sessions."""

import numpy as np
import pytest
from headset import ORIGIN, Open, about_y, show, show_until
from remote import Remote

from artem_vr.camera import FAR, NEAR, Pose
from artem_vr.errors import DisplayError
from artem_vr.frame import FrameRequest, GlFrame
from artem_vr.ports import Action
from artem_vr.xr.library import xr

pytestmark = pytest.mark.xr


def head_of(request: FrameRequest) -> np.ndarray:
    """Head to world."""
    eyes = [np.linalg.inv(eye.view_44.astype(float)) for eye in request.eyes]
    head = eyes[0].copy()
    head[:3, 3] = (eyes[0][:3, 3] + eyes[1][:3, 3]) / 2
    return head


def test_frames_come_in_order_at_the_runtimes_pace_and_end_as_asked(open_display: Open) -> None:
    display = open_display(frames=5)
    requests = []
    while (request := display.begin_frame()) is not None:
        display.end_frame()
        requests.append(request)
    assert [request.sequence for request in requests] == list(range(5))
    steps = np.diff([request.time for request in requests])
    assert np.all(steps > 0)
    assert display.begin_frame() is None


def test_times_are_those_of_the_programs_clock(open_display: Open) -> None:
    import time

    display = open_display()
    for _ in range(3):
        request = show(display)
    assert -0.2 < request.time - time.monotonic() < 0.3


def test_eyes_stand_apart_and_look_where_the_head_does(open_display: Open, remote: Remote) -> None:
    display = open_display()
    show(display)  # with the head at rest, which is then at ORIGIN
    remote.move_head((0.3, 1.5, 0.2), about_y(0.8))
    request = show_until(display, lambda seen: abs(head_of(seen)[1, 3] - 1.5) < 1e-3)
    left, right = (np.linalg.inv(eye.view_44.astype(float)) for eye in request.eyes)
    apart = right[:3, 3] - left[:3, 3]
    assert 0.05 < np.linalg.norm(apart) < 0.08
    assert np.allclose(apart / np.linalg.norm(apart), left[:3, 0], atol=1e-3)
    # A person at the space's origin stands at ORIGIN; what the head does is turned with it.
    expected = Pose((0, 0, 0), 0.8 + ORIGIN.yaw).matrix_44()
    assert np.allclose(head_of(request)[:3, :3], expected[:3, :3], atol=1e-3)
    seat = ORIGIN.matrix_44().astype(float)
    assert np.allclose(head_of(request)[:3, 3], (seat @ [0.3, 1.5, 0.2, 1.0])[:3], atol=2e-3)


def test_a_move_of_the_head_is_in_the_next_frame(open_display: Open, remote: Remote) -> None:
    display = open_display(Pose((0, 0, 0)))
    show(display)
    for step in range(1, 6):
        remote.move_head((0.1 * step, 1.6, 0.0))
        # What is sent while a frame waits to begin may be seen in that one, and is in the next.
        seen = [head_of(show(display))[0, 3] for _ in range(2)]
        assert seen[-1] == pytest.approx(0.1 * step, abs=1e-3)


def test_each_eye_gets_its_own_picture(open_display: Open) -> None:
    display = open_display(keep=True)
    show(display, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    pixels = display.read_pixels()
    width, height = display.eye_size
    assert pixels.shape == (height, 2 * width, 3)
    assert np.all(pixels[:, :width] == (255, 0, 0))
    assert np.all(pixels[:, width:] == (0, 0, 255))


def test_a_display_that_keeps_nothing_says_so(open_display: Open) -> None:
    display = open_display()
    show(display)
    with pytest.raises(DisplayError, match="keep"):
        display.read_pixels()


def test_what_is_drawn_reaches_the_runtimes_images_as_it_is(open_display: Open) -> None:
    """Colours are encoded already: neither OpenGL nor the copy may encode them again."""
    for keep in (False, True):
        display = open_display(keep=keep)
        request = display.begin_frame()
        assert request is not None
        for eye in range(2):
            framebuffer, viewport = display.target(eye)
            framebuffer.clear(0.25, 0.5, 0.75, 1.0, viewport=viewport)
        assert display._connection is not None
        images = list(display._connection.eyes._images)
        display.end_frame()
        for image in images:
            pixel = np.frombuffer(image.read(viewport=(5, 5, 1, 1), components=3), np.uint8)
            assert np.abs(pixel.astype(int) - (64, 128, 191)).max() <= 1
        display.close()


def test_depth_is_handed_over_where_the_runtime_takes_it(open_display: Open) -> None:
    display = open_display(depth=True)
    assert display._connection is not None
    assert display._connection.eyes.depth_format is not None
    size = display.eye_size
    colour = [display.ctx.texture(size, 4) for _ in range(2)]
    depth = [display.ctx.depth_texture(size) for _ in range(2)]
    for texture, value in zip(depth, (0.25, 0.75), strict=True):
        framebuffer = display.ctx.framebuffer([display.ctx.texture(size, 4)], texture)
        framebuffer.clear(depth=value)
    for _ in range(3):
        request = display.begin_frame()
        assert request is not None
        display.expect(GlFrame(request.sequence, request.time, tuple(colour), request.eyes, tuple(depth)))
        display.end_frame()
    for swapchain, value in zip(display._connection.eyes._depths, (0.25, 0.75), strict=True):
        read = [np.frombuffer(_depth_of(image, size), np.float32) for image in swapchain._framebuffers]
        assert any(np.allclose(pixels, value, atol=1e-3) for pixels in read)
    # What depth means stands in the projection, which must be the one that is told.
    projection = request.eyes[0].projection_44
    assert projection[2, 2] == pytest.approx((FAR + NEAR) / (NEAR - FAR))


def _depth_of(framebuffer, size) -> bytes:
    from OpenGL import GL

    framebuffer.use()
    return bytes(GL.glReadPixels(0, 0, *size, GL.GL_DEPTH_COMPONENT, GL.GL_FLOAT))


def test_a_frame_that_fails_halfway_is_ended_and_the_session_too(open_display: Open) -> None:
    display = open_display()
    assert display.begin_frame() is not None
    display.close()
    display.close()
    again = open_display()
    show(again)


def test_a_person_off_the_middle_of_the_room_starts_where_the_world_begins(open_display: Open, remote: Remote) -> None:
    remote.move_head((1.4, 1.2, -0.9), about_y(2.5))
    display = open_display()
    request = show_until(display, lambda seen: abs(head_of(seen)[1, 3] - 1.2) < 1e-3)
    seat = ORIGIN.matrix_44().astype(float)
    assert np.allclose(head_of(request)[:3, :3], seat[:3, :3], atol=2e-3)
    assert np.allclose(head_of(request)[:3, 3], (10.0, 1.2, -5.0), atol=5e-3), "on the same floor"


def test_where_the_head_looks_is_between_canted_eyes(open_display: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    display = open_display(Pose((0.0, 0.0, 0.0)))
    show(display)
    _cant(monkeypatch, 0.1)
    show(display)
    assert display._connection is not None
    assert display._connection.space.eyes is not None
    forward = -display._connection.space.eyes.head_44[:3, 2]
    assert np.allclose(forward, (0, 0, -1), atol=1e-3)


def test_a_head_whose_place_is_lost_turns_where_it_was(
    open_display: Open, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = open_display(Pose((0.0, 0.0, 0.0)))
    show(display)
    remote.move_head((0.5, 1.5, 0.0))
    show_until(display, lambda seen: abs(head_of(seen)[0, 3] - 0.5) < 1e-3)
    _lose_place(monkeypatch)
    remote.move_head((3.0, 0.2, 9.0), about_y(0.7))
    for _ in range(3):
        request = show(display)
    assert np.allclose(head_of(request)[:3, 3], (0.5, 1.5, 0.0), atol=2e-3)
    assert np.allclose(head_of(request)[:3, :3], Pose((0, 0, 0), 0.7).matrix_44()[:3, :3], atol=2e-3)


def _cant(monkeypatch: pytest.MonkeyPatch, angle: float) -> None:
    locate = xr.locate_views

    def canted(*arguments):
        state, views = locate(*arguments)
        for view, side in zip(views, (1, -1), strict=True):
            view.pose.orientation = xr.Quaternionf(*about_y(side * angle))
        return state, views

    monkeypatch.setattr(xr, "locate_views", canted)


def _lose_place(monkeypatch: pytest.MonkeyPatch) -> None:
    locate = xr.locate_views

    def placeless(*arguments):
        state, views = locate(*arguments)
        state.view_state_flags = xr.ViewStateFlags.ORIENTATION_VALID_BIT
        for view in views:
            view.pose.position = xr.Vector3f(99.0, 99.0, 99.0)
        return state, views

    monkeypatch.setattr(xr, "locate_views", placeless)


def test_recentring_makes_what_is_ahead_the_front(open_display: Open, remote: Remote) -> None:
    display = open_display()
    show(display)
    remote.move_head((0.7, 1.4, 0.6), about_y(1.2))
    show_until(display, lambda seen: abs(head_of(seen)[1, 3] - 1.4) < 1e-3)
    remote.press("right", "thumbstick_click")
    seat = ORIGIN.matrix_44().astype(float)
    request = show_until(display, lambda seen: np.allclose(head_of(seen)[:3, :3], seat[:3, :3], atol=2e-3))
    # On the same floor, above the same spot.
    assert np.allclose(head_of(request)[:3, 3], (10.0, 1.4, -5.0), atol=5e-3)
    assert Action.RECENTRE in display.actions()
