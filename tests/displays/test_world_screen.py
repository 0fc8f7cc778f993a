import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from screen_stage import (
    BLUE,
    DISTANCE,
    EYE,
    FOCAL,
    FPS,
    GREEN,
    HALF_WIDTH,
    RED,
    SIZE,
    TURN,
    WHITE,
    InnerDisplay,
    Stage,
    before,
    edges,
    plain,
    seen_at,
    standing,
    turning,
)

from artem_vr.camera import EYE_DISTANCE, HeadPath, Pose
from artem_vr.frame import GlFrame, HostFrame
from artem_vr.gl import world_quad
from artem_vr.gl.upload import FrameUploader
from artem_vr.ports import Action

MakeStage = Callable[..., Stage]


@pytest.fixture
def stage() -> Iterator[MakeStage]:
    opened: list[Stage] = []

    def make(
        path: HeadPath = standing,
        lock: str = "world",
        live: bool = False,
        script: dict[int, list[Action]] | None = None,
        **options: Any,
    ) -> Stage:
        opened.append(Stage(InnerDisplay(path, script=script), lock, live, **options))
        return opened[-1]

    yield make
    for item in opened:
        item.close()


def test_the_edges_are_where_the_projection_puts_them_in_both_eyes(stage: MakeStage) -> None:
    shown = stage().show(plain(WHITE))
    for image, eye_x in zip(shown.images, (-EYE_DISTANCE / 2, EYE_DISTANCE / 2), strict=True):
        left, right = edges(image[EYE[1] // 2])
        assert left == pytest.approx(EYE[0] / 2 + FOCAL * (-HALF_WIDTH - eye_x) / DISTANCE, abs=0.3)
        assert right == pytest.approx(EYE[0] / 2 + FOCAL * (HALF_WIDTH - eye_x) / DISTANCE, abs=0.3)
        top, bottom = edges(image[:, EYE[0] // 2])
        half_height = HALF_WIDTH * SIZE[1] / SIZE[0]
        assert top == pytest.approx(EYE[1] / 2 - FOCAL * half_height / DISTANCE, abs=0.3)
        assert bottom == pytest.approx(EYE[1] / 2 + FOCAL * half_height / DISTANCE, abs=0.3)


def test_a_picture_for_both_eyes_is_seen_as_far_as_it_hangs(stage: MakeStage) -> None:
    left, right = (edges(image[EYE[1] // 2]) for image in stage().show(plain(WHITE)).images)
    for seen_left, seen_right in zip(left, right, strict=True):
        assert seen_left - seen_right == pytest.approx(FOCAL * EYE_DISTANCE / DISTANCE, abs=0.3)


def test_a_screen_in_the_world_stays_there_when_the_head_turns(stage: MakeStage) -> None:
    show = stage(turning)
    show.show(plain(WHITE))
    shown = show.show(plain(WHITE))
    for image, eye in zip(shown.images, shown.request.eyes, strict=True):
        left, right = edges(image[EYE[1] // 2])
        assert left == pytest.approx(seen_at(before(turning(0), -HALF_WIDTH, 0), eye)[0], abs=0.5)
        assert right == pytest.approx(seen_at(before(turning(0), HALF_WIDTH, 0), eye)[0], abs=0.5)
    middle = [np.mean([seen_at(before(turning(0), 0, 0), eye)[0] for eye in shown.request.eyes])]
    assert middle[0] - EYE[0] / 2 == pytest.approx(FOCAL * math.tan(TURN), abs=0.5)


def test_a_screen_in_the_world_hangs_level_however_the_head_is_held_first(stage: MakeStage) -> None:
    def nodding(seconds: float) -> Pose:
        return Pose((1.0, 1.6, -2.0), 0.3, math.radians(-15) if seconds == 0 else 0.0)

    show = stage(nodding)
    show.show(plain(WHITE))
    image = show.show(plain(WHITE)).images[0]
    top, bottom = edges(image[:, EYE[0] // 2])
    assert (top + bottom) / 2 == pytest.approx(EYE[1] / 2, abs=0.3)


def test_a_screen_on_the_head_stays_before_it(stage: MakeStage) -> None:
    def tumbling(seconds: float) -> Pose:
        return Pose((seconds, 1.6, -2.0), 5 * seconds, 3 * seconds)

    show = stage(tumbling, lock="head")
    first, second = (show.show(plain(WHITE), age=0.1).images for _ in range(2))
    for before_turn, after in zip(first, second, strict=True):
        for line in (lambda image: image[EYE[1] // 2], lambda image: image[:, EYE[0] // 2]):
            assert edges(line(after)) == pytest.approx(edges(line(before_turn)), abs=0.1)


@pytest.mark.parametrize(("age", "latency"), [(0.1, 0.0), (0.05, 0.0), (0.05, 0.1), (0.0, 0.0)])
def test_a_late_camera_picture_hangs_where_the_head_looked_when_it_was_taken(
    stage: MakeStage, age: float, latency: float
) -> None:
    show = stage(turning, lock="head", live=True, latency=latency)
    for _ in range(3):
        shown = show.show(plain(WHITE), age=age)
    then = turning(2 / FPS - age - latency)
    for image, eye in zip(shown.images, shown.request.eyes, strict=True):
        right = seen_at(before(then, HALF_WIDTH, 0), eye)[0]
        left = seen_at(before(then, -HALF_WIDTH, 0), eye)[0]
        found = edges(image[EYE[1] // 2])
        assert found[0] == pytest.approx(left, abs=0.5)
        assert found[1] == pytest.approx(min(right, EYE[0]), abs=0.5)


def test_recentre_hangs_it_anew(stage: MakeStage) -> None:
    show = stage(turning, script={2: [Action.RECENTRE]})
    middles = [sum(edges(show.show(plain(WHITE)).images[0][EYE[1] // 2])) / 2 for _ in range(4)]
    assert middles[1] - middles[0] > 20
    assert middles[2] == pytest.approx(middles[0], abs=0.2)
    assert middles[3] == pytest.approx(middles[1], abs=0.2)


def test_after_recentring_a_camera_is_not_placed_by_poses_of_the_old_world(stage: MakeStage) -> None:
    show = stage(turning, lock="head", live=True, script={2: [Action.RECENTRE]})
    for _ in range(3):
        shown = show.show(plain(WHITE), age=0.1)
    left, right = edges(shown.images[0][EYE[1] // 2])
    assert (left + right) / 2 == pytest.approx(EYE[0] / 2 + FOCAL * EYE_DISTANCE / 2 / DISTANCE, abs=0.3)


def test_two_pictures_hang_each_before_its_own_eye(stage: MakeStage) -> None:
    for lock in ("world", "head"):
        shown = stage(lock=lock).show(plain(RED), plain(BLUE))
        for image, channel in zip(shown.images, (0, 2), strict=True):
            line = image[EYE[1] // 2]
            strong = np.flatnonzero(line[:, channel] > 128)
            assert (strong[0] + strong[-1] + 1) / 2 == pytest.approx(EYE[0] / 2, abs=0.6)
            others = np.delete(line, channel, axis=1)
            assert others.max() < 50  # nothing of the other eye's picture, at the edge between the two either


def test_a_screen_with_two_pictures_stays_in_the_world_too(stage: MakeStage) -> None:
    show = stage(turning)
    show.show(plain(WHITE), plain(WHITE))
    shown = show.show(plain(WHITE), plain(WHITE))
    for image, eye, side in zip(shown.images, shown.request.eyes, (-0.5, 0.5), strict=True):
        left = seen_at(before(turning(0), side * EYE_DISTANCE - HALF_WIDTH, 0), eye)[0]
        assert edges(image[EYE[1] // 2])[0] == pytest.approx(left, abs=0.5)


def test_only_the_picture_is_drawn_not_the_ground_around_it(stage: MakeStage) -> None:
    show = stage()
    request = show.screen.begin_frame()
    assert request is not None
    uploader = FrameUploader(show.inner.ctx)
    frame = uploader.upload(HostFrame(0, request.time, plain(WHITE, (50, 100))[None], request.eyes), SIZE)
    assert frame.content == (75, 0, 50, 100)
    show.screen.expect(frame)
    for eye in range(2):
        framebuffer, (x, y, width, height) = show.screen.target(eye)
        framebuffer.clear(0.0, 1.0, 0.0, 1.0, viewport=(x, y, width, height))
        framebuffer.clear(1.0, 1.0, 1.0, 1.0, viewport=(x + 75, y, 50, height))
    show.screen.end_frame()
    pixels = show.screen.read_pixels()
    assert not np.any((pixels[..., 1] > 60) & (pixels[..., 0] < 55))
    left, right = edges(pixels[EYE[1] // 2, : EYE[0]])
    middle = EYE[0] / 2 + FOCAL * EYE_DISTANCE / 2 / DISTANCE
    assert (left + right) / 2 == pytest.approx(middle, abs=0.3)
    assert right - left == pytest.approx(FOCAL * 2 * HALF_WIDTH / DISTANCE * 50 / 200, abs=0.5)
    uploader.close()


def test_a_picture_in_a_corner_stays_in_its_corner(stage: MakeStage) -> None:
    show = stage(lock="head")
    request = show.screen.begin_frame()
    assert request is not None
    whole = show.inner.ctx.texture(SIZE, 4)
    show.screen.expect(GlFrame(0, request.time, (whole, whole), request.eyes, content=(0, 0, 100, 40)))
    framebuffer, _ = show.screen.target(0)
    framebuffer.clear(1.0, 1.0, 1.0, 1.0)
    show.screen.end_frame()
    image = show.screen.read_pixels()[:, : EYE[0]]
    metres = 2 * HALF_WIDTH / SIZE[0]
    for x, y, seen in ((50, 20, True), (5, 3, True), (96, 37, True), (104, 20, False), (50, 44, False)):
        point = before(standing(0), (x - SIZE[0] / 2) * metres, (y - SIZE[1] / 2) * metres)
        column, row = seen_at(point, request.eyes[0])
        assert (image[int(row), int(column)].min() > 250) == seen, (x, y)
    whole.release()


def test_it_is_upright_and_not_mirrored(stage: MakeStage) -> None:
    quarters = plain(WHITE)
    quarters[:50, :100], quarters[:50, 100:], quarters[50:, :100] = RED, GREEN, BLUE
    for image in stage().show(quarters).images:
        for (y, x), color in {(-20, -50): RED, (-20, 50): GREEN, (20, -50): BLUE, (20, 50): WHITE}.items():
            assert np.abs(image[EYE[1] // 2 + y, EYE[0] // 2 + x].astype(int) - color).max() <= 2


def test_slanting_edges_are_soft(stage: MakeStage) -> None:
    show = stage(turning)
    for _ in range(2):
        image = show.show(plain(WHITE)).images[0]
    # Along the slanting upper edge, pixels are covered by every share.
    rows = image[:, EYE[0] // 2 : EYE[0] // 2 + 100].min(axis=2)
    between = rows[(rows > 60) & (rows < 230)]
    assert len(np.unique(between // 20)) >= 7
    assert len(between) < 3 * 100


def test_the_room_is_dark_lightest_at_the_horizon_and_alike_for_both_eyes(stage: MakeStage) -> None:
    def nodding(seconds: float) -> Pose:
        return Pose((1.0, 1.6, -2.0), 2.0, math.radians(-10) * seconds * FPS)

    show = stage(nodding)
    for nod in (0, 10):
        shown = show.show(plain((0, 0, 0)))
        left, right = (image[:, 5].astype(int) for image in shown.images)
        assert np.abs(left - right).max() <= 1
        assert left.max() < 60
        light = left.sum(axis=1)
        steepest = int(np.argmin(np.diff(light)))
        assert steepest == pytest.approx(EYE[1] / 2 - FOCAL * math.tan(math.radians(nod)), abs=2)
        assert light[steepest - 1] > 1.2 * light[steepest + 3]
        assert light[steepest - 1] > 1.5 * light[0]
        assert light[steepest + 3] > 1.1 * light[-1]


def test_the_room_is_the_same_wherever_one_looks_from(stage: MakeStage) -> None:
    show = stage(turning)
    first, second = (show.show(plain((0, 0, 0), (2, 100))) for _ in range(2))  # a thread, to see the room beside it
    compared = []
    for azimuth in np.radians((-25, -20, -15, -10, -5, 5, 10, 15, 20, 25)):
        for elevation in np.radians((-30, -18, -5, 4, 10, 20, 30)):
            far = Pose((0.0, 0.0, 0.0), 0.3 + azimuth, elevation).matrix_44() @ (0, 0, -1000, 1)
            seen = [seen_at(far[:3], shown.request.eyes[0]) for shown in (first, second)]
            if all(3 < x < EYE[0] - 3 and 3 < y < EYE[1] - 3 for x, y in seen):
                areas = [
                    shown.images[0][int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].mean(axis=(0, 1))
                    for shown, (x, y) in zip((first, second), seen, strict=True)
                ]
                compared.append(np.abs(areas[0] - areas[1]).max())
    assert len(compared) > 30
    assert max(compared) < 1


def test_large_pictures_are_averaged_where_a_graphics_card_draws(
    stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_quad, "is_software", lambda ctx: False)
    checks = plain((0, 0, 0), (2048, 1024))
    checks[::2, 1::2] = checks[1::2, ::2] = 255
    shown = stage(size=(2048, 1024)).show(checks, checks.copy())
    for image in shown.images:
        inside = image[EYE[1] // 2 - 40 : EYE[1] // 2 + 40, EYE[0] // 2 - 80 : EYE[0] // 2 + 80]
        assert np.abs(inside.astype(int) - 128).max() <= 6


def test_frames_of_another_size_than_the_screen_keep_their_content(stage: MakeStage) -> None:
    show = stage()
    request = show.screen.begin_frame()
    assert request is not None
    uploader = FrameUploader(show.inner.ctx)
    large = uploader.upload(HostFrame(0, request.time, plain(WHITE, (100, 200))[None], request.eyes), (400, 200))
    assert large.content == (150, 0, 100, 200)
    show.screen.expect(large)
    framebuffer, _ = show.screen.target(0)
    framebuffer.clear(1.0, 1.0, 1.0, 1.0)
    show.screen.end_frame()
    left, right = edges(show.screen.read_pixels()[EYE[1] // 2, : EYE[0]])
    assert right - left == pytest.approx(2 * FOCAL * HALF_WIDTH / DISTANCE / 4, abs=0.5)
    uploader.close()
