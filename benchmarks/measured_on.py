"""What every JSON of the benchmarks says first: when, from which commit, and on what."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from artem_vr.machine import processor
from artem_vr.media.pending_file import PendingFile

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("torch", "openvino", "onnxruntime", "moderngl", "numpy")


def measured_on() -> dict[str, Any]:
    """Date, commit, processor, cores, system, versions and the load at this moment; `gpu` is None where there is none.

    Call it before measuring: the load is then that of others.
    """
    here = processor()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        "processor": here.name,
        "cores": here.cores,
        "gpu": gpu_name(),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "versions": {name: version for name in VERSIONS if (version := _version(name))},
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def commit() -> str:
    """The short hash of the commit that is checked out, marked when files differ from it."""
    found = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    return found.stdout.strip() or "unknown"


def gpu_name() -> str | None:
    """The GPU that PyTorch sees, if any."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def parser(about: str | None) -> argparse.ArgumentParser:
    """What every measurement takes: where its figures go, and whether it shall only show that it works."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, help="where the figures go; printed if not given")
    made.add_argument("--quick", action="store_true", help="tiny sizes, a few seconds: does it work at all?")
    return made


def write_figures(figures: dict[str, Any], path: Path | None) -> None:
    """Writes JSON, or prints it without a path; the file is there whole or not at all."""
    if path is None:
        print(json.dumps(figures, indent=1))
        return
    with PendingFile(path) as pending:
        pending.path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        pending.commit()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
