from pathlib import Path

import moderngl
import pytest

from artem_vr import resources
from artem_vr.carried_paint import CARRIED
from artem_vr.errors import GraphicsError
from artem_vr.gl.program import ShaderSource, load_program
from artem_vr.paint_depth import SLACK
from artem_vr.paint_history import SETTLED

VERTEX = "#version 330\nvoid main() { gl_Position = vec4(0.0); }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resources, "shaders", lambda: tmp_path)
    (tmp_path / "include").mkdir()
    (tmp_path / "v.vert").write_text(VERTEX)
    return tmp_path


def test_every_shipped_fragment_shader_builds(ctx: moderngl.Context) -> None:
    defines = {"TAPS_X": 2, "TAPS_Y": 1, "SPATIAL_SIGMA": 0.6, "RANGE_SIGMA": 0.03, "RANGE_FLOOR": 1e-4, **SLACK}
    names = [
        "area.frag", "blit.frag", "bilinear.frag", "decode.frag", "depth.frag", "joint.frag", "joint_fast.frag",
        "overlay.frag", "paint_depth.frag", "depth_blocks.frag", "panel.frag", "surround.frag",
    ]  # fmt: skip
    for name in names:
        load_program(ctx, "fullscreen.vert", name, defines).release()
    load_program(ctx, "world_screen.vert", "world_screen.frag").release()
    for name, more in (("carried.frag", CARRIED), ("settle.frag", SETTLED)):
        for depth in ({}, {"DEPTH": 1}):
            load_program(ctx, "fullscreen.vert", name, {**defines, **more, **depth}).release()
    shipped = {path.name for path in resources.shaders().glob("*.frag") if not path.name.startswith("courtyard")}
    assert shipped == {*names, "world_screen.frag", "carried.frag", "settle.frag"}


def test_defines_follow_the_version_line(folder: Path) -> None:
    source = ShaderSource.read(folder / "v.vert", {"COUNT": 3})
    assert source.text.splitlines()[:2] == ["#version 330", "#define COUNT 3"]


def test_an_error_in_an_include_names_its_file_and_line(ctx: moderngl.Context, folder: Path) -> None:
    (folder / "include" / "a.glsl").write_text("// fine\nfloat broken( { }\n")
    (folder / "f.frag").write_text('#version 330\n#include "a.glsl"\nout vec4 color;\nvoid main() {}\n')
    with pytest.raises(GraphicsError, match=r"a\.glsl:2"):
        load_program(ctx, "v.vert", "f.frag")


def test_an_error_after_an_include_names_the_outer_file_and_line(ctx: moderngl.Context, folder: Path) -> None:
    (folder / "include" / "a.glsl").write_text("const float A = 1.0;\nconst float B = 2.0;\n")
    (folder / "f.frag").write_text('#version 330\n#include "a.glsl"\nout vec4 color;\nvoid main() { color = nope; }\n')
    with pytest.raises(GraphicsError, match=r"f\.frag:4") as caught:
        load_program(ctx, "v.vert", "f.frag", {"COUNT": 3})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("style", ["0:2(5): error: bad", "0(2) : error C0000: bad", "ERROR: 0:2: bad"])
def test_the_messages_of_other_drivers_get_names_too(folder: Path, style: str) -> None:
    source = ShaderSource.read(folder / "v.vert", {})
    assert "v.vert:2" in source.name_lines(style)


def test_a_missing_file_is_named(ctx: moderngl.Context, folder: Path) -> None:
    with pytest.raises(GraphicsError, match=r"gone\.frag is missing"):
        load_program(ctx, "v.vert", "gone.frag")


def test_a_circle_of_includes_is_named(ctx: moderngl.Context, folder: Path) -> None:
    (folder / "include" / "a.glsl").write_text('#include "b.glsl"\n')
    (folder / "include" / "b.glsl").write_text('#include "a.glsl"\n')
    (folder / "f.frag").write_text('#version 330\n#include "a.glsl"\nvoid main() {}\n')
    with pytest.raises(GraphicsError, match=r"includes itself: f\.frag -> a\.glsl -> b\.glsl -> a\.glsl"):
        load_program(ctx, "v.vert", "f.frag")


def test_a_shader_without_a_version_is_refused(ctx: moderngl.Context, folder: Path) -> None:
    (folder / "f.frag").write_text("void main() {}\n")
    with pytest.raises(GraphicsError, match="first line"):
        load_program(ctx, "v.vert", "f.frag")
