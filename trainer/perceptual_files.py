"""Perceptual networks by name: the shipped one, and torchvision's VGG-16 and VGG-19, downloaded once and converted.

The downloads are the weights that torchvision calls IMAGENET1K_V1. Only their convolutions up to conv5_1 are kept, in
the file format of trainer/perceptual.py.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from http.client import HTTPException
from importlib import resources
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from safetensors.numpy import save

from artem_vr.cache_folder import CACHE_VARIABLE, cache_folder
from artem_vr.errors import InputError, unknown_name
from trainer.torch_file import read_state_dict

ADDRESS = "https://download.pytorch.org/models"
"""The folder of the downloads; tests serve their own."""
DOWNLOADS = {"vgg16": "vgg16-397923af.pth", "vgg19": "vgg19-dcbb9e9d.pth"}
"""Each name's file, which carries the first eight hexadecimal digits of its SHA-256."""

SMALL = "small"
NAMES = (SMALL, *DOWNLOADS)
# How many convolutions there are between two poolings, as far as conv5_1.
_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 1), "vgg19": (2, 2, 4, 4, 1)}
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_SECONDS_WITHOUT_AN_ANSWER = 30.0
_CHUNK = 1 << 20


def perceptual_file(name: str, root: Path) -> Path:
    """The file of a perceptual network: `small`, `vgg16`, `vgg19`, or else a path, which is relative to `root`.

    What the names mean comes first: a file called vgg19 in `root` needs its full path. The two VGG are downloaded
    (about 550 MB) when they are not in the cache folder yet, with a progress bar on the error stream. A path is not
    looked at, save that a slip in a name is told from one. Raises `InputError` in one line that says what to do.
    """
    if name == SMALL:
        # The trainer knows nothing of the program's own modules; this is `artem_vr.resources.models()`.
        return Path(str(resources.files("artem_vr.models"))) / "perceptual.safetensors"
    if name in DOWNLOADS:
        return _vgg(name)
    path = root / name
    # A bare name of no file that is like one of the three is a slip; any other is a missing file's.
    if Path(name).name == name and not path.exists() and get_close_matches(name.lower(), NAMES):
        raise InputError(unknown_name("perceptual network", name, NAMES))
    return path


def _vgg(name: str) -> Path:
    """The converted file, made of what was put there by hand or else downloaded."""
    folder = cache_folder() / "perceptual"
    download = folder / DOWNLOADS[name]
    path = download.with_suffix(".safetensors")
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own, for several processes of one training may do this at the same time.
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as temporary:
            if download.is_file():
                _check_hash(_hash(download), download.name, f"{download} is damaged: delete it, or put it there again")
                original = download
            else:
                original = Path(temporary) / download.name
                digest = _download(download, original)
                damaged = f"the download of {download.name} came out damaged: try again"
                _check_hash(digest, download.name, damaged)
            converted = Path(temporary) / path.name
            converted.write_bytes(_converted(original, name))
            converted.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot make {path} ({error.strerror or error}): set {CACHE_VARIABLE} to a folder with 700 MB of space"
        ) from error
    return path


def _check_hash(digest: str, file_name: str, complaint: str) -> None:
    if not digest.startswith(Path(file_name).stem.rpartition("-")[2]):
        raise InputError(complaint)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(place: Path, target: Path) -> str:
    """Fetches the file that belongs at `place` into `target`; gives its SHA-256. Raises `InputError` and `OSError`."""
    digest = hashlib.sha256()
    with _progress(place.name) as bar, target.open("wb") as file:
        for chunk in _chunks(f"{ADDRESS}/{place.name}", place, bar):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _chunks(address: str, place: Path, bar: Progress) -> Iterator[bytes]:
    # Its own function, so that what goes wrong on the network is not taken for a full disk.
    try:
        with urlopen(
            Request(address, headers={"User-Agent": "artem-vr"}), timeout=_SECONDS_WITHOUT_AN_ANSWER
        ) as answer:
            length = answer.headers.get("Content-Length")
            bar.update(bar.task_ids[0], total=int(length) if length and length.isdigit() else None)
            while chunk := answer.read(_CHUNK):
                bar.advance(bar.task_ids[0], len(chunk))
                yield chunk
    except (OSError, HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
        raise InputError(
            f"cannot download {address} ({reason}): try again, put that file at {place} by hand, or name another "
            f"perceptual network (data.perceptual: {SMALL}, or a file)"
        ) from error


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    if not console.is_terminal:
        console.print(f"downloading {title} ...", highlight=False, soft_wrap=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(f"downloading {title}", total=None)
        yield bar


def _converted(path: Path, name: str) -> bytes:
    """The safetensors file of a torchvision VGG: conv0, conv1_1 and so on. Raises `InputError`."""
    try:
        weights = _renamed(read_state_dict(path, "features."), _CONVOLUTIONS[name])
    except KeyError as error:
        raise InputError(f"{path.name} is not torchvision's {name}: it has no {error.args[0]}") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not torchvision's {name}: {error}") from error
    return save(weights, {"source": f"{ADDRESS}/{path.name}"})


def _renamed(features: dict[str, NDArray[np.float32]], convolutions: tuple[int, ...]) -> dict[str, NDArray[np.float32]]:
    """torchvision counts convolutions (each with its ReLU) and poolings alike: features.0, features.2, features.5."""
    # Pictures in [0, 1] come out as torchvision's transforms normalise them.
    std = np.asarray(_IMAGENET_STD)
    weights = {
        "conv0.weight": np.diag(1 / std).astype(np.float32).reshape(3, 3, 1, 1),
        "conv0.bias": (-np.asarray(_IMAGENET_MEAN) / std).astype(np.float32),
    }
    number = 0
    for block, count in enumerate(convolutions, 1):
        for layer in range(1, count + 1):
            for part in ("weight", "bias"):
                weights[f"conv{block}_{layer}.{part}"] = features[f"features.{number}.{part}"]
            number += 2
        number += 1
    return weights
