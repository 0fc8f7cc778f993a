"""From a finished run to the file that ships: weights, style vectors and the model card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from torch import Tensor, nn

from artem_vr.errors import UsageError
from artem_vr.styles import FORMAT, RANGE, ModelCard, StyleCard
from trainer.bank import Bank, shape_of
from trainer.recipe import Recipe, StyleRecipe
from trainer.replacing import replacing


def model_card(recipe: Recipe, steps: int, validation: dict[str, float], start: ModelCard | None = None) -> ModelCard:
    """The card of a bank that was trained for `steps` steps of its recipe, after those of the bank it began from."""
    description = "A small network that paints photographs, video and rendered scenes in the styles listed."
    if start is not None:
        description += f" {start.steps} steps of the recipe {start.name}, then {steps} of {recipe.name}."
    return ModelCard(
        name=recipe.name,
        description=description,
        network={"kind": recipe.network.kind, **shape_of(recipe.network)},
        styles=style_cards(recipe.styles),
        data=recipe.data.terms,
        steps=steps + (start.steps if start else 0),
        pictures_seen=steps * recipe.batch + (start.pictures_seen if start else 0),
        losses=recipe.losses.model_dump(),
        validation={name: round(value, 5) for name, value in validation.items()},
        licence=recipe.licence,
    )


def style_cards(styles: Sequence[StyleRecipe]) -> list[StyleCard]:
    """What a card says of a recipe's styles."""
    return [StyleCard(**style.model_dump(include=set(StyleCard.model_fields))) for style in styles]


def export(bank: Bank, card: ModelCard, path: Path, ranges: Mapping[str, tuple[float, float]] | None = None) -> None:
    """Writes a bank, see `write_bank`."""
    write_bank(bank.network, bank.styles_SD, card, path, ranges)


def write_bank(
    network: nn.Module,
    styles_SD: Tensor,
    card: ModelCard,
    path: Path,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """Writes to a temporary file and renames it. Raises `UsageError` when it cannot be written.

    `ranges` are those of a bank that was calibrated for int8 (see `StyleBank`).

    Weights are kept in half precision, which is finer than the bfloat16 that they are mostly used in; style vectors,
    which are few and are mixed, in single precision.
    """
    tensors = {
        f"network.{name}": parameter.detach().half().cpu().numpy() for name, parameter in network.named_parameters()
    }
    tensors["styles"] = styles_SD.detach().cpu().numpy()
    tensors |= {f"{RANGE}{name}": np.array(bounds, np.float32) for name, bounds in (ranges or {}).items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {path.parent}: {error.strerror}") from error
    with replacing(path, "the bank") as temporary:
        # Written here and not by safetensors, whose files only their owner can read: this one is for everybody.
        temporary.write_bytes(
            save(
                {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()},
                {"format": FORMAT, "card": card.model_dump_json()},
            )
        )
