"""The contrast of each style of a finished compact bank: fitted by one number a style, written into its vector alone.

Training for calm leaves paint a little pale. How strong it shall be is one number, and is found without a gradient: a
compact network's paint can be scaled about mid-grey by its style vector (`scaled`), so what the objective makes of
other contrasts is seen on pictures that are painted once. The network's weights stay as they are, and with them every
style that was added to the bank.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from artem_vr.errors import InputError, UsageError
from artem_vr.nets.compact import CompactConfig
from artem_vr.styles import StyleBank, Vector
from trainer.data.crops import Photos, training_batch
from trainer.recipe import BankRecipe
from trainer.trained import TrainedBank

LEAST, MOST = 0.9, 1.12
"""Between which two a factor is looked for, unless told otherwise.

Left free, ink-study went to 1.25 and lost the tint of its paper: 16 % of all values were cut off at 0 or 1 in a view of
the built-in scene, where it is 9 % with 1.12, as in the drawing itself, and 5 % before.
"""
_TOLERANCE = 0.005
_GOLDEN = (math.sqrt(5) - 1) / 2
_BATCH = 4
_AFTER_LAST_NORM = "paint"
"""The convolution that reads what the last normalisation gives."""

Measure = Callable[[Tensor, Tensor, Tensor], Mapping[str, Tensor]]
"""An `Objective`, or what measures as one: photographs, paintings and style numbers to terms, among them `total`."""


def scaled(style_vector: Vector, factor: float, config: CompactConfig) -> Vector:
    """The vectors (..., D) of the same styles with their contrast about mid-grey times `factor`.

    With k the share of the input (keep), c the ground colour and a, b the last normalisation's scale and shift, the
    network paints y = k x + P(a n + b) + c, where P, a leaky ReLU and a convolution without a bias, is positively
    homogeneous: P(g v) = g P(v) for g > 0. So for g = `factor`

        k, a, b, c  ->  g k, g a, g b, g c + (1 - g) / 2      makes      y  ->  1/2 + g (y - 1/2)

    for every picture, before anything is clamped to [0, 1]; a factor of 1 changes no bit. Raises `UsageError` for a
    factor that is not above 0, and for vectors of another network.
    """
    if not (factor > 0 and math.isfinite(factor)):
        raise UsageError(f"cannot scale contrast by {factor}: choose a factor above 0")
    if style_vector.shape[-1] != config.style_size:
        raise UsageError(
            f"style vectors have {style_vector.shape[-1]} numbers, the network takes {config.style_size}: take the "
            "configuration of their own bank"
        )
    vector, last = np.array(style_vector, np.float64), 2 * config.norms[-1]
    vector[..., 0] *= factor
    vector[..., 1:4] = factor * vector[..., 1:4] + (1 - factor) / 2
    vector[..., -last:] *= factor
    return vector.astype(np.float32)


def compact_config(bank: StyleBank) -> CompactConfig:
    """The shape of a compact network. Raises `UsageError` for another kind, `InputError` for a card that tells none."""
    shape = dict(bank.card.network)
    if (kind := shape.pop("kind", "")) != "compact":
        raise UsageError(f"{bank.path} is a network of kind '{kind}': only a compact bank's contrast can be fitted")
    try:
        return CompactConfig(**shape)
    except (TypeError, ValueError) as error:
        raise InputError(f"{bank.path}: its card describes no compact network: get the bank again") from error


def with_contrast(bank: StyleBank, factors: Sequence[float]) -> StyleBank:
    """The bank with the contrast of each of its own styles (S,) times a factor; added ones are left out.

    Of its ranges for int8 that of what follows the last normalisation is made wider by the largest factor, for all
    styles share it. Raises `UsageError` as `scaled` does, and where there are not as many factors as styles.
    """
    config, own = compact_config(bank), len(bank.names) - bank.added
    if len(factors) != own:
        raise UsageError(f"{bank.path} has {own} styles of its own, not {len(factors)}: give each one a factor")
    vectors = [scaled(vector, factor, config) for vector, factor in zip(bank.styles_SD[:own], factors, strict=True)]
    ranges, wider = dict(bank.ranges), max(1.0, *factors)
    if _AFTER_LAST_NORM in ranges:
        low, high = ranges[_AFTER_LAST_NORM]
        ranges[_AFTER_LAST_NORM] = wider * low, wider * high  # zero stays a level
    card = bank.card.model_copy(update={"styles": bank.card.styles[:own]})
    return replace(bank, card=card, styles_SD=np.stack(vectors), added=0, ranges=ranges)


def fit_contrast(
    bank: StyleBank,
    recipe: BankRecipe,
    photos: Photos,
    objective: Measure,
    places_PCHW: Tensor,
    photographs: int = 16,
    bounds: tuple[float, float] = (LEAST, MOST),
    advance: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, float]:
    """The factor of each of the bank's own styles with which `objective` is lowest, to 0.005.

    Looks at as many `photographs` for training, in crops as a step of training has them but never blurred, and at
    `places_PCHW`, RGB in [0, 1], P pictures of the scene from places for training, or none; photographs and scene count
    alike. The search is by golden sections between `bounds`, deterministic, and keeps 1 where nothing else is lower.
    `advance` is told styles done and of how many.

    Raises `UsageError` for a bank that is not compact, bounds that do not hold 1 or leave nothing between them, or no
    photographs; `InputError` when the recipe lacks a style's painting, or photographs cannot be used.
    """
    compact_config(bank)
    if photographs < 1:
        raise UsageError(f"cannot fit contrast on {photographs} photographs: choose at least 1, or better 16")
    if not 0 < bounds[0] <= 1 <= bounds[1] or not bounds[0] < bounds[1]:
        raise UsageError(f"cannot look for a contrast from {bounds[0]} to {bounds[1]}: choose bounds about 1")
    names = bank.names[: len(bank.names) - bank.added]
    targets = targets_of(names, recipe)
    batch = training_batch(photos, recipe.data.crop, photographs, recipe.seed, 0, smooth_share=0)
    sets = [part.split(_BATCH) for part in (batch, places_PCHW) if len(part)]
    painter, found = TrainedBank(bank, names), dict[str, float]()
    for style, (name, target) in enumerate(zip(names, targets, strict=True)):
        found[name] = _lowest(_loss(painter, style, target, sets, objective), bounds)
        advance(style + 1, len(names))
    return found


def targets_of(names: Sequence[str], recipe: BankRecipe) -> list[int]:
    """The number of each style's painting in the recipe. Raises `InputError` when it has none."""
    known = [style.name for style in recipe.styles]
    if strange := [name for name in names if name not in known]:
        raise InputError(f"the recipe {recipe.name} has no painting for {', '.join(strange)}: fit with the bank's own")
    return [known.index(name) for name in names]


@torch.no_grad()
def _loss(
    bank: TrainedBank, style: int, target: int, sets: Sequence[Sequence[Tensor]], objective: Measure
) -> Callable[[float], float]:
    """What the objective makes of a contrast: the mean over the sets of each one's mean over its pictures."""
    painted = [[bank(batch, torch.full((len(batch),), style)) for batch in batches] for batches in sets]

    @torch.no_grad()
    def of(factor: float) -> float:
        means = []
        for batches, paint in zip(sets, painted, strict=True):
            total = 0.0
            for batch, painting in zip(batches, paint, strict=True):
                # As validation has it, and as it is shown.
                shown = (0.5 + factor * (painting - 0.5)).clamp(0, 1)
                terms = objective(batch, shown, torch.full((len(batch),), target))
                total += len(batch) * terms["total"].item()
            means.append(total / sum(map(len, batches)))
        return sum(means) / len(means)

    return of


def _lowest(value: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """Where a function of one minimum is lowest, by golden sections (Kiefer 1953), or 1."""
    low, high = bounds
    seen: dict[float, float] = {}

    def ask(factor: float) -> float:
        factor = round(factor, 3)  # as a card tells it
        if factor not in seen:
            seen[factor] = value(factor)
        return seen[factor]

    for factor in (1.0, *bounds):
        ask(factor)
    while high - low > 2 * _TOLERANCE:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if ask(left) <= ask(right):
            high = right
        else:
            low = left
    return min(seen, key=lambda factor: (seen[factor], abs(factor - 1)))
