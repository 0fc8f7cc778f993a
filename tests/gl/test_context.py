import moderngl
import pytest

from artem_vr.errors import GraphicsError
from artem_vr.gl import context


def test_the_headless_context_draws(ctx: moderngl.Context) -> None:
    framebuffer = ctx.simple_framebuffer((2, 2))
    framebuffer.clear(1.0, 0.0, 0.0)
    assert framebuffer.read(components=3) == b"\xff\x00\x00" * 4
    framebuffer.release()


@pytest.mark.parametrize(
    ("name", "software"),
    [("llvmpipe (LLVM 15.0.6, 256 bits)", True), ("softpipe", True), ("NVIDIA GeForce RTX 3060/PCIe/SSE2", False)],
)
def test_software_renderers_are_known_by_name(monkeypatch: pytest.MonkeyPatch, name: str, software: bool) -> None:
    monkeypatch.setattr(context, "renderer", lambda ctx: name)
    assert context.is_software(None) is software  # type: ignore[arg-type]


def test_no_opengl_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise Exception("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(GraphicsError, match=r"libEGL\.so not loaded.*libegl1") as caught:
        context.create_headless_context()
    assert "\n" not in str(caught.value)
