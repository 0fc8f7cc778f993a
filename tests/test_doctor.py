"""The doctor: its probes on this machine and on pretended ones, and that none of them can make it fall over."""

import io
import json
import subprocess
import sys

import moderngl
import pytest
import torch
from fake_cuda import FakeRuntime
from rich.console import Console

from artem_vr import cuda_runtime, doctor, openxr_manifest, resources
from artem_vr.doctor import Finding, inspect_machine, render, to_json
from artem_vr.errors import ModelError
from artem_vr.machine import processor
from artem_vr.styles import StyleBank


def run_probe(area: str) -> list[Finding]:
    return inspect_machine([(name, probe) for name, probe in doctor.PROBES if name == area])


def test_every_area_reports_and_the_report_is_json():
    findings = inspect_machine()
    areas = {finding.area for finding in findings}
    assert {"Python", "processor", "engine", "OpenGL", "screen", "OpenXR", "camera", "video", "model"} <= areas
    rows = json.loads(json.dumps(to_json(findings)))
    assert [row["detail"] for row in rows] == [finding.detail for finding in findings]
    assert all(finding.detail and "\n" not in finding.advice for finding in findings)


def test_a_probe_that_falls_over_becomes_a_finding_with_advice():
    def broken() -> list[Finding]:
        raise OSError("the libEGL.so.1 is\n not there")

    [needed, optional] = inspect_machine([("OpenGL", broken), ("camera", broken)])
    assert (needed.status, optional.status) == ("missing", "warning")
    assert needed.detail == "OSError: the libEGL.so.1 is not there"
    assert needed.advice == doctor._ADVICE["OpenGL"]
    assert optional.advice


def test_without_a_gpu_nothing_is_said_of_interop(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_probe("interop") == []


def test_missing_bindings_are_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    [finding] = run_probe("interop")
    assert (finding.area, finding.status) == ("GPU", "warning")
    assert "cuda.bindings.runtime cannot be imported" in finding.detail
    assert finding.advice == 'python -m pip install "cuda-bindings==13.*"'


def test_opengl_on_the_gpu_of_cuda_is_found_and_on_another_one_is_a_warning(monkeypatch, ctx):
    runtime = FakeRuntime(ctx, [])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_runtime, "load_runtime", lambda: runtime)
    [finding] = run_probe("interop")
    assert (finding.status, finding.detail) == ("ok", "OpenGL draws on cuda:0: pixels can stay there")
    runtime.fails = {"get devices"}
    [finding] = run_probe("interop")
    assert finding.status == "warning"
    assert "cudaErrorUnknown" in finding.detail
    assert finding.advice.startswith("update the NVIDIA driver")


def test_no_opengl_names_the_packages(monkeypatch):
    def refuse(**_options):
        raise RuntimeError("eglInitialize failed")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    monkeypatch.setattr(sys, "platform", "linux")
    [finding] = run_probe("OpenGL")
    assert finding.status == "missing"
    assert finding.detail == "OpenGL 3.3 is not available: eglInitialize failed"
    assert finding.advice == doctor._ADVICE["OpenGL"]


def test_a_missing_package_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    [finding] = run_probe("engine openvino")
    assert finding.status == "missing"
    assert "openvino" in finding.advice


def test_a_missing_model_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "models", lambda: tmp_path)
    with pytest.raises(ModelError):
        StyleBank.load()
    [finding] = run_probe("model")
    assert finding.status == "missing"
    assert str(tmp_path) in finding.detail


def test_without_a_screen_headless_is_advised(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    [finding] = run_probe("screen")
    assert finding.status == "warning"
    assert "--headless" in finding.advice


def test_a_display_that_is_not_there_is_a_warning_without_noise(monkeypatch, recwarn):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    [finding] = run_probe("screen")
    assert finding.status == "warning"
    assert not [warning for warning in recwarn if "GLFW" in str(warning.message)]


@pytest.fixture
def cameras(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(doctor, "_VIDEO4LINUX", tmp_path / "sys")
    monkeypatch.setattr(doctor, "_DEVICES", tmp_path)
    (tmp_path / "sys").mkdir()
    for name, title in (("video10", "Stereo camera"), ("video2", "Webcam")):
        (tmp_path / "sys" / name).mkdir()
        (tmp_path / "sys" / name / "name").write_text(title + "\n")
    (tmp_path / "video2").touch()
    return tmp_path


def test_cameras_are_listed_by_number_with_their_names(cameras):
    webcam, stereo = run_probe("camera")
    assert (webcam.name, webcam.status) == ("webcam:2", "ok")
    assert "Webcam" in webcam.detail
    assert stereo.name == "webcam:10"


def test_a_camera_that_may_not_be_opened_is_a_matter_of_the_video_group(cameras):
    stereo = run_probe("camera")[1]
    assert stereo.status == "warning"
    assert "video" in stereo.advice


def test_no_camera_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(doctor, "_VIDEO4LINUX", tmp_path / "absent")
    assert [finding.status for finding in run_probe("camera")] == ["warning"]


@pytest.fixture
def openxr(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XR_RUNTIME_JSON", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    return tmp_path


def write_manifest(path, library="libruntime.so", name="Simulated"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"file_format_version": "1.0.0", "runtime": {"name": name, "library_path": library}}))
    return path


def test_the_persons_runtime_comes_before_the_systems_and_the_variable_before_both(openxr, monkeypatch):
    system = write_manifest(openxr / "system/openxr/1/active_runtime.json")
    assert openxr_manifest.active_runtime() == system
    own = write_manifest(openxr / "home/openxr/1/active_runtime.json")
    assert openxr_manifest.active_runtime() == own
    monkeypatch.setenv("XR_RUNTIME_JSON", str(openxr / "elsewhere.json"))
    assert openxr_manifest.active_runtime() == openxr / "elsewhere.json"


def test_a_runtime_is_reported_by_name(openxr):
    write_manifest(openxr / "home/openxr/1/active_runtime.json", name="Simulated headset")
    runtime, headset = run_probe("OpenXR")
    assert runtime.status == "ok"
    assert "Simulated headset" in runtime.detail
    # Its library is none, so nothing can be asked of it.
    assert headset.status == "warning"
    assert "cannot be loaded" in headset.detail
    assert headset.advice


def test_a_runtime_whose_library_is_gone_is_a_warning(openxr):
    write_manifest(openxr / "home/openxr/1/active_runtime.json", library="../gone/libruntime.so")
    [finding] = run_probe("OpenXR")
    assert finding.status == "warning"
    assert "../gone/libruntime.so" in finding.detail


@pytest.mark.parametrize("text", ["not json", "[]", '{"runtime": {}}'])
def test_a_broken_manifest_is_a_warning_that_names_it(openxr, text):
    path = write_manifest(openxr / "home/openxr/1/active_runtime.json")
    path.write_text(text)
    [finding] = run_probe("OpenXR")
    assert finding.status == "warning"
    assert str(path) in finding.detail


def test_people_see_the_advice_and_how_many_things_are_missing():
    text = io.StringIO()
    console = Console(file=text, width=100)
    render([Finding("video", "H.264", "missing", "no [encoder]", "install av")], console)
    assert "no [encoder]" in text.getvalue()
    assert "> install av" in text.getvalue()
    assert "1 of 1 things are missing" in text.getvalue()
    render([Finding("screen", "display", "warning", "none", "start a desktop")], console)
    assert "Everything that the desktop preview needs is here." not in text.getvalue()
    assert "headless preview needs is missing" in text.getvalue()
    render([Finding("video", "H.264", "ok", "here")], console)
    assert "Everything that the desktop preview needs is here." in text.getvalue()


def test_the_processor_is_read_from_linuxs_table(tmp_path):
    table = tmp_path / "cpuinfo"
    table.write_text("processor\t: 0\nmodel name\t: Imagined 9000\nflags\t\t: fpu avx2 avx512_bf16\n\nprocessor\t: 1\n")
    here = processor(table)
    assert here.name == "Imagined 9000"
    assert here.instruction_sets == {"fpu", "avx2", "avx512_bf16"}
    assert processor(tmp_path / "absent").instruction_sets == frozenset()


def test_importing_the_doctor_is_quick_because_nothing_heavy_comes_along():
    heavy = ("torch", "openvino", "cv2", "av", "glfw")
    code = f"import sys, artem_vr.doctor; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
