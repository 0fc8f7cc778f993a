import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.frame import EyeView, HostFrame, Size
from artem_vr.gl.upload import FrameUploader

EYE_SIZE = (64, 72)
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (250, 250, 250)


@pytest.fixture
def uploader(ctx: moderngl.Context) -> FrameUploader:
    return FrameUploader(ctx)


def quarters(size: Size) -> NDArray[np.uint8]:
    """Red, green above blue, white."""
    image = np.empty((size[1], size[0], 3), np.uint8)
    middle_y, middle_x = size[1] // 2, size[0] // 2
    image[:middle_y, :middle_x], image[:middle_y, middle_x:] = RED, GREEN
    image[middle_y:, :middle_x], image[middle_y:, middle_x:] = BLUE, WHITE
    return image


def host_frame(eyes: tuple[EyeView, EyeView], *pictures: NDArray[np.uint8], sequence: int = 5) -> HostFrame:
    return HostFrame(sequence, 2.5, np.stack(pictures), eyes)


def top_row_first(texture: moderngl.Texture) -> NDArray[np.uint8]:
    pixels = np.frombuffer(texture.read(), np.uint8).reshape(texture.height, texture.width, 4)
    return pixels[::-1, :, :3]


@pytest.mark.parametrize("size", [(64, 72), (128, 144), (640, 720), (150, 170), (32, 36), (1000, 1125)])
def test_a_picture_of_the_eyes_shape_fills_it_upright(
    uploader: FrameUploader, eyes: tuple[EyeView, EyeView], size: Size
) -> None:
    pixels = top_row_first(uploader.upload(host_frame(eyes, quarters(size)), EYE_SIZE).color[0])
    for (y, x), color in {(9, 8): RED, (9, 55): GREEN, (62, 8): BLUE, (62, 55): WHITE, (0, 0): RED}.items():
        assert np.abs(pixels[y, x].astype(int) - color).max() <= 1
    assert np.abs(pixels[71, 63].astype(int) - WHITE).max() <= 1


def test_a_wide_picture_stands_whole_on_dark_ground(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    frame = uploader.upload(host_frame(eyes, quarters((320, 180))), EYE_SIZE)
    pixels = top_row_first(frame.color[0])
    assert pixels.shape == (72, 64, 3)
    rows = np.flatnonzero(pixels.max(axis=(1, 2)) > 100)
    assert (rows[0], rows[-1]) == (18, 53)
    assert np.all(pixels[:18] == pixels[0, 0])
    assert pixels[0, 0].max() < 40
    assert np.ptp(pixels[0, 0].astype(int)) == 0


@pytest.mark.parametrize(
    ("size", "content"),
    [((320, 180), (0, 18, 64, 36)), ((90, 360), (23, 0, 18, 72)), ((128, 144), None), ((32, 36), None)],
)
def test_the_frame_says_where_the_picture_stands(
    uploader: FrameUploader, eyes: tuple[EyeView, EyeView], size: Size, content: tuple[int, ...] | None
) -> None:
    frame = uploader.upload(host_frame(eyes, np.full((size[1], size[0], 3), 255, np.uint8)), EYE_SIZE)
    assert frame.content == content
    x, y, width, height = content or (0, 0, *EYE_SIZE)
    bottom_row_first = top_row_first(frame.color[0])[::-1]
    assert bottom_row_first[y : y + height, x : x + width].min() == 255
    assert np.count_nonzero(bottom_row_first[..., 0] == 255) == width * height


def test_a_picture_of_another_shape_leaves_nothing_of_the_last(
    uploader: FrameUploader, eyes: tuple[EyeView, EyeView]
) -> None:
    uploader.upload(host_frame(eyes, quarters(EYE_SIZE)), EYE_SIZE)
    pixels = top_row_first(uploader.upload(host_frame(eyes, quarters((320, 180)), sequence=6), EYE_SIZE).color[0])
    assert pixels[:18].max() < 40
    assert pixels[-18:].max() < 40


def test_a_tall_picture_keeps_its_shape(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    pixels = top_row_first(uploader.upload(host_frame(eyes, quarters((90, 360))), EYE_SIZE).color[0])
    columns = np.flatnonzero(pixels.max(axis=(0, 2)) > 100)
    assert columns[-1] - columns[0] + 1 == 18


def test_shrinking_averages_instead_of_aliasing(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    checks = np.zeros((720, 640, 3), np.uint8)
    checks[::2, 1::2] = checks[1::2, ::2] = 255
    pixels = top_row_first(uploader.upload(host_frame(eyes, checks), EYE_SIZE).color[0])
    assert np.abs(pixels.astype(int) - 127).max() <= 2


def test_each_eye_gets_its_own_picture(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    left, right = np.full((36, 32, 3), RED, np.uint8), np.full((36, 32, 3), BLUE, np.uint8)
    frame = uploader.upload(host_frame(eyes, left, right), EYE_SIZE)
    assert tuple(top_row_first(frame.color[0])[30, 30]) == RED
    assert tuple(top_row_first(frame.color[1])[30, 30]) == BLUE
    assert (frame.sequence, frame.captured_at, frame.eyes) == (5, 2.5, eyes)


def test_two_pictures_go_with_their_frame_and_one_does_not(
    uploader: FrameUploader, eyes: tuple[EyeView, EyeView]
) -> None:
    image = quarters(EYE_SIZE)
    pair = host_frame(eyes, image, image[::-1])
    frame = uploader.upload(pair, EYE_SIZE)
    assert frame.pair_EHWC is pair.rgb_EHWC
    assert frame.depth is None and not frame.has_poses, "nothing is known of how it was taken"
    assert uploader.upload(host_frame(eyes, image, sequence=6), EYE_SIZE).pair_EHWC is None


def test_a_single_picture_is_seen_by_both_eyes(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    frame = uploader.upload(host_frame(eyes, quarters(EYE_SIZE)), EYE_SIZE)
    assert frame.color[0] is frame.color[1]


def test_the_same_frame_is_uploaded_once(
    uploader: FrameUploader, eyes: tuple[EyeView, EyeView], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = host_frame(eyes, quarters(EYE_SIZE))
    first = uploader.upload(frame, EYE_SIZE)
    frame.rgb_EHWC[:] = 0  # would show if it were read again
    assert uploader.upload(frame, EYE_SIZE) is first
    assert tuple(top_row_first(first.color[0])[5, 5]) == RED


def test_a_new_frame_and_a_new_size_are_uploaded(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    frame = host_frame(eyes, quarters(EYE_SIZE))
    first = uploader.upload(frame, EYE_SIZE)
    larger = uploader.upload(frame, (128, 144))
    assert larger is not first
    assert larger.color[0].size == (128, 144)
    stereo = uploader.upload(host_frame(eyes, quarters(EYE_SIZE), quarters(EYE_SIZE)[::-1], sequence=6), (128, 144))
    assert stereo.sequence == 6
    assert np.abs(top_row_first(stereo.color[1])[10, 10].astype(int) - BLUE).max() <= 1


def test_rows_that_are_not_contiguous_are_taken(uploader: FrameUploader, eyes: tuple[EyeView, EyeView]) -> None:
    mirrored = np.stack([quarters(EYE_SIZE)])[:, :, ::-1]
    pixels = top_row_first(uploader.upload(HostFrame(0, 0.0, mirrored, eyes), EYE_SIZE).color[0])
    assert tuple(pixels[5, 5]) == GREEN


def test_closing_twice_is_fine(uploader: FrameUploader, eyes: tuple[EyeView, EyeView], ctx: moderngl.Context) -> None:
    uploader.upload(host_frame(eyes, quarters(EYE_SIZE)), EYE_SIZE)
    assert ctx.error is not None  # reading takes away what an earlier test left
    uploader.close()
    uploader.close()
    assert ctx.error == "GL_NO_ERROR"
