"""Which runtime the OpenXR tests take, how programs are started with it, and that one run waits for another."""

from pathlib import Path

import pytest
from launch import python_with_runtime, sole_use
from monado import FOLDER_VARIABLE, NoRuntimeError, find_runtime

MANIFEST = '{"file_format_version": "1.0.0", "runtime": {"name": "Monado", "library_path": "libopenxr_monado.so"}}'


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with no runtime at all, whose person's home is `home`."""
    for name in (FOLDER_VARIABLE, "XR_RUNTIME_JSON", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, str(tmp_path / "home" / "config"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'usr' / 'bin'}:/bin")


def unpack(folder: Path) -> Path:
    """A folder as scripts/fetch-openxr-runtime.sh makes it."""
    make_monado(folder / "root" / "usr", "25.0.0")
    return folder


def make_monado(usr: Path, version: str, manifest: str = MANIFEST) -> None:
    service = usr / "bin" / "monado-service"
    service.parent.mkdir(parents=True)
    service.write_text(
        f"#!/bin/sh\necho \"INFO [main] Monado(XRT) by Collabora et al '{version}' starting up...\" >&2\n"
    )
    service.chmod(0o755)
    if manifest:
        path = usr / "share" / "openxr" / "1" / "openxr_monado.json"
        path.parent.mkdir(parents=True)
        path.write_text(manifest)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoRuntimeError, match=r"^monado-service is not installed; .*/artem-vr/openxr holds none$"):
        find_runtime()


def test_the_fetched_runtime_runs_on_its_own_libraries(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "home" / "cache" / "artem-vr" / "openxr")
    runtime = find_runtime()
    assert runtime.unpacked == folder / "root"
    assert runtime.prefix[0].startswith(str(folder)) and runtime.prefix[0].endswith("/ld-linux-x86-64.so.2")
    assert runtime.service_command[-1] == str(runtime.service)
    assert "LD_LIBRARY_PATH" not in runtime.environment(None, tmp_path)
    assert runtime.client_environment(tmp_path)[FOLDER_VARIABLE] == str(folder)


def test_the_systems_own_runtime_is_preferred_and_a_named_one_to_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(tmp_path / "home" / "cache" / "artem-vr" / "openxr")
    make_monado(tmp_path / "usr", "25.1.0")
    runtime = find_runtime()
    assert (runtime.service, runtime.unpacked) == (tmp_path / "usr/bin/monado-service", None)
    assert len(runtime.prefix) == len(runtime.service_command) == 1
    named = unpack(tmp_path / "named")
    monkeypatch.setenv(FOLDER_VARIABLE, str(named))
    assert find_runtime().unpacked == named / "root"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(NoRuntimeError, match="nowhere holds none"):
        find_runtime()


@pytest.mark.parametrize(
    ("version", "manifest", "why"),
    [
        ("21.0.0", MANIFEST, "is older than Monado 25"),
        ("25.0.0", "", "has no manifest"),
        ("25.0.0", "{", "no manifest"),
    ],
)
def test_a_system_runtime_that_will_not_do_is_passed_over(
    tmp_path: Path, version: str, manifest: str, why: str
) -> None:
    make_monado(tmp_path / "usr", version, manifest)
    with pytest.raises(NoRuntimeError, match=why):
        find_runtime()
    folder = unpack(tmp_path / "home" / "cache" / "artem-vr" / "openxr")
    assert find_runtime().unpacked == folder / "root"


def test_the_service_is_told_where_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":5")
    monkeypatch.setenv(FOLDER_VARIABLE, str(unpack(tmp_path / "named")))
    runtime = find_runtime()
    nowhere, somewhere = (runtime.environment(window, tmp_path) for window in (None, ":6"))
    assert "DISPLAY" not in nowhere and nowhere["XRT_COMPOSITOR_NULL"] == "1"
    assert somewhere["DISPLAY"] == ":6" and "XRT_COMPOSITOR_NULL" not in somewhere
    assert runtime.client_environment(tmp_path)["DISPLAY"] == ":5"


def test_the_home_goes_with_the_python_that_lived_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(unpack(tmp_path / "named")))
    with python_with_runtime(print, tmp_path / "lock") as interpreter:
        home = Path(interpreter.environment["HOME"])
        assert home.is_dir()
    assert not home.exists()


def test_a_second_run_waits_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        sole_use(said.append, tmp_path / "lock"),
        pytest.raises(TimeoutError, match="have run on this machine"),
        sole_use(said.append, tmp_path / "lock", patience=0.1),
    ):
        pass
    assert said == ["Other OpenXR tests run on this machine: waiting for them, up to 0 s"]
    with sole_use(said.append, tmp_path / "lock"):
        assert len(said) == 1
