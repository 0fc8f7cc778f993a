"""The courtyard as people see it: pictures, stereo, depth and motion."""

import numpy as np
import pytest

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import FrameRequest
from artem_vr.gl.context import create_headless_context
from artem_vr.sources.courtyard.path import ROUND, walk
from artem_vr.sources.courtyard.source import CourtyardSource

SIZE = (160, 180)
POSTER = walk(0.0)
FLOOR = Pose((-2.2, 1.65, 4.6), 0.3, -1.25)


@pytest.fixture(scope="module")
def ctx():
    context = create_headless_context()
    yield context
    context.release()


@pytest.fixture(scope="module")
def source(ctx):
    courtyard = CourtyardSource(ctx, SIZE)
    courtyard.read(request(POSTER, 100.0))  # starts the animation's clock
    yield courtyard
    courtyard.close()


def request(pose, time=100.0, size=SIZE, sequence=0):
    return FrameRequest(sequence, time, stereo_views(pose, size), size)


def pixels(texture):
    width, height = texture.size
    return np.frombuffer(texture.read(), np.uint8).reshape(height, width, 4)[..., :3].astype(int)


def depths(texture):
    width, height = texture.size
    return np.frombuffer(texture.read(), np.float32).reshape(height, width)


def to_world(eye, depth_HW):
    """World places (H, W, 3) of the pixels' centres, from window depth, row 0 at the bottom."""
    height, width = depth_HW.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    clip = np.stack([x * 2 - 1, y * 2 - 1, depth_HW * 2 - 1, np.ones_like(x)], -1)
    world = clip @ np.linalg.inv(eye.projection_44.astype(float) @ eye.view_44.astype(float)).T
    return world[..., :3] / world[..., 3:]


@pytest.mark.parametrize("part", range(4))
def test_pictures_are_rich_all_along_the_walk(source, part):
    frame = source.read(request(walk(part * ROUND / 4)))
    for texture in frame.color:
        picture = pixels(texture)
        grey = picture.mean(-1)
        assert grey.std() > 30
        assert len(np.unique(picture // 16 @ [256, 16, 1])) > 250
        # No large part of the picture is one flat colour: neighbours differ somewhere in nearly every 10 x 10 block.
        blocks = grey.reshape(18, 10, 16, 10).std((1, 3))
        assert np.median(blocks) > 6


def test_colours_span_the_wheel(source):
    picture = np.concatenate([pixels(source.read(request(walk(t * ROUND / 6))).color[0]) for t in range(6)])
    red, green, blue = (picture[..., i] for i in range(3))
    assert np.mean((blue > red + 30) & (blue > green + 10)) > 0.03, "sky and sea"
    assert np.mean((red > blue + 60) & (red > green + 15)) > 0.08, "warm walls"
    assert np.mean((green > red + 8) & (green > blue + 25)) > 0.005, "plants"
    assert np.mean((red > 150) & (green < 90) & (blue < 110)) > 0.001, "flowers"


def test_frame_says_what_it_was_made_from(source):
    asked = request(POSTER, 101.0, sequence=17)
    frame = source.read(asked)
    assert (frame.sequence, frame.captured_at, frame.eyes) == (17, 101.0, asked.eyes)
    assert [texture.size for texture in (*frame.color, *frame.depth)] == [SIZE] * 4


def test_right_eye_follows_from_left_eye_and_depth(source):
    size = (320, 360)
    frame = source.read(request(POSTER, size=size))
    left, right = (pixels(texture) for texture in frame.color)
    depth_left, depth_right = (depths(texture) for texture in frame.depth)
    world = to_world(frame.eyes[0], depth_left)
    clip = np.concatenate([world, np.ones_like(world[..., :1])], -1) @ (
        frame.eyes[1].projection_44 @ frame.eyes[1].view_44
    ).T.astype(float)
    window = clip[..., :3] / clip[..., 3:] * 0.5 + 0.5
    x, y = (np.clip((window[..., i] * size[i]).astype(int), 0, size[i] - 1) for i in range(2))
    inside = (np.abs(window[..., :2] - 0.5) < 0.49).all(-1) & (depth_left < 1)
    # Compared by distance, so that one bound serves near and far.
    reach = np.linalg.norm(to_world(frame.eyes[1], depth_right)[y, x] - world, axis=-1)
    both = inside & (reach < 0.05 * clip[..., 3])
    assert both.mean() > 0.5
    followed = np.abs(right[y, x] - left)[both].mean()
    assert followed < 9
    assert followed < 0.5 * np.abs(right - left)[both].mean(), "the eyes do not differ"
    shift = np.abs(x - np.arange(size[0]))
    near, far = both & (clip[..., 3] < 6), both & (clip[..., 3] > 40)
    assert shift[near].mean() > 2.0 > 1.0 > shift[far].mean()


def test_depth_lies_on_the_floor(source):
    frame = source.read(request(FLOOR))
    for eye, texture in zip(frame.eyes, frame.depth, strict=True):
        middle = to_world(eye, depths(texture))[60:120, 50:110]
        assert np.abs(middle[..., 1]).max() < 0.01
        assert np.ptp(middle[..., 0]) > 0.3


def test_sky_is_at_the_far_plane(source):
    depth = depths(source.read(request(Pose((0, 1.65, 4.0), 0.0, 0.5))).depth[0])
    assert depth[-20:].min() > 0.9 and np.mean(depth[-20:] == 1.0) > 0.5


def test_same_request_gives_the_same_pixels(source):
    first, second = ([pixels(t) for t in source.read(request(POSTER, 103.7)).color] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_time_moves_only_what_moves(source):
    views = {"floor": FLOOR, "fountain": Pose((0.0, 1.65, 4.2), 0.0, -0.1)}
    changed = {}
    for name, pose in views.items():
        before, after = (pixels(source.read(request(pose, t)).color[0]) for t in (104.0, 105.3))
        changed[name] = np.mean(np.abs(before - after).max(-1) > 4)
    assert changed["floor"] == 0
    assert 0.005 < changed["fountain"] < 0.4


def test_motion_is_smooth(source):
    pose = Pose((0.0, 1.65, 4.2), 0.0, -0.1)
    start, soon, later = (pixels(source.read(request(pose, t)).color[0]) for t in (104.0, 104.011, 105.0))
    assert np.abs(soon - start).mean() < 0.5 * np.abs(later - start).mean()


def test_animation_counts_from_the_first_request(ctx, source):
    other = CourtyardSource(ctx, SIZE)
    other.read(request(POSTER, 5000.25))
    picture = pixels(other.read(request(POSTER, 5001.75)).color[0])
    other.close()
    other.close()
    assert np.array_equal(picture, pixels(source.read(request(POSTER, 101.5)).color[0]))


def test_size_follows_the_request(source):
    frame = source.read(request(POSTER, size=(96, 64)))
    assert [texture.size for texture in (*frame.color, *frame.depth)] == [(96, 64)] * 4
    assert pixels(frame.color[1]).std() > 20


def test_multisampling_smooths_edges_and_keeps_depth(ctx, source):
    if ctx.max_samples < 2:
        pytest.skip("this OpenGL has no multisampled framebuffers")
    smooth = CourtyardSource(ctx, SIZE, samples=4)
    frame = smooth.read(request(POSTER))
    picture, depth = pixels(frame.color[0]), depths(frame.depth[0])
    smooth.close()
    plain = source.read(request(POSTER))
    assert 0 < np.abs(picture - pixels(plain.color[0])).mean() < 12
    assert np.median(np.abs(depth - depths(plain.depth[0]))) < 1e-4
