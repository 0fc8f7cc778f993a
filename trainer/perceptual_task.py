"""Distilling a small perceptual network: it learns the activations of larger ones, and what losses make of them.

A loss needs no classifier: its taps must only move as the large network's do (Hinton, Vinyals and Dean 2015, on
matching a larger network; Wang, Li, Wang, Hu and Yang 2020 distil VGG-19 for style transfer). Narrow convolutions see;
at each tap a 1x1 head maps to the width of the original, so that Gram matrices have the original's size.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from trainer import losses
from trainer.agreement import Judges, rank_agreement
from trainer.data.crops import Photos, validation_batch
from trainer.data.paintings import Paintings
from trainer.perceptual import PerceptualNetwork
from trainer.perceptual_files import perceptual_file
from trainer.recipe import PerceptualRecipe
from trainer.replacing import replacing
from trainer.task import Forward, Terms
from trainer.validation import averaged

_SIDES = (256, 640)
_PAINTED_SHARE = 0.4
_GLANCED = 8
_DRAWN = 3
_DRAWN_SIDE = 256
_FAINTEST = 1e-3
_CONTRAST = 8.0


class Student(PerceptualNetwork):
    """A perceptual network whose convolutions and heads are parameters; `conv0` is the teacher's, as it is."""

    def __init__(self, recipe: PerceptualRecipe, teacher: PerceptualNetwork, taps: dict[str, int]) -> None:
        weights = {f"conv0.{part}": getattr(teacher, f"conv0_{part}").clone() for part in ("weight", "bias")}
        inputs, last = weights["conv0.weight"].shape[0], max(f"conv{tap[4:]}" for tap in taps)
        for scale, (width, depth) in enumerate(zip(recipe.widths, recipe.depths, strict=True), 1):
            for name in (f"conv{scale}_{layer}" for layer in range(1, depth + 1)):
                if name <= last:  # what lies behind the last tap would learn nothing
                    _add(weights, name, nn.Conv2d(inputs, width, 3))
                    inputs = width
        for tap, channels in taps.items():
            name = f"conv{tap[4:]}"
            if f"{name}.weight" in weights:
                _add(weights, f"{name}_head", nn.Conv2d(weights[f"{name}.weight"].shape[0], channels, 1))
        super().__init__(weights)
        for name in [name for name in self._buffers if not name.startswith("conv0_")]:
            buffer = self._buffers.pop(name)
            self.register_parameter(name, nn.Parameter(torch.as_tensor(buffer)))


class PerceptualTask:
    """See `trainer.task.Task`."""

    module: Student

    def __init__(self, recipe: PerceptualRecipe, root: Path, photos: Photos, device: torch.device) -> None:
        self._recipe, self._photos, self._device = recipe, photos, device
        self._paintings = Paintings.find(root / recipe.data.paintings)
        self._teachers = [PerceptualNetwork.load(perceptual_file(name, root)).to(device) for name in recipe.teachers]
        self._judges = Judges(self._teachers, list(recipe.taps))
        blank = torch.zeros(1, 3, 64, 64, device=device)
        widths = {tap: feature.shape[1] for tap, feature in self._judges(blank).items()}
        self.module = Student(recipe, self._teachers[0], widths).to(device)
        self.module(blank, recipe.taps)  # a tap that is not there is said now

    def groups(self) -> list[dict[str, Any]]:
        """All convolutions and heads, at one rate."""
        return [{"params": [one for one in self.module.parameters() if one.requires_grad], "factor": 1.0}]

    def terms(self, forward: Forward, photos_NCHW: Tensor, step: int, share: slice) -> Terms:
        """The errors of a step, on photographs and crops of paintings, some with other colours or grain."""
        # Drawn for the whole batch: each of many processes must find in its share what a single one finds there.
        recipe, mine = self._recipe, range(self._recipe.batch)[share]
        painted = round(_PAINTED_SHARE * recipe.batch)
        pictures = photos_NCHW.clone()
        if painted:
            crops = self._paintings.crops(photos_NCHW.shape[-1], painted, recipe.seed, step, _SIDES).to(self._device)
            for index, place in enumerate(mine):
                if place < painted:
                    pictures[index] = crops[place]
        return self._errors(forward, _varied(pictures, mine, recipe.batch, recipe.seed, step), step)

    def glance(self) -> dict[str, float]:
        """The errors on the first held-out photographs."""
        return self._measure(_GLANCED)

    def validate(self) -> dict[str, float]:
        """The errors on all held-out photographs, and how far Gram losses rank pictures alike (see `agreement`)."""
        found = self._measure()
        return found | rank_agreement(self.module, self._judges, self._photos, self._paintings, self._device)

    @torch.no_grad()
    def draw(self) -> NDArray[np.uint8]:
        """Photographs, and beside them the mean activation of each tap: the teacher's, and below it the student's."""
        rows = []
        batch = validation_batch(self._photos, _DRAWN_SIDE, 0, _DRAWN).to(self._device)
        taught, learned = self._judges(batch), self.module(batch, self._recipe.taps)
        blank = torch.zeros(3, _DRAWN_SIDE, _DRAWN_SIDE)
        for index, picture in enumerate(batch):
            tops = [_map(taught[tap][index], taught[tap][index]) for tap in self._recipe.taps]
            bottoms = [_map(learned[tap][index], taught[tap][index]) for tap in self._recipe.taps]
            rows.append(torch.cat([picture.cpu(), *tops], dim=2))
            rows.append(torch.cat([blank, *bottoms], dim=2))
        return np.asarray((torch.cat(rows, dim=1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0))

    def export(self, path: Path, steps: int, validation: dict[str, float]) -> None:
        """Writes the network in half precision, in the format of `trainer.perceptual`."""
        tensors = {}
        for name, tensor in self.module.state_dict().items():
            layer, _, part = name.rpartition("_")
            tensors[f"{layer}.{part}"] = tensor.detach().half().cpu()
        card = {
            "name": self._recipe.name,
            "description": f"A perceptual network distilled from {', '.join(self._recipe.teachers)}.",
            "steps": steps,
            "data": self._recipe.data.terms,
            "licence": self._recipe.licence,
            "validation": {name: round(value, 5) for name, value in validation.items()},
        }
        with replacing(path, "the perceptual network") as temporary:
            contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
            temporary.write_bytes(save(contiguous, {"format": "artem-vr-perceptual-1", "card": json.dumps(card)}))

    def _measure(self, most: int | None = None) -> dict[str, float]:
        def judge(batch: Tensor, start: int) -> Terms:
            return self._errors(self.module, batch, None)

        return averaged(self._photos, self._recipe.data.crop, self._device, judge, most)

    def _errors(self, forward: Forward, pictures_NCHW: Tensor, phase: int | None) -> Terms:
        recipe = self._recipe
        with torch.no_grad(), torch.autocast(self._device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            taught = self._judges(pictures_NCHW, phase)
        learned = forward(pictures_NCHW, recipe.taps, phase)
        terms: Terms = {}
        total = pictures_NCHW.new_zeros(())
        for tap, weight in recipe.taps.items():
            found, wanted = learned[tap].float(), taught[tap].float()
            error = (found - wanted).square().mean() / (wanted.square().mean() + _FAINTEST)
            structure = losses.content_loss(found, wanted).mean()
            style = losses.style_loss({tap: found}, {tap: losses.Moments.of(wanted)}).mean()
            terms |= {f"error/{tap}": error, f"structure/{tap}": structure, f"style/{tap}": style}
            total = total + weight * (error + structure + recipe.gram * style)
        return {"total": total, **terms}


def _add(weights: dict[str, Tensor], name: str, convolution: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if name == "conv1_1":  # its input may be of any size: in the published networks it is around 100
        convolution.weight.data /= weights["conv0.weight"].abs().amax() / _CONTRAST
    weights[f"{name}.weight"] = convolution.weight.detach()
    weights[f"{name}.bias"] = torch.zeros_like(convolution.bias)  # type: ignore[arg-type]


def _varied(pictures_NCHW: Tensor, places: Sequence[int], batch: int, seed: int, step: int) -> Tensor:
    """A third with its colours in another order and of another contrast, a third with grain.

    What half-trained networks paint looks like neither photographs nor paintings, and is judged too. `places` are those
    of the pictures in the whole batch, for which everything is drawn.
    """
    random = np.random.default_rng((seed, step, 1))
    changes: list[Callable[[Tensor], Tensor]] = [_change(random, pictures_NCHW.shape[1:]) for _ in range(batch)]
    varied = [changes[place](picture) for place, picture in zip(places, pictures_NCHW, strict=True)]
    return torch.stack(varied)


def _change(random: np.random.Generator, shape: Sequence[int]) -> Callable[[Tensor], Tensor]:
    kind = random.integers(3)
    if kind == 1:
        contrast, order = random.uniform(0.4, 1.6), random.permutation(3).tolist()
        return lambda picture: ((picture[order] - 0.5) * contrast + 0.5).clamp(0, 1)
    if kind == 2:
        noise = torch.from_numpy(random.normal(0, random.uniform(0.02, 0.15), shape).astype(np.float32))
        return lambda picture: (picture + noise.to(picture.device)).clamp(0, 1)
    return lambda picture: picture


def _map(feature_CHW: Tensor, scale_CHW: Tensor) -> Tensor:
    """The mean activation as a grey picture (3, 256, 256); both of a pair are scaled by the teacher's."""
    grey = feature_CHW.float().mean(0, keepdim=True) / scale_CHW.float().mean(0).amax().clamp_min(_FAINTEST)
    return nn.functional.interpolate(grey[None], (_DRAWN_SIDE, _DRAWN_SIDE))[0].expand(3, -1, -1).cpu()
