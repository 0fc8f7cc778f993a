"""What many tests need: an OpenGL context, and frames in it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator

import moderngl
import numpy as np
import pytest
from command_line import CommandLine
from kept_courtyard import keep_courtyard
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.errors import GraphicsError
from artem_vr.frame import EyeView, GlFrame
from artem_vr.gl.context import create_headless_context

MakeGlFrame = Callable[..., GlFrame]

# Whatever styles whoever runs the tests has added to the shipped bank, the tests and their processes see it as it is.
os.environ["ARTEM_VR_STYLES"] = os.devnull
# Graphs that were kept by another run would hide a conversion that has broken; those of this run save minutes.
_kept = tempfile.TemporaryDirectory(prefix="artem-vr-tests-", ignore_cleanup_errors=True)
os.environ["ARTEM_VR_CACHE"] = _kept.name


@pytest.fixture(scope="session", autouse=True)
def _one_courtyard() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        keep_courtyard(patch)
        yield


@pytest.fixture(scope="session")
def shared_ctx() -> Iterator[moderngl.Context]:
    try:
        context = create_headless_context()
    except GraphicsError as error:
        pytest.skip(f"no OpenGL: {error}")
    yield context
    context.release()


@pytest.fixture
def ctx(shared_ctx: moderngl.Context) -> moderngl.Context:
    """A headless context, current also when the test before opened one of its own."""
    shared_ctx.__enter__()
    return shared_ctx


@pytest.fixture
def eyes() -> tuple[EyeView, EyeView]:
    return stereo_views(Pose((0.0, 1.6, 0.0)), (64, 64))


@pytest.fixture
def make_gl_frame(ctx: moderngl.Context, eyes: tuple[EyeView, EyeView]) -> Iterator[MakeGlFrame]:
    """Makes a `GlFrame` of two uint8 RGB pictures, top row first."""
    textures: list[moderngl.Texture] = []

    def texture(rgb_HWC: NDArray[np.uint8]) -> moderngl.Texture:
        size = rgb_HWC.shape[1], rgb_HWC.shape[0]
        textures.append(ctx.texture(size, 3, rgb_HWC[::-1].tobytes(), alignment=1))
        return textures[-1]

    def make(left_HWC: NDArray[np.uint8], right_HWC: NDArray[np.uint8], sequence: int = 0) -> GlFrame:
        return GlFrame(sequence, sequence / 60, (texture(left_HWC), texture(right_HWC)), eyes)

    yield make
    for item in textures:
        item.release()


@pytest.fixture(scope="session")
def private_screen() -> Iterator[str]:
    """The name of an X display of our own, without a window manager."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed (Debian: apt install xvfb)")
    reading, writing = os.pipe()
    options = ["-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
    process = subprocess.Popen([server, *options], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    if not number:
        process.wait()
        pytest.skip("Xvfb does not start on this machine")
    yield f":{number}"
    process.terminate()
    process.wait()


@pytest.fixture
def command_line(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """Runs `artem-vr` in this process."""
    return CommandLine(capfd)


@pytest.fixture
def screen(private_screen: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, and windows opened in the test go there."""
    monkeypatch.setenv("DISPLAY", private_screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return private_screen
