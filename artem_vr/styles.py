"""Style banks: a network and the painters it knows, in one safetensors file with a model card.

The file holds the network's weights as `network.*` and the style vectors as `styles` (S, D). Its metadata holds
`format` and `card`, a JSON object (see `ModelCard`). A bank that was calibrated for int8 holds as well, as `int8.*`,
between which two numbers the input of a convolution lies. Styles that were added later stand in files of their own
(see `artem_vr.added_styles`) and are read with it. Nothing here unpickles, and nothing here needs torch.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from artem_vr import added_styles, resources
from artem_vr.errors import ModelError, UsageError, unknown_name
from artem_vr.model_card import ModelCard, StyleCard

__all__ = [
    "DEFAULT_BANK", "FORMAT", "IDENTITY", "RANGE", "SHIPPED_BANKS",
    "ModelCard", "StyleBank", "StyleCard", "Vector", "mix",
]  # fmt: skip

FORMAT = "artem-vr-bank-1"
RANGE = "int8."
"""How the names of the tensors begin that hold ranges; what follows is a module's name."""
DEFAULT_BANK = "bank.safetensors"
SHIPPED_BANKS = ("bank", "swift", "adain")
"""The banks of this package, by the names that a person may give in place of a path."""
_SHORTEST_CLUE = 4
_WITH_IDENTITY = ("compact", "adain")
IDENTITY = "original"
"""The name of style 0, which leaves the picture as it is."""

_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")
_HEADER_START = 8  # a safetensors file: the length of the header in eight bytes, then the header, a JSON object

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class StyleBank:
    """A loaded file: the card, the network's weights by name, and the style vectors (S, D).

    Card and vectors hold the file's own styles first and then the `added` ones, the last in the list. `ranges` has
    the lower and the upper bound of a convolution's input by the module's name, and is empty unless the bank was
    calibrated for int8.
    """

    card: ModelCard
    weights: dict[str, NDArray[np.float32]]
    styles_SD: Vector
    path: Path
    added: int = 0
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> "StyleBank":
        """Reads a bank, the shipped one by default, and the styles that were added to it.

        `path` may be the name of a shipped bank (`SHIPPED_BANKS`); a file of that name comes first. Raises
        `ModelError`: missing, a pickle, corrupt, or a safetensors file of something else. Added styles that do not
        belong to its network are left out, with one line in the log.
        """
        return cls._read(path)._with_added()

    @classmethod
    def _read(cls, path: Path | None) -> "StyleBank":
        path = resources.models() / DEFAULT_BANK if path is None else _found(path)
        _refuse_pickles(path)
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata() or {}
                tensors = {key: np.asarray(file.get_tensor(key), np.float32) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, TypeError) as error:
            raise ModelError(f"{path} is corrupt or not a safetensors file ({error}): get it again") from error
        if metadata.get("format") != FORMAT:
            raise ModelError(f"{path} is not an Art'Em VR bank: its metadata lacks format = {FORMAT}")
        try:
            card = ModelCard.model_validate(json.loads(metadata["card"]))
            styles = tensors.pop("styles")
        except (KeyError, ValueError, ValidationError) as error:
            raise ModelError(f"{path} has no valid model card or no styles: export it again") from error
        if styles.ndim != 2 or len(styles) != len(card.styles) or not len(styles):
            raise ModelError(f"{path}: the card names {len(card.styles)} styles, the file holds {styles.shape}")
        if not all(np.isfinite(tensor).all() for tensor in (styles, *tensors.values())):
            raise ModelError(f"{path} holds numbers that are not finite: train or download it again")
        ranges = {key: _range(path, key, tensors.pop(key)) for key in list(tensors) if key.startswith(RANGE)}
        weights = {key.removeprefix("network."): tensor for key, tensor in tensors.items()}
        return cls(card, weights, styles, path, 0, {key.removeprefix(RANGE): pair for key, pair in ranges.items()})

    @property
    def added_folder(self) -> Path:
        """Where the styles that are added to this bank belong."""
        if self.path.resolve().parent == resources.models().resolve():
            folder = added_styles.user_folder()
            return folder if self.path.name == DEFAULT_BANK else folder / self.path.stem
        return added_styles.folder_beside(self.path)

    @property
    def fingerprint(self) -> str:
        """What tells this network from any other (see `added_styles.fingerprint`)."""
        return added_styles.fingerprint(self.card.network, self.weights)

    def _with_added(self) -> "StyleBank":
        folder = self.added_folder
        if not folder.is_dir():
            return self
        found = added_styles.find(folder, self.fingerprint, self.styles_SD.shape[1], {*self.names, IDENTITY})
        return replace(
            self,
            card=self.card.model_copy(update={"styles": [*self.card.styles, *found.cards]}),
            styles_SD=np.concatenate([self.styles_SD, found.styles_SD]),
            added=len(found.cards),
        )

    @property
    def names(self) -> list[str]:
        """The names of the painted styles, in the order of the card."""
        return [style.name for style in self.card.styles]

    def index(self, name: str) -> int:
        """The number of a style in `names`. Raises `UsageError` with the nearest names."""
        try:
            return self.names.index(name)
        except ValueError:
            by_artist = [card.name for card in self.card.styles if _letters(name) in _letters(card.artist + card.title)]
            if by_artist and len(_letters(name)) >= _SHORTEST_CLUE:
                raise UsageError(f"unknown style '{name}': did you mean {' or '.join(by_artist)}?") from None
            raise UsageError(unknown_name("style", name, [*self.names, IDENTITY])) from None

    def vector(self, name: str) -> Vector:
        """The style vector (D,) of a name; `IDENTITY` is always known. Raises `UsageError`."""
        return self.identity() if name == IDENTITY else self.styles_SD[self.index(name)]

    def identity(self) -> Vector:
        """Style 0 (D,): the vector with which a network returns its input.

        A compact one does so exactly (see `artem_vr.nets.compact`), an AdaIN one as its decoder knows it. Raises
        `UsageError` for a network that has no such style.
        """
        if self.card.network.get("kind") not in _WITH_IDENTITY:
            raise UsageError(f"a {self.card.network.get('kind')} network has no identity style: use a compact bank")
        vector = np.zeros(self.styles_SD.shape[1], np.float32)
        vector[0] = 1.0
        return vector


def mix(vectors_ND: Vector, weights_N: Vector) -> Vector:
    """The weighted mean (D,) of style vectors. Raises `UsageError` when the weights do not sum to more than zero."""
    total = float(np.sum(weights_N))
    if not total > 0:
        raise UsageError("the weights of a mix of styles must sum to more than zero")
    return np.asarray(np.asarray(weights_N, np.float32) @ vectors_ND / np.float32(total), np.float32)


def _found(path: Path) -> Path:
    """The file that a path or the name of a shipped bank means."""
    if str(path) in SHIPPED_BANKS and not path.is_file():
        return resources.models() / f"{path}.safetensors"
    return path


def _range(path: Path, key: str, pair: NDArray[np.float32]) -> tuple[float, float]:
    if pair.shape != (2,) or not pair[0] < pair[1]:
        raise ModelError(f"{path}: {key} is no lower and upper bound: quantize the bank again")
    return float(pair[0]), float(pair[1])


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha())


def _refuse_pickles(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER_START + 1)
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model {path}: name a .safetensors file, or a shipped bank ({', '.join(SHIPPED_BANKS)})"
        ) from error
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    # Any byte may stand in a length: the header decides.
    if start.startswith(_PICKLE_STARTS) and start[_HEADER_START:] != b"{":
        raise ModelError(f"{path} is a pickle, which can run code when loaded: only .safetensors files are read")
