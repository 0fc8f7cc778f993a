"""Styles that were added to a finished bank: small safetensors files that leave the bank's own file as it is.

For the shipped bank they lie in the user's data folder, for any other in a folder beside it. A file holds vectors as
`styles` (S, D); its metadata holds `format`, `network`, the fingerprint of the weights that the vectors belong to,
`styles`, a JSON list of `StyleCard`, and `training`, a JSON object for people. Nothing here needs torch.
"""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from artem_vr.model_card import StyleCard

FORMAT = "artem-vr-styles-1"
FOLDER_VARIABLE = "ARTEM_VR_STYLES"
"""The environment variable that names another folder for the styles added to the shipped bank."""

SUFFIX = ".safetensors"

_LOG = logging.getLogger("artem_vr")


@dataclass(frozen=True, slots=True, eq=False)
class AddedStyles:
    """What one file holds: the cards and vectors (S, D) of its styles, and the fingerprint of their network."""

    cards: list[StyleCard]
    styles_SD: NDArray[np.float32]
    network: str

    @classmethod
    def load(cls, path: Path) -> "AddedStyles":
        """Reads a file. Raises `ValueError` with what is wrong with it."""
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise ValueError("it is no file of added styles")
                styles = np.asarray(file.get_tensor("styles"), np.float32)
            cards = [StyleCard.model_validate(card) for card in json.loads(metadata["styles"])]
            network = metadata["network"]
        except (OSError, SafetensorError, KeyError, TypeError, ValidationError, json.JSONDecodeError) as error:
            raise ValueError("it is damaged") from error
        if styles.ndim != 2 or len(styles) != len(cards) or not np.isfinite(styles).all():
            raise ValueError("it is damaged")
        return cls(cards, styles, network)

    def to_bytes(self, training: Mapping[str, Any]) -> bytes:
        """The file; `training` says how the vectors came about."""
        metadata = {
            "format": FORMAT,
            "network": self.network,
            "styles": json.dumps([card.model_dump() for card in self.cards], ensure_ascii=False),
            "training": json.dumps(dict(training), ensure_ascii=False),
        }
        return save({"styles": np.ascontiguousarray(self.styles_SD, np.float32)}, metadata)


def fingerprint(network: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]) -> str:
    """The SHA-256 of a network's kind, shape and weights: a style vector means nothing to any other network."""
    digest = hashlib.sha256(json.dumps(dict(network), sort_keys=True).encode())
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}".encode())
        digest.update(np.ascontiguousarray(weights[name], "<f4").tobytes())
    return digest.hexdigest()


def user_folder() -> Path:
    """Where the styles are that were added to the shipped bank: the user's data folder, or `FOLDER_VARIABLE`."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "artem-vr" / "styles"


def folder_beside(bank: Path) -> Path:
    """Where the styles are that were added to a bank of one's own: mine.safetensors has mine-styles."""
    return bank.with_name(f"{bank.stem}-styles")


def find(folder: Path, network: str, style_size: int, taken: Collection[str]) -> AddedStyles:
    """All styles in a folder that fit a network of this fingerprint with style vectors of this length.

    Files that do not fit, are damaged, or name a style that is `taken` are left out, and one line says so.
    """
    cards: list[StyleCard] = []
    vectors = [np.zeros((0, style_size), np.float32)]
    ignored = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found = AddedStyles.load(path)
            if found.network != network or found.styles_SD.shape[1] != style_size:
                raise ValueError("it was trained on another network")
            names = [card.name for card in (*cards, *found.cards)]
            if len(set(names)) < len(names) or not set(names).isdisjoint(taken):
                raise ValueError("it holds a name that is there already")
        except ValueError as error:
            ignored.append(f"{path.name} ({error})")
            continue
        cards += found.cards
        vectors.append(found.styles_SD)
    if ignored:
        _warn_once(
            f"ignored in {folder}: {', '.join(ignored)}; add the style again with 'artem-vr styles add --replace', "
            "or delete the file"
        )
    return AddedStyles(cards, np.concatenate(vectors), network)


@cache
def _warn_once(line: str) -> None:
    _LOG.warning(line)
