"""Runs `artem-vr` with a simulated headset: on the OpenXR runtime in software that `make openxr-runtime` fetches.

    .venv/bin/python scripts/with_openxr_runtime.py [--window] vr --frames 200 --snapshot eyes.png

With --window the runtime shows what the headset would, in a window on $DISPLAY; without, it shows nothing. The head and
the controllers stay where they are.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "xr"))

from forwarding import UnavailableError  # type: ignore[import-not-found]  # noqa: E402
from launch import python_with_runtime  # type: ignore[import-not-found]  # noqa: E402
from monado import Service, ServiceError, find_runtime  # type: ignore[import-not-found]  # noqa: E402


def main() -> int:
    """Starts the runtime's service and the program; returns the program's exit code, or 2 without a runtime."""
    arguments = sys.argv[1:]
    window = "--window" in arguments[:1]
    arguments = arguments[1:] if window else arguments
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 0
    if window and not os.environ.get("DISPLAY"):
        print("--window needs an X display: start it from a desktop, or under xvfb-run", file=sys.stderr)
        return 2
    try:
        with python_with_runtime(lambda line: print(line, file=sys.stderr)) as interpreter:
            service = Service(find_runtime(), Path(interpreter.environment["HOME"]))
            service.start(window=os.environ["DISPLAY"] if window else None)
            try:
                # Graphs that were kept before are kept for this home too.
                environment = {"ARTEM_VR_CACHE": str(_cache()), **interpreter.environment}
                return subprocess.run([*interpreter.command, "-m", "artem_vr", *arguments], env=environment).returncode
            except KeyboardInterrupt:
                return 130
            finally:
                service.stop()
    except (UnavailableError, ServiceError) as error:
        print(error, file=sys.stderr)
        return 2


def _cache() -> Path:
    from artem_vr.cache_folder import cache_folder

    return cache_folder()


if __name__ == "__main__":
    sys.exit(main())
