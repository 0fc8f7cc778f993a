"""Where the files that ship with the package are: shaders, models and assets."""

from importlib import resources
from pathlib import Path


def shaders() -> Path:
    """The folder of the GLSL sources."""
    return _folder("artem_vr.shaders")


def models() -> Path:
    """The folder of the shipped networks."""
    return _folder("artem_vr.models")


def assets() -> Path:
    """The folder of the scene, the fonts and the style thumbnails."""
    return _folder("artem_vr.assets")


def _folder(package: str) -> Path:
    # A wheel is unpacked on installation, so that the package always is a real folder.
    return Path(str(resources.files(package)))
