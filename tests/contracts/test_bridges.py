"""One suite over every bridge: what goes in at the upper left comes out at the upper left, of the same eye."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import moderngl
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from artem_vr.bridges.cuda_gl import CudaGlBridge
from artem_vr.bridges.cuda_interop import CudaInterop
from artem_vr.bridges.host import HostBridge
from artem_vr.bridges.interop import HostInterop
from artem_vr.cuda_runtime import load_runtime
from artem_vr.errors import GraphicsError, UsageError
from artem_vr.frame import WHOLE, GlFrame, PaintedFrame, Size, TensorFrame
from artem_vr.ports import Bridge

NET_SIZE = (32, 36)
LEFT_COLORS = [(200, 10, 10), (10, 200, 10), (10, 10, 200), (240, 240, 240)]
RIGHT_COLORS = [(0, 128, 128), (128, 0, 128), (128, 128, 0), (60, 60, 60)]

Open = Callable[[moderngl.Context, Size], Bridge]


def open_cuda_gl(ctx: moderngl.Context, size: Size) -> Bridge:
    """Skips where there is no GPU, or `cuda.bindings` is not installed. Anything else that is refused is a failure."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    try:
        load_runtime()
    except GraphicsError as error:
        pytest.skip(str(error))
    return CudaGlBridge(ctx, size, CudaInterop(torch.cuda.current_device(), lambda event: None))


BRIDGES: dict[str, Open] = {
    "host": lambda ctx, size: HostBridge(ctx, size, asynchronous=False),
    "host-asynchronous": lambda ctx, size: HostBridge(ctx, size, asynchronous=True),
    "cuda-gl-twin": lambda ctx, size: CudaGlBridge(ctx, size, HostInterop()),
    "cuda-gl": open_cuda_gl,
}
PARAMS = [pytest.param(name, marks=[pytest.mark.gpu] if name == "cuda-gl" else []) for name in BRIDGES]


@pytest.fixture(params=PARAMS)
def bridge(request: pytest.FixtureRequest, ctx: moderngl.Context) -> Iterator[Bridge]:
    opened = BRIDGES[request.param](ctx, NET_SIZE)
    yield opened
    opened.close()


def quarters(colors: list[tuple[int, int, int]], size: Size) -> NDArray[np.uint8]:
    """Four colours: upper left, upper right, lower left, lower right."""
    image = np.empty((size[1], size[0], 3), np.uint8)
    half_y, half_x = size[1] // 2, size[0] // 2
    image[:half_y, :half_x], image[:half_y, half_x:] = colors[:2]
    image[half_y:, :half_x], image[half_y:, half_x:] = colors[2:]
    return image


def fetch(bridge: Bridge, frame: GlFrame) -> TensorFrame:
    """The tensor of this very frame: an asynchronous bridge has it within a few calls."""
    for _ in range(4):
        tensor = bridge.to_tensor(frame)
        if tensor is not None and tensor.sequence == frame.sequence:
            return tensor
    raise AssertionError("the frame never came")


def on_host(pixels: Any) -> NDArray[np.uint8]:
    return np.asarray(pixels.cpu() if isinstance(pixels, torch.Tensor) else pixels)


@pytest.mark.parametrize("eye_size", [(32, 36), (64, 72), (64, 74), (160, 180), (200, 220), (16, 18)])
def test_both_eyes_arrive_upright_and_in_their_places(bridge: Bridge, make_gl_frame: Callable, eye_size: Size) -> None:
    frame = make_gl_frame(quarters(LEFT_COLORS, eye_size), quarters(RIGHT_COLORS, eye_size))
    tensor = fetch(bridge, frame)
    pixels_EHWC = on_host(tensor.pixels_EHWC)
    assert pixels_EHWC.shape == (2, 36, 32, 3)
    assert pixels_EHWC.dtype == np.uint8
    for eye, colors in enumerate((LEFT_COLORS, RIGHT_COLORS)):
        for corner, color in zip([(4, 4), (4, -5), (-5, 4), (-5, -5)], colors, strict=True):
            assert np.abs(pixels_EHWC[eye][corner].astype(int) - color).max() <= 1, (eye, corner)


def test_the_frames_number_time_and_poses_travel_along(bridge: Bridge, make_gl_frame: Callable) -> None:
    image = quarters(LEFT_COLORS, NET_SIZE)
    frame = make_gl_frame(image, image, sequence=30)
    tensor = fetch(bridge, frame)
    assert (tensor.sequence, tensor.captured_at, tensor.eyes) == (30, 0.5, frame.eyes)


def test_a_newer_frame_does_not_change_the_pixels_handed_out(bridge: Bridge, make_gl_frame: Callable) -> None:
    dark, light = np.full((36, 32, 3), 20, np.uint8), np.full((36, 32, 3), 200, np.uint8)
    first = fetch(bridge, make_gl_frame(dark, dark, sequence=0))
    second = fetch(bridge, make_gl_frame(light, light, sequence=1))
    assert np.all(on_host(first.pixels_EHWC) == 20)
    assert np.all(on_host(second.pixels_EHWC) == 200)


def test_the_eyes_may_change_their_size(bridge: Bridge, make_gl_frame: Callable) -> None:
    for sequence, size in enumerate([(64, 72), (100, 50), (32, 36), (64, 72)]):
        image = quarters(LEFT_COLORS, size)
        pixels_EHWC = on_host(fetch(bridge, make_gl_frame(image, image, sequence=sequence)).pixels_EHWC)
        assert pixels_EHWC.shape == (2, 36, 32, 3)
        assert np.abs(pixels_EHWC[1, 2, 2].astype(int) - LEFT_COLORS[0]).max() <= 1


def test_shrinking_averages(bridge: Bridge, make_gl_frame: Callable) -> None:
    checks = np.zeros((72, 64, 3), np.uint8)
    checks[::2, 1::2] = checks[1::2, ::2] = 255
    pixels_EHWC = on_host(fetch(bridge, make_gl_frame(checks, checks)).pixels_EHWC)
    assert np.abs(pixels_EHWC.astype(int) - 127).max() <= 1


def test_what_surrounds_the_picture_does_not_come_along(bridge: Bridge, make_gl_frame: Callable) -> None:
    pictures = [np.zeros((72, 64, 3), np.uint8) for _ in range(2)]
    for picture, color in zip(pictures, ((200, 10, 10), (10, 200, 10)), strict=True):
        picture[20:52] = color
    frame = replace(make_gl_frame(*pictures), content=(0, 20, 64, 32))
    left_HWC, right_HWC = on_host(fetch(bridge, frame).pixels_EHWC)
    assert np.all(left_HWC == (200, 10, 10))
    assert np.all(right_HWC == (10, 200, 10))


def painted_frame(bridge: Bridge, make_gl_frame: Callable) -> PaintedFrame:
    source = fetch(bridge, make_gl_frame(quarters(LEFT_COLORS, (64, 72)), quarters(RIGHT_COLORS, (64, 72))))
    return PaintedFrame(source, 255 - source.pixels_EHWC, revision=1)


def texels(texture: moderngl.Texture) -> NDArray[np.uint8]:
    return np.frombuffer(texture.read(), np.uint8).reshape(texture.height, texture.width, 4)


def test_paint_comes_back_bottom_row_first_with_the_left_eye_below(bridge: Bridge, make_gl_frame: Callable) -> None:
    painted = painted_frame(bridge, make_gl_frame)
    paint = bridge.to_texture(painted)
    assert paint.frame is painted
    assert paint.texture.size == (32, 72)
    rgb_HWC = texels(paint.texture)[..., :3]
    expected_EHWC = on_host(painted.painted_EHWC)
    assert np.array_equal(rgb_HWC[:36], expected_EHWC[0, ::-1])
    assert np.array_equal(rgb_HWC[36:], expected_EHWC[1, ::-1])


def test_the_alpha_is_the_luma_of_what_was_painted(bridge: Bridge, make_gl_frame: Callable) -> None:
    painted = painted_frame(bridge, make_gl_frame)
    alpha_HW = texels(bridge.to_texture(painted).texture)[..., 3]
    luma_EHW = on_host(painted.source.pixels_EHWC) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(alpha_HW[:36] - luma_EHW[0, ::-1]).max() <= 1
    assert np.abs(alpha_HW[36:] - luma_EHW[1, ::-1]).max() <= 1


def test_newer_paint_replaces_the_older(bridge: Bridge, make_gl_frame: Callable) -> None:
    painted = painted_frame(bridge, make_gl_frame)
    bridge.to_texture(painted)
    newer = PaintedFrame(painted.source, painted.source.pixels_EHWC, revision=2)
    paint = bridge.to_texture(newer)
    assert paint.frame is newer
    assert np.array_equal(texels(paint.texture)[:36, :, :3], on_host(newer.painted_EHWC)[0, ::-1])


def test_the_networks_size_may_change(bridge: Bridge, make_gl_frame: Callable) -> None:
    image = quarters(LEFT_COLORS, (64, 72))
    bridge.to_tensor(make_gl_frame(image, image, sequence=0))
    for sequence, size in enumerate([(48, 40), (16, 18), NET_SIZE], start=1):
        bridge.resize(size)
        assert bridge.net_size == size
        pixels_EHWC = on_host(fetch(bridge, make_gl_frame(image, image, sequence=sequence)).pixels_EHWC)
        assert pixels_EHWC.shape == (2, size[1], size[0], 3)
        assert np.abs(pixels_EHWC[:, 2, 2].astype(int) - LEFT_COLORS[0]).max() <= 1


def test_paint_of_the_size_before_is_still_shown(bridge: Bridge, make_gl_frame: Callable) -> None:
    older = painted_frame(bridge, make_gl_frame)
    bridge.resize((48, 40))
    newer = painted_frame(bridge, make_gl_frame)
    for painted, size in ((older, (32, 72)), (newer, (48, 80)), (older, (32, 72))):
        texture = bridge.to_texture(painted).texture
        assert texture.size == size
        assert np.array_equal(texels(texture)[: size[1] // 2, :, :3], on_host(painted.painted_EHWC)[0, ::-1])


@pytest.mark.parametrize("views", [(0,), (1,)])
def test_one_eye_alone_may_be_chosen(bridge: Bridge, make_gl_frame: Callable, views: tuple[int, ...]) -> None:
    pictures = quarters(LEFT_COLORS, (64, 72)), quarters(RIGHT_COLORS, (64, 72))
    both = fetch(bridge, make_gl_frame(*pictures, sequence=0))
    bridge.choose(views)
    assert (bridge.views, bridge.net_size) == (views, NET_SIZE)
    alone = fetch(bridge, make_gl_frame(*pictures, sequence=1))
    assert (both.views, alone.views) == ((0, 1), views)
    assert on_host(alone.pixels_EHWC).shape == (1, 36, 32, 3)
    assert np.array_equal(on_host(alone.pixels_EHWC)[0], on_host(both.pixels_EHWC)[views[0]])
    bridge.choose((0, 1))
    assert np.array_equal(
        on_host(fetch(bridge, make_gl_frame(*pictures, sequence=2)).pixels_EHWC), on_host(both.pixels_EHWC)
    )


def test_paint_of_one_eye_comes_back_alone(bridge: Bridge, make_gl_frame: Callable) -> None:
    before = painted_frame(bridge, make_gl_frame)
    bridge.choose((1,))
    alone = painted_frame(bridge, make_gl_frame)
    # Paint of both eyes is still taken, and in turn with the other.
    for painted, rows in ((before, 72), (alone, 36), (before, 72), (alone, 36)):
        paint = bridge.to_texture(painted)
        assert paint.texture.size == (32, rows) and paint.size == NET_SIZE
        assert paint.views == painted.source.views
        expected_EHWC = on_host(painted.painted_EHWC)
        assert np.array_equal(texels(paint.texture)[:36, :, :3], expected_EHWC[0, ::-1])
        luma_HW = on_host(painted.source.pixels_EHWC)[0] @ np.array([0.299, 0.587, 0.114])
        assert np.abs(texels(paint.texture)[:36, :, 3] - luma_HW[::-1]).max() <= 1


def test_windows_show_parts_of_the_eyes_finely(bridge: Bridge, make_gl_frame: Callable) -> None:
    size = NET_SIZE[0] * 4, NET_SIZE[1] * 4
    pictures = [np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8) for seed in (1, 2)]
    windows = (WHOLE, WHOLE, (0.25, 0.5, 0.5, 0.5), (0.0, 0.25, 0.5, 0.5))
    bridge.choose((0, 1, 0, 1), windows)
    tensor = fetch(bridge, make_gl_frame(*pictures, sequence=1))
    assert (tensor.views, tensor.windows, tensor.scales) == ((0, 1, 0, 1), windows, 2)
    half, quarter = size[1] // 2, size[0] // 4
    parts = [
        *pictures,
        pictures[0][:half, quarter : 3 * quarter],
        pictures[1][size[1] // 4 : size[1] * 3 // 4, : size[0] // 2],
    ]
    for got, part in zip(on_host(tensor.pixels_EHWC), parts, strict=True):
        expected = cv2.resize(part, NET_SIZE, interpolation=cv2.INTER_AREA)
        assert np.abs(got.astype(int) - expected).max() <= 1
    moved = (WHOLE, WHOLE, (0.5, 0.0, 0.5, 0.5), (0.5, 0.0, 0.5, 0.5))
    bridge.choose((0, 1, 0, 1), moved)
    after = fetch(bridge, make_gl_frame(*pictures, sequence=2))
    assert after.windows == moved and tensor.windows == windows
    corner = cv2.resize(pictures[0][half:, size[0] // 2 :], NET_SIZE, interpolation=cv2.INTER_AREA)
    assert np.abs(on_host(after.pixels_EHWC)[2].astype(int) - corner).max() <= 1
    bridge.choose((0, 1))
    assert fetch(bridge, make_gl_frame(*pictures, sequence=3)).windows == ()


def test_paint_of_windows_comes_back_in_their_order(bridge: Bridge, make_gl_frame: Callable) -> None:
    bridge.choose((0, 0), (WHOLE, (0.25, 0.25, 0.5, 0.5)))
    painted = painted_frame(bridge, make_gl_frame)
    paint = bridge.to_texture(painted)
    assert (paint.size, paint.scales, paint.views) == (NET_SIZE, 2, (0, 0))
    for place in range(2):
        rows = texels(paint.texture)[36 * place : 36 * (place + 1), :, :3]
        assert np.array_equal(rows, on_host(painted.painted_EHWC)[place, ::-1])


@pytest.mark.parametrize(
    "windows", [(), (WHOLE,), (WHOLE, WHOLE, WHOLE)], ids=["none", "too few for two scales", "not for each picture"]
)
def test_windows_that_do_not_fit_are_refused(bridge: Bridge, windows: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError, match=r"has no eyes|windows: give one for each"):
        bridge.choose((0, 0), windows)
    assert bridge.views == (0, 1)


@pytest.mark.parametrize("views", [(), (1, 0), (2,), (0, 1, 2)])
def test_eyes_that_there_are_not_are_refused_and_change_nothing(
    bridge: Bridge, make_gl_frame: Callable, views: tuple[int, ...]
) -> None:
    with pytest.raises(UsageError, match="has no eyes"):
        bridge.choose(views)
    image = quarters(LEFT_COLORS, NET_SIZE)
    assert on_host(fetch(bridge, make_gl_frame(image, image)).pixels_EHWC).shape == (2, 36, 32, 3)


def test_a_picture_says_whether_its_poses_mean_anything(bridge: Bridge, make_gl_frame: Callable) -> None:
    image = quarters(LEFT_COLORS, NET_SIZE)
    assert not fetch(bridge, make_gl_frame(image, image, sequence=0)).posed
    assert fetch(bridge, replace(make_gl_frame(image, image, sequence=1), posed=True)).posed


def random_frame(make_gl_frame: Callable, sequence: int, size: Size = (70, 90)) -> GlFrame:
    random = np.random.default_rng(sequence)
    left, right = random.integers(0, 256, (2, size[1], size[0], 3), dtype=np.uint8)
    return replace(make_gl_frame(left, right, sequence=sequence), content=(0, 10, 70, 64) if sequence % 2 else None)


def test_every_bridge_gives_the_same_bytes(bridge: Bridge, ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    plain = HostBridge(ctx, NET_SIZE, asynchronous=False)
    for sequence in range(4):
        frame = random_frame(make_gl_frame, sequence)
        source, expected = fetch(bridge, frame), fetch(plain, frame)
        assert np.array_equal(on_host(source.pixels_EHWC), expected.pixels_EHWC)
        paint = PaintedFrame(source, 255 - source.pixels_EHWC // 2, revision=sequence)
        plain_paint = PaintedFrame(expected, 255 - expected.pixels_EHWC // 2, revision=sequence)
        assert np.array_equal(texels(bridge.to_texture(paint).texture), texels(plain.to_texture(plain_paint).texture))
    plain.close()


def test_paint_of_a_bridge_on_the_host_is_taken(bridge: Bridge, ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    """As when one bridge takes the place of another: arrays as they are, read-only ones and flipped ones."""
    plain = HostBridge(ctx, NET_SIZE, asynchronous=False)
    source = fetch(plain, random_frame(make_gl_frame, 5))
    flipped = replace(source, pixels_EHWC=source.pixels_EHWC[:, ::-1])
    read_only = 255 - source.pixels_EHWC
    read_only.setflags(write=False)
    for revision, painted in enumerate([(source, read_only), (flipped, read_only[:, :, ::-1])]):
        paint = PaintedFrame(*painted, revision=revision)
        assert np.array_equal(texels(bridge.to_texture(paint).texture), texels(plain.to_texture(paint).texture))
    plain.close()


@pytest.mark.parametrize("size", [(0, 32), (32, 0)])
def test_a_size_without_pixels_is_refused_and_changes_nothing(
    bridge: Bridge, make_gl_frame: Callable, size: Size
) -> None:
    with pytest.raises(UsageError, match="holds no picture"):
        bridge.resize(size)
    image = quarters(LEFT_COLORS, NET_SIZE)
    assert on_host(fetch(bridge, make_gl_frame(image, image)).pixels_EHWC).shape == (2, 36, 32, 3)


@pytest.mark.parametrize("name", PARAMS)
def test_closing_twice_is_fine_whatever_is_under_way(name: str, ctx: moderngl.Context, make_gl_frame: Callable) -> None:
    bridge = BRIDGES[name](ctx, NET_SIZE)
    image = quarters(LEFT_COLORS, NET_SIZE)
    bridge.to_tensor(make_gl_frame(image, image))
    assert ctx.error is not None  # reading takes away what an earlier test left
    bridge.close()
    bridge.close()
    assert ctx.error == "GL_NO_ERROR"
