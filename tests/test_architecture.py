"""Reads the imports of the whole program and holds the design's rules about who may know whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400
BACKENDS = {"sources", "engines", "bridges", "displays"}


@dataclass(frozen=True)
class Import:
    """One import: of what module, in which module, and whether it is run when that module is imported."""

    module: str
    target: str
    at_import: bool

    def __str__(self) -> str:
        return f"{self.module} imports {self.target}"

    def reaches(self, package: str) -> bool:
        return self.target == package or self.target.startswith(package + ".")


def _python_files() -> list[Path]:
    return sorted(path for folder in ("artem_vr", "trainer") for path in (ROOT / folder).rglob("*.py"))


def _module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = path.relative_to(ROOT).parts[: len(path.relative_to(ROOT).parts) - node.level] if node.level else ()
        base = ".".join([*package, *([node.module] if node.module else [])])
        # `from artem_vr.engines import torch` imports a module too: both names count.
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _imports(path: Path) -> list[Import]:
    found: list[Import] = []

    def visit(node: ast.AST, at_import: bool) -> None:
        found.extend(Import(_module_name(path), target, at_import) for target in _targets(node, path))
        lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _is_type_checking(node)
        for child in ast.iter_child_nodes(node):
            visit(child, at_import and not lazy)

    visit(ast.parse(path.read_text(encoding="utf-8")), True)
    return found


IMPORTS = [item for path in _python_files() for item in _imports(path)]


def _layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "artem_vr" and len(parts) > 2 else ""


def _concrete(target: str) -> str:
    """The port that a module is a backend of: `sources` for artem_vr.sources.video, else nothing."""
    layer = _layer(target)
    return layer if layer in BACKENDS else ""


def offenders(imports: list[Import]) -> str:
    return "; ".join(sorted({str(item) for item in imports}))


def test_the_reader_reads() -> None:
    """Were the imports not found, every rule below would hold."""
    assert len(IMPORTS) > 300
    assert Import("artem_vr.stylizer", "artem_vr.ports.Engine", True) in IMPORTS
    assert any(item.module == "artem_vr.cli" and item.reaches("trainer") and not item.at_import for item in IMPORTS)


def test_the_program_calls_the_trainer_only_from_its_commands() -> None:
    commands = {"artem_vr.cli", "artem_vr.style_commands"}
    wrong = [
        item
        for item in IMPORTS
        if item.module.startswith("artem_vr")
        and item.reaches("trainer")
        and (item.at_import or item.module not in commands)
    ]
    assert not wrong, offenders(wrong)


def test_the_trainer_knows_only_networks_styles_and_errors() -> None:
    """And, for its table of networks, what times a finished one as the program runs it.

    For int8 it calibrates the graph that the engine will round, and rounds by the engine's rule. trainer.comfort looks
    at a finished network through the whole program, and scene_pairs draws the built-in scene.
    """
    allowed = (
        "artem_vr.nets",
        "artem_vr.engines.loading",
        "artem_vr.engines.bytes_network",
        "artem_vr.engines.onnx_graph",
        "artem_vr.styles",
        "artem_vr.added_styles",
        "artem_vr.cache_folder",
        "artem_vr.errors",
    )
    timing = ("artem_vr.bench", "artem_vr.engines.openvino")
    timed = {"trainer.network_table", "trainer.calibration"}
    calibrating = ("artem_vr.engines.conversion", "artem_vr.engines.int8")
    drawing = ("artem_vr.app", "artem_vr.camera", "artem_vr.frame", "artem_vr.gl.context", "artem_vr.reprojection")
    wrong = [
        item
        for item in IMPORTS
        if item.module.startswith("trainer")
        and not item.module.startswith("trainer.comfort.")
        and item.reaches("artem_vr")
        and not any(item.reaches(name) for name in allowed)
        and not (item.module in timed and any(item.reaches(name) for name in timing))
        and not (item.module == "trainer.quantization" and any(item.reaches(name) for name in calibrating))
        and not (item.module == "trainer.data.scene_pairs" and any(item.reaches(name) for name in drawing))
    ]
    assert not wrong, offenders(wrong)


def test_only_the_composition_root_names_backends() -> None:
    """Besides app.py, the bench and the doctor's probes may name engines, for they measure or list every one of them.

    The trainer reads finished networks with what engines read them with, exports what they run, and times them.
    """
    allowed = {
        "artem_vr.app": BACKENDS,
        "artem_vr.bench": {"engines"},
        "artem_vr.engine_probes": {"engines"},
        "artem_vr.picture_styles": {"engines"},  # what a network makes of a picture is that picture's style
        "trainer.trained": {"engines"},
        "trainer.onnx_export": {"engines"},
        "trainer.pruning": {"engines"},
        "trainer.quantization": {"engines"},
        "trainer.calibration": {"engines"},
        "trainer.network_table": {"engines"},
        "trainer.comfort.scene": {"sources"},
        "trainer.comfort.showing": {"displays"},
    }
    wrong = [
        item
        for item in IMPORTS
        if (port := _concrete(item.target))
        and _layer(item.module) != port
        and port not in allowed.get(item.module, set())
    ]
    assert not wrong, offenders(wrong)


@pytest.mark.parametrize("layer", sorted(BACKENDS))
def test_the_backends_of_one_port_do_not_know_those_of_another(layer: str) -> None:
    others = BACKENDS - {layer}
    wrong = [item for item in IMPORTS if _layer(item.module) == layer and _concrete(item.target) in others]
    assert not wrong, offenders(wrong)


@pytest.mark.parametrize("layer", ["gl", "media", "nets", *sorted(BACKENDS)])
def test_what_is_below_does_not_know_what_is_above(layer: str) -> None:
    above = ("artem_vr.app", "artem_vr.cli", "artem_vr.pipeline", "artem_vr.demo", "artem_vr.offline")
    wrong = [item for item in IMPORTS if _layer(item.module) == layer and any(item.reaches(name) for name in above)]
    assert not wrong, offenders(wrong)


def test_the_networks_need_nothing_of_the_program_but_its_errors() -> None:
    wrong = [
        item
        for item in IMPORTS
        if _layer(item.module) == "nets"
        and item.reaches("artem_vr")
        and not item.reaches("artem_vr.nets")
        and not item.reaches("artem_vr.errors")
        and item.target != "artem_vr"
    ]
    assert not wrong, offenders(wrong)


@pytest.mark.parametrize(
    ("module", "too_slow"),
    [
        ("artem_vr.cli", ("torch", "openvino", "moderngl", "cv2", "numpy", "av", "PIL", "pydantic", "rich.progress")),
        ("artem_vr.errors", ("typer", "numpy", "torch")),
        ("artem_vr.added_styles", ("torch", "openvino", "moderngl", "cv2")),
        ("artem_vr.styles", ("torch", "openvino", "moderngl", "cv2")),
    ],
)
def test_importing_is_cheap(module: str, too_slow: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*(name for name in {too_slow} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def _files_of_the_tree() -> list[Path]:
    folders = ("artem_vr", "trainer", "tests", "benchmarks")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in _files_of_the_tree()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "wrapper", "tools"}
    assert not [str(path) for path in _files_of_the_tree() if drawers & {path.stem, path.parent.name}]


def test_nothing_unpickles() -> None:
    loaders = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
    wrong = [item for item in IMPORTS if item.target.split(".")[0] in loaders]
    assert not wrong, offenders(wrong)
    for path in _python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                call = ast.unparse(node.func)
                assert call not in {"torch.load", "torch.jit.load", "torch.hub.load"}, f"{path}:{node.lineno}"
                for keyword in node.keywords:
                    if keyword.arg == "allow_pickle":
                        assert ast.unparse(keyword.value) == "False", f"{path}:{node.lineno}"


def test_no_assert_checks_input() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _python_files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert not wrong
