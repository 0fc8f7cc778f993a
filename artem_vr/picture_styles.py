"""Pictures as styles: with an AdaIN network any picture is one, beside those that its file names.

`--style painting.jpg` needs no training. What the network's encoder makes of the picture, two numbers a channel, is its
style vector, so that mixes, fades and everything else work as they do for the painters of a bank.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artem_vr import resources
from artem_vr.errors import InputError, UsageError
from artem_vr.media.kinds import is_picture
from artem_vr.style_control import split_mix
from artem_vr.styles import IDENTITY, StyleBank, StyleCard

ADAIN_BANK = "adain.safetensors"
"""The shipped network for pictures as styles."""

SHORT_SIDE = 512
"""Pixels to which a picture's short side is brought: the size at which its strokes are read."""
_SMALLEST_SIDE, _LONGEST_SHAPE = 16, 8


def open_bank(model: Path | None, style: str | None) -> StyleBank:
    """The bank of a file, the shipped one unless given, with a style for every picture that `style` names.

    Where pictures are named and no file is, it is the shipped AdaIN network. Raises `ModelError` for the file,
    `InputError` for a picture that is missing or unreadable, `UsageError` when the network can paint in its own styles
    alone.
    """
    bank = StyleBank.load(model)
    pictures = _pictures(style, bank)
    if pictures and model is None:
        bank = StyleBank.load(resources.models() / ADAIN_BANK)
        pictures = _pictures(style, bank)
    return with_pictures(bank, pictures) if pictures else bank


def with_pictures(bank: StyleBank, pictures: Sequence[str]) -> StyleBank:
    """The bank with a style of the same name for each path of a picture. Raises `InputError` and `UsageError`."""
    if bank.card.network.get("kind") != "adain":
        raise UsageError(
            f"{bank.path.name} paints in its own styles alone: leave out --model to paint in the style of any picture, "
            f"or teach it this one with 'artem-vr styles add {pictures[0]} --name NAME --bank {bank.path}'"
        )
    import torch

    from artem_vr.engines.loading import load_network

    network = load_network(bank)
    vectors, cards = [bank.styles_SD], []
    for name in pictures:
        rgb_HWC = _read(name)
        batch = torch.from_numpy(rgb_HWC).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            vectors.append(network.style_of(batch).numpy())  # type: ignore[operator]
        title = Path(name).stem.replace("_", " ").replace("-", " ")
        cards.append(StyleCard(name=name, title=title, artist="", year="", painting=name, short_side=SHORT_SIDE))
    card = bank.card.model_copy(update={"styles": [*bank.card.styles, *cards]})
    return replace(bank, card=card, styles_SD=np.concatenate(vectors), added=bank.added + len(cards))


def _pictures(style: str | None, bank: StyleBank) -> list[str]:
    """The parts of a style or mix that are paths of pictures and no names; a path alone may have commas and colons."""
    known, whole = {*bank.names, IDENTITY}, (style or "").strip()
    if not whole or whole in known:
        return []
    if _file(whole):
        return [whole]
    unknown = [name for name in dict.fromkeys(name for name, _ in split_mix(whole)) if name not in known]
    return [name for name in unknown if is_picture(Path(name)) or _file(name)]


def _file(name: str) -> Path | None:
    """The file of that path, None where there is none."""
    try:
        path = Path(name).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError):  # too long for a path, in a folder that is not ours; ~ of nobody
        return None


def _read(name: str) -> NDArray[np.uint8]:
    import cv2

    from artem_vr.media.picture import read_picture

    path = _file(name)
    if path is None:
        raise InputError(f"there is no picture {name} to take for a style: check the path")
    picture = read_picture(path)
    width, height = picture.size
    if min(width, height) < _SMALLEST_SIDE or max(width, height) > _LONGEST_SHAPE * min(width, height):
        raise InputError(
            f"the picture {path} has {width}x{height} pixels: take one of at least {_SMALLEST_SIDE} pixels a side, and "
            f"not more than {_LONGEST_SHAPE} times as long as wide"
        )
    scale = SHORT_SIDE / min(width, height)
    size = (max(SHORT_SIDE, round(width * scale)), max(SHORT_SIDE, round(height * scale)))
    filtering = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(picture.rgb_HWC, size, interpolation=filtering))
