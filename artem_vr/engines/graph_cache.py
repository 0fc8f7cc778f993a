"""Keeps OpenVINO's graphs from one start to the next, so that a start needs neither torch nor a conversion.

What is kept is OpenVINO's own format, an XML file and the weights beside it, in the user's cache folder. Anything that
is wrong with it only means that the graph is made again.
"""

import hashlib
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import openvino as ov

from artem_vr import nets
from artem_vr.cache_folder import cache_folder
from artem_vr.errors import InputError
from artem_vr.styles import StyleBank

KEPT = 24
"""How many graphs are kept, the newest ones: some two megabytes each."""
_SOURCES = ("engines/bytes_network.py", "engines/compact_bytes.py", "engines/conversion.py", "engines/int8.py")
_log = logging.getLogger(__name__)


class GraphCache:
    """The graphs of one bank's network, by the shape of the batch; those rounded to int8 apart from the others.

    They belong to the weights, to this program's code that makes graphs, and to the version of OpenVINO.
    """

    def __init__(self, bank: StyleBank, is_int8: bool) -> None:
        ranges = sorted(bank.ranges.items()) if is_int8 else None
        parts = [bank.fingerprint, ov.__version__, json.dumps(ranges), _code()]
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        try:
            self._folder: Path | None = cache_folder() / "graphs" / name
        except InputError:
            self._folder = None

    @property
    def is_known(self) -> bool:
        """True when a graph of this network has been made before: its weights fit then."""
        return self._folder is not None and any(self._folder.glob("*.xml"))

    def load(self, core: ov.Core, shape: tuple[int, ...]) -> Any:
        """The graph for a batch of that shape; None where there is none, or none of use."""
        path = self._path(shape)
        if path is None or not path.is_file():
            return None
        try:
            model = core.read_model(path)
            if [tuple(port.shape) for port in model.inputs][:1] != [shape]:
                raise RuntimeError("it is for another shape")
            path.touch()  # the last used is the last to go
            return model
        except (OSError, RuntimeError) as error:
            _log.debug("the graph %s is of no use: %s", path, error)
            return None

    def keep(self, model: Any, shape: tuple[int, ...]) -> None:
        """Keeps the graph for a batch of that shape, if the folder can be written."""
        path = self._path(shape)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                made = Path(folder) / path.name
                # Full weights, so that a kept graph computes what a new one does.
                ov.save_model(model, made, compress_to_fp16=False)
                # The XML last: a graph is there when that is.
                for suffix in (".bin", ".xml"):
                    made.with_suffix(suffix).replace(path.with_suffix(suffix))
            _forget_old(path.parent.parent)
        except (OSError, RuntimeError) as error:
            _log.debug("the graph %s is not kept: %s", path, error)

    def _path(self, shape: tuple[int, ...]) -> Path | None:
        return None if self._folder is None else self._folder / f"{'x'.join(map(str, shape))}.xml"


def _code() -> str:
    """What tells this version of the code that makes graphs from any other."""
    package = Path(nets.__file__).parent.parent
    digest = hashlib.sha256()
    for path in [*sorted((package / "nets").glob("*.py")), *(package / name for name in _SOURCES)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _forget_old(folder: Path) -> None:
    newest_first = sorted(folder.glob("*/*.xml"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".bin").unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
