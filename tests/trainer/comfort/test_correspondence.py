"""Where pixels of one picture lie in another: by depth, by optical flow, and by a disparity that was measured."""

import cv2
import numpy as np
import pytest
from PIL import Image
from pink import SIDE, pink_picture, shifted

from artem_vr.camera import FAR, Pose, stereo_views
from artem_vr.errors import InputError
from artem_vr.frame import EyeView
from trainer.comfort.correspondence import by_depth, taken_from
from trainer.comfort.disparity import read_disparity
from trainer.comfort.measurement import measure_motion
from trainer.comfort.optical_flow import by_flow, pairs_by_flow, read_frames
from trainer.comfort.recording import View
from trainer.comfort.stereo_pair import by_disparity, read_pair

SIZE = (SIDE, SIDE)


def view(position=(0.0, 0.0, 0.0), yaw=0.0) -> EyeView:
    return stereo_views(Pose(position, yaw), SIZE, eye_distance=0.0)[0]


def focal() -> float:
    """Pixels a unit of slope."""
    return float(view().projection_44[0, 0]) * SIDE / 2


def test_a_wall_ahead_moves_with_the_head_by_focal_length_over_distance():
    distance = np.full((SIDE, SIDE), 3.0)
    where = by_depth(distance, view((0.12, 0, 0)), distance, view())
    x = where.place_HW2[..., 0] * SIDE - np.arange(SIDE) - 0.5
    assert x[where.seen_HW] == pytest.approx(0.12 * focal() / 3.0, abs=1e-3)
    assert where.seen_HW.mean() == pytest.approx(1 - 0.12 * focal() / 3.0 / SIDE, abs=0.02)


def test_the_sky_stays_seen_when_the_head_turns_and_a_plane_as_far_does_not():
    """A distance is that along the axis of a view: of the same point it is another one after a turn."""
    turn = np.radians(12)
    sky, plane = (
        by_depth(far, view(yaw=turn), far, view()) for far in (np.full((SIDE, SIDE), each) for each in (FAR, 150.0))
    )
    middle = slice(SIDE // 4, -SIDE // 4), SIDE // 2
    assert sky.seen_HW[middle].all() and not plane.seen_HW[middle].any()
    # What is ahead now was seen to the left before.
    assert sky.place_HW2[SIDE // 2, SIDE // 2, 0] * SIDE == pytest.approx(SIDE / 2 - focal() * np.tan(turn), abs=1.0)


def test_what_is_hidden_and_its_rim_are_not_seen():
    near, far = np.full((SIDE, SIDE), 4.0), np.full((SIDE, SIDE), 4.0)
    near[60:120, 60:120] = 1.0
    where = by_depth(far, view(), near, view())
    hidden = ~where.seen_HW
    assert hidden[59:121, 59:121].all() and hidden.sum() == 62**2


def test_colours_are_taken_between_pixels():
    ramp = np.repeat(np.linspace(0, 1, SIDE, dtype=np.float32)[None, :, None], SIDE, 0).repeat(3, 2)
    place = np.full((4, 5, 2), 0.5, np.float32)
    place[..., 0] = (np.arange(5) + 10.25 + 0.5) / SIDE
    assert taken_from(ramp, place)[0, :, 0] == pytest.approx((np.arange(5) + 10.25) / (SIDE - 1), abs=1e-4)


def test_optical_flow_finds_how_a_picture_has_moved_and_gives_up_where_there_is_nothing_to_find():
    picture = pink_picture()
    one, other = (np.rint(255 * each).clip(0, 255).astype(np.uint8) for each in (picture, shifted(picture, 3.5, -2)))
    where = by_flow(one, other)
    way = where.place_HW2 * SIDE - np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1) - 0.5
    assert where.seen_HW.mean() > 0.75
    assert np.median(way[where.seen_HW], 0) == pytest.approx([3.5, -2], abs=0.1)
    unrelated = np.rint(255 * pink_picture(5)).astype(np.uint8)
    assert by_flow(one, unrelated).seen_HW.mean() < 0.4


def test_a_folder_of_pictures_is_measured_by_flow(tmp_path):
    """A still crop that moves over a picture is calm, one that flickers is not."""
    picture = np.rint(255 * pink_picture(side=256)).astype(np.uint8)
    for number in range(5):
        Image.fromarray(picture[:160, 2 * number : 2 * number + 192]).save(tmp_path / f"frame{number + 7}.png")
    recording = read_frames(tmp_path)
    assert recording.eye_size == (192, 160) and len(recording.views) == 5
    frames = [each.rgb_EHWC for each in recording.views]
    pairs = pairs_by_flow(recording)
    calm = measure_motion(frames, pairs)
    dimmed = [frame // (1 + number % 2) for number, frame in enumerate(frames)]
    assert calm.step.error < 0.01 < 0.1 < measure_motion(dimmed, pairs).step.error
    assert calm.leap is None and calm.stereo is None and [*calm.errors] == [1, 2, 3, 4]
    (tmp_path / "alone").mkdir()
    Image.fromarray(picture).save(tmp_path / "alone" / "one.png")
    with pytest.raises(InputError, match="two or more"):
        read_frames(tmp_path / "alone")


def layered() -> np.ndarray:
    """Disparity of a near square before a far wall; a stripe and what is beside the square nobody has measured."""
    disparity = np.full((SIDE, SIDE), 4.0, np.float32)
    disparity[50:130, 60:120] = 20.0
    disparity[:, 150:155] = np.nan
    disparity[50:130, 120:124] = np.nan
    return disparity


def test_a_disparity_says_where_pixels_lie_in_the_right_picture_and_which_are_hidden_there():
    left = layered()
    right = np.full((SIDE, SIDE), np.nan, np.float32)
    right[:, : SIDE - 4] = 4.0
    right[50:130, 40:100] = 20.0
    where = by_disparity(left, right)
    assert where.place_HW2[90, 80] * SIDE == pytest.approx([80.5 - 20, 90.5])
    assert where.place_HW2[20, 80] * SIDE == pytest.approx([80.5 - 4, 20.5])
    assert where.seen_HW[90, 80] and where.seen_HW[20, 80]
    # The wall to the left of the square is behind it for the right eye, and nothing is known of the stripe.
    assert not where.seen_HW[60:120, 44:59].any() and not where.seen_HW[:, 150:155].any()


@pytest.fixture
def pair(tmp_path):
    """Two pictures of the layered world, without a hole: what the right eye alone sees is grey."""
    texture, disparity = np.rint(255 * pink_picture()).astype(np.uint8), layered()
    known = np.nan_to_num(disparity, nan=4.0).astype(int)
    right = np.full_like(texture, 128)
    for value in (4, 20):
        row, column = np.nonzero(known == value)
        right[row, np.maximum(column - value, 0)] = texture[row, column]
    paths = tmp_path / "left.png", tmp_path / "right.png", tmp_path / "disparity.npy"
    Image.fromarray(texture).save(paths[0])
    Image.fromarray(right).save(paths[1])
    np.save(paths[2], disparity)
    return paths


def test_a_stereo_photograph_agrees_with_itself(pair):
    recording, pairs = read_pair(*pair)
    assert recording.eye_size == SIZE and len({id(each) for each in recording.views}) == 1
    motion = measure_motion([each.rgb_EHWC for each in recording.views], pairs)
    assert motion.stereo.error < 1e-4 and motion.step is None and not motion.errors
    swapped = measure_motion([each.rgb_EHWC[::-1] for each in recording.views], pairs)
    assert swapped.stereo.error > 0.05
    assert recording.views[0].is_pair, "the program compares the pictures itself"
    both = next(iter(pairs.across.values())).seen_HW
    assert 0.6 < both.mean() < 1


def write_pfm(path, values, big=False):
    data = values[::-1].astype(">f4" if big else "<f4").tobytes()
    path.write_bytes(f"Pf\n{values.shape[1]} {values.shape[0]}\n{1.0 if big else -1.0}\n".encode() + data)


WRITERS = {
    "a.npy": lambda path, values: np.save(path, values),
    "a.npz": lambda path, values: np.savez_compressed(path, values),
    "a.pfm": write_pfm,
    "b.pfm": lambda path, values: write_pfm(path, values, big=True),
    "a.png": lambda path, values: cv2.imwrite(str(path), np.nan_to_num(values * 256).astype(np.uint16)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_disparities_are_read_from_every_kind_of_file(tmp_path, name):
    values = np.array([[1.5, 2.25, np.nan], [30.0, 40.5, 7.75]], np.float32)
    WRITERS[name](tmp_path / name, values)
    np.testing.assert_array_equal(read_disparity(tmp_path / name), values)


def test_zero_negative_and_endless_disparities_are_unknown(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.0, -1.0], [np.inf, 5.0]]))
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.npy"), np.array([[np.nan, np.nan], [np.nan, 5]]))


BROKEN = {
    "text.txt": lambda path: path.write_text("no"),
    "missing.npy": lambda path: None,
    "pickled.npy": lambda path: np.save(path, np.array([{"run": "me"}], object), allow_pickle=True),
    "empty.npz": lambda path: path.write_bytes(b""),
    "two.npz": lambda path: np.savez(path, a=np.ones((2, 2)), b=np.ones((2, 2))),
    "colour.npy": lambda path: np.save(path, np.ones((2, 2, 3))),
    "unknown.npy": lambda path: np.save(path, np.full((2, 2), np.nan)),
    "short.pfm": lambda path: path.write_bytes(b"Pf\n10 10\n-1.0\n\0\0"),
    "colour.pfm": lambda path: path.write_bytes(b"PF\n1 1\n-1.0\n" + bytes(12)),
    "eight_bits.png": lambda path: Image.new("L", (4, 4), 9).save(path),
    "torn.png": lambda path: path.write_bytes(b"\x89PNG"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_disparity_is_refused_in_one_line(tmp_path, name):
    BROKEN[name](tmp_path / name)
    with pytest.raises(InputError, match="disparity") as raised:
        read_disparity(tmp_path / name)
    assert "\n" not in str(raised.value) and name in str(raised.value)


def test_a_pair_of_other_sizes_is_refused(pair, tmp_path):
    np.save(tmp_path / "small.npy", np.ones((10, 10), np.float32))
    with pytest.raises(InputError, match="10x10"):
        read_pair(*pair[:2], tmp_path / "small.npy")


def test_depth_that_is_not_known_is_not_made_up(pair):
    seen = read_pair(*pair)[0].views[0]
    assert isinstance(seen, View)
    with pytest.raises(ValueError, match="no depth"):
        seen.distance(0)
