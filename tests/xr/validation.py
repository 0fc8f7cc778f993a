"""The OpenXR SDK's core validation layer, which comes with pyopenxr, and the report that it writes.

It reads its settings when an instance is made, and writes what it finds at once. It checks structures, handles and
parameters; an order of calls that is wrong is found by the runtime.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

_LAYER = "XR_APILAYER_LUNARG_core_validation"
# [2026-01-31 12:00:00][VALID_ERROR | VUID-XrFrameEndInfo-type-type | xrEndFrame] : what is wrong
_ENTRY = re.compile(r"^\[[^]]*\]\[VALID_(\w+) \| (\S*) \| (\S*)\] : (.*)$", re.MULTILINE)
_HARMLESS = {"DEBUG", "INFO"}


@dataclass(frozen=True)
class Report:
    """The report file of one test."""

    path: Path

    def environment(self) -> dict[str, str]:
        """The variables that make the OpenXR loader put the layer into every new instance."""
        import xr.api_layer

        layers = Path(next(iter(xr.api_layer.__path__))) / "linux_x86_64"
        return {
            "XR_API_LAYER_PATH": str(layers),
            "XR_ENABLE_API_LAYERS": _LAYER,
            "XR_CORE_VALIDATION_EXPORT_TYPE": "text",
            "XR_CORE_VALIDATION_FILE_NAME": str(self.path),
        }

    def text(self) -> str:
        return self.path.read_text(errors="replace") if self.path.exists() else ""

    def findings(self) -> list[str]:
        """Every finding, a line each: how bad, where, what, and the rule of the specification."""
        found = [entry for entry in _ENTRY.findall(self.text()) if entry[0] not in _HARMLESS]
        return [f"{level.lower()} in {function}: {what} ({rule})" for level, rule, function, what in found]

    def check(self) -> None:
        """Fails the test when there are findings, and when the layer was not there to find any."""
        if not _ENTRY.search(self.text()):
            pytest.fail("no OpenXR instance was made with the validation layer in it", pytrace=False)
        if findings := self.findings():
            pytest.fail("the OpenXR validation layer found:\n" + "\n".join(findings), pytrace=False)
