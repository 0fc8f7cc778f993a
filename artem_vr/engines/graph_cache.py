"""Keeps engines' graphs from one start to the next, so that a start needs neither torch nor a conversion.

What is kept is the runtime's own format in the user's cache folder: for OpenVINO an XML file and the weights beside
it, for ONNX Runtime one file. Anything that is wrong with it only means that the graph is made again.
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artem_vr import nets
from artem_vr.cache_folder import cache_folder
from artem_vr.errors import InputError
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    import openvino as ov

KEPT = 24
"""How many graphs are kept, the newest ones: some two megabytes each."""
_SOURCES = (
    "engines/bytes_network.py",
    "engines/compact_bytes.py",
    "engines/conversion.py",
    "engines/int8.py",
    "engines/onnx_graph.py",
)
_LAST_FILES = (".xml", ".onnx")
"""The file of a graph that is written last, and says by being there that the graph is."""
_log = logging.getLogger(__name__)


class _GraphFolder:
    """The graphs of one bank's network in one runtime, by the shape of the batch.

    They belong to the weights, to this program's code that makes graphs, and to `marks`: the runtime, its version, and
    all that tells them from others of this network.
    """

    def __init__(self, bank: StyleBank, marks: list[str], suffixes: tuple[str, ...]) -> None:
        parts = [bank.fingerprint, *marks, _code()]
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        self._suffixes = suffixes
        try:
            self._folder: Path | None = cache_folder() / "graphs" / name
        except InputError:
            self._folder = None

    @property
    def is_known(self) -> bool:
        """True when a graph of this network has been made before: its weights fit then."""
        return self._folder is not None and any(self._folder.glob(f"*{self._suffixes[-1]}"))

    def _read(self, read: Callable[[Path], Any], shape: tuple[int, ...]) -> Any:
        """What `read` makes of the file for a batch of that shape; None where there is none, or none of use."""
        path = self._path(shape)
        if path is None or not path.is_file():
            return None
        try:
            graph = read(path)
            path.touch()  # the last used is the last to go
            return graph
        except (OSError, RuntimeError) as error:
            _log.debug("the graph %s is of no use: %s", path, error)
            return None

    def _write(self, write: Callable[[Path], None], shape: tuple[int, ...]) -> None:
        """Keeps what `write` writes for a batch of that shape, if the folder can be written."""
        path = self._path(shape)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                made = Path(folder) / path.name
                write(made)
                for suffix in self._suffixes:
                    made.with_suffix(suffix).replace(path.with_suffix(suffix))
            _forget_old(path.parent.parent)
        except (OSError, RuntimeError) as error:
            _log.debug("the graph %s is not kept: %s", path, error)

    def _path(self, shape: tuple[int, ...]) -> Path | None:
        return None if self._folder is None else self._folder / f"{'x'.join(map(str, shape))}{self._suffixes[-1]}"


class GraphCache(_GraphFolder):
    """OpenVINO's graphs of one bank's network; those rounded to int8, and those of a `variant`, apart from others."""

    def __init__(self, bank: StyleBank, is_int8: bool, variant: str = "") -> None:
        import openvino as ov

        ranges = sorted(bank.ranges.items()) if is_int8 else None
        super().__init__(bank, [ov.__version__, json.dumps(ranges), variant], (".bin", ".xml"))

    def load(self, core: "ov.Core", shape: tuple[int, ...]) -> Any:
        """The graph for a batch of that shape; None where there is none, or none of use."""

        def read(path: Path) -> Any:
            model = core.read_model(path)
            if [tuple(port.shape) for port in model.inputs][:1] != [shape]:
                raise RuntimeError("it is for another shape")
            return model

        return self._read(read, shape)

    def keep(self, model: Any, shape: tuple[int, ...]) -> None:
        """Keeps the graph for a batch of that shape, if the folder can be written."""
        import openvino as ov

        # Full weights, so that a kept graph computes what a new one does.
        self._write(lambda path: ov.save_model(model, path, compress_to_fp16=False), shape)


class OnnxGraphCache(_GraphFolder):
    """ONNX graphs of one bank's network; `variant` names the runtime's version and all that tells them apart."""

    def __init__(self, bank: StyleBank, variant: str) -> None:
        super().__init__(bank, ["onnx", variant], (".onnx",))

    def load(self, shape: tuple[int, ...]) -> bytes | None:
        """The file for a batch of that shape; None where there is none. Whoever opens it sees whether it is of use."""
        data: bytes | None = self._read(Path.read_bytes, shape)
        return data

    def keep(self, graph: bytes, shape: tuple[int, ...]) -> None:
        """Keeps the graph for a batch of that shape, if the folder can be written."""

        def write(path: Path) -> None:
            path.write_bytes(graph)

        self._write(write, shape)


def _code() -> str:
    """What tells this version of the code that makes graphs from any other."""
    package = Path(nets.__file__).parent.parent
    digest = hashlib.sha256()
    for path in [*sorted((package / "nets").glob("*.py")), *(package / name for name in _SOURCES)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _forget_old(folder: Path) -> None:
    graphs = [path for suffix in _LAST_FILES for path in folder.glob(f"*/*{suffix}")]
    for path in sorted(graphs, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".bin").unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
