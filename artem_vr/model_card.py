"""The model card: what a reader of a network's file should know, as JSON in the file's metadata."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class StyleCard(BaseModel):
    """What one style vector was made from.

    `painting` is the file's name, without its folder, and `short_side` the pixels at which its strokes were read; a
    card that does not say holds "" and None.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    artist: str
    year: str
    painting: str = ""
    short_side: int | None = None


class ModelCard(BaseModel):
    """Everything a reader of the file should know. `network` holds the generator's kind and shape."""

    model_config = ConfigDict(frozen=True)

    name: str
    network: dict[str, Any]
    styles: list[StyleCard]
    data: str
    steps: int
    pictures_seen: int
    losses: dict[str, Any]
    validation: dict[str, float]
    licence: str
    description: str = ""
