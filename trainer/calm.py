"""Training for calm: a painting shall move with the world, hold still under noise, and be the same for both eyes.

Three terms, each of which compares two paintings of what is the same up to a known way:

  temporal  photographs moved by a random homography, and the scene after the head has moved a little;
  noise     photographs under the noise of a camera's sensor, which changes with every picture;
  stereo    the scene in the right eye and in the left.

The idea is that of Ruder, Dosovitskiy and Brox 2016 ("Artistic style transfer for videos") brought into training, as by
Gupta et al. 2017; moving photographs instead of filming goes back to Wang et al. 2020 ("Consistent video style transfer
via compound regularization"). The way is exact here, so nothing is learned from an estimate's errors.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.data.scene_pairs import VIEWS, ScenePairs
from trainer.recipe import CalmRecipe

_FAINTEST = 1e-6
_FLATTEST = 0.02
_STRETCH, _SLANT, _TURN = 0.03, 0.02, 0.04
"""Deviations of a homography's scales, of its perspective, and of its angle in radians."""


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """What is to be painted besides the photographs, and where each pixel of it lies in what it is compared with.

    The pictures are the photographs once more, every other one moved (`moved`) and every other one under noise
    (`noisy`), and after them the views of M places of the scene. `grid_NHW2` and `seen_NHW` belong to the photographs;
    those of the scene are (2M, H, W, 2), right eyes first.
    """

    pictures_NCHW: Tensor
    styles_N: Tensor
    grid_NHW2: Tensor
    seen_NHW: Tensor
    moved: slice
    noisy: slice
    scene_grid_NHW2: Tensor
    scene_seen_NHW: Tensor

    @property
    def places(self) -> int:
        """M; the left eyes' pictures come first among those of the scene."""
        return len(self.scene_grid_NHW2) // (VIEWS - 1)


class Calm:
    """Makes the pictures that a step is to paint besides its photographs, and compares the paintings."""

    def __init__(self, recipe: CalmRecipe, pairs: ScenePairs, seed: int, device: torch.device) -> None:
        self._recipe, self._seed, self._device = recipe, seed, device
        self._pairs = pairs.to(device)

    @classmethod
    def open(cls, recipe: CalmRecipe, crop: int, seed: int, device: torch.device) -> "tuple[Calm, Calm]":
        """One to train with, and one to judge by, which has places of its own.

        Raises `GraphicsError` without OpenGL, and `InputError` for a `views` that cannot be used.
        """
        if recipe.views:
            pairs = ScenePairs.load(Path(recipe.views), crop)
        else:
            pairs = ScenePairs.render_with_held_out(recipe.places, crop, seed)
        training, held_out = pairs.split()
        return cls(recipe, training, seed, device), cls(recipe, held_out, seed, device)

    def scene_NCHW(self) -> Tensor:  # noqa: N802 - the suffix is its shape
        """What the left eye sees of each place: RGB in [0, 1]."""
        return self._pairs.left_NCHW()

    def extra(self, photos_NCHW: Tensor, styles_N: Tensor, step: int, rank: int = 0) -> Extra:
        """The pictures of a step besides its photographs (N, 3, S, S), which are in these styles.

        Of many processes each has photographs of its own, and with its `rank` moves, noise and places of its own.
        """
        recipe, count = self._recipe, len(photos_NCHW)
        seed = _seed(self._seed, step, rank)
        random = torch.Generator().manual_seed(seed)
        moved, noisy = slice(step % 2, None, 2), slice(1 - step % 2, None, 2)
        matrices = homographies(count, recipe.furthest / photos_NCHW.shape[-1], random)
        matrices[noisy] = torch.eye(3)
        grid, seen = warped_grid(matrices.to(self._device), photos_NCHW.shape[-1])
        again = F.grid_sample(photos_NCHW, grid, "bicubic", "border", align_corners=False)
        again[noisy] = photos_NCHW[noisy] + recipe.sensor_noise * self._noise_like(photos_NCHW[noisy], seed)
        pairs = max(1, round(recipe.share * count))
        views, ways, visible = self._pairs.batch(pairs, self._seed, step, rank)
        chosen = styles_N[torch.randint(count, (pairs,), generator=random).to(styles_N.device)]
        return Extra(
            torch.cat([again.clamp(0, 1), views.transpose(0, 1).flatten(0, 1)]),
            torch.cat([styles_N, chosen.repeat(VIEWS)]),
            grid,
            seen,
            moved,
            noisy,
            _grid_of(ways.transpose(0, 1).flatten(0, 1)),
            visible.transpose(0, 1).flatten(0, 1),
        )

    def _noise_like(self, pictures_NCHW: Tensor, seed: int) -> Tensor:
        # Drawn where it is used: a GPU takes a thousandth of the time.
        random = torch.Generator(self._device).manual_seed(seed)
        return torch.randn(pictures_NCHW.shape, generator=random, device=self._device)

    def terms(self, painted_NCHW: Tensor, extra_NCHW: Tensor, extra: Extra) -> dict[str, Tensor]:
        """The unweighted terms of the paintings of the photographs and of `extra`, and `calm`, their weighted sum."""
        count = len(painted_NCHW)
        again, views = extra_NCHW[:count], extra_NCHW[count:]
        again_apart = difference(again, painted_NCHW, extra.grid_NHW2, extra.seen_NHW)
        left, others = views.chunk(VIEWS)[0], views[len(views) // VIEWS :]
        apart = difference(others, left.repeat(VIEWS - 1, 1, 1, 1), extra.scene_grid_NHW2, extra.scene_seen_NHW)
        stereo, later = apart.chunk(VIEWS - 1)
        terms = {
            "temporal": (_mean(again_apart[extra.moved]) + later.mean()) / 2,
            "noise": _mean(again_apart[extra.noisy]),
            "stereo": stereo.mean(),
        }
        terms["calm"] = torch.stack([getattr(self._recipe, name) * value for name, value in terms.items()]).sum()
        return terms


def difference(later_NCHW: Tensor, before_NCHW: Tensor, grid_NHW2: Tensor, seen_NHW: Tensor) -> Tensor:
    """How far paintings (N,) are from what was painted before, carried to where it lies now, as a share of contrast.

        d = mean over seen x of |p(x) - W q(x)| / sqrt((V(p) + V(q)) / 2 + 0.02^2)

    p is painted later and q before; W q is q fetched along `grid_NHW2`, a grid of torch's `grid_sample`; V is the
    variance of a whole painting over its places, summed over RGB. Numerator and denominator both follow the contrast:
    with p and q replaced by c + s (p - c) and c + s (q - c), d stays what it is, but for the floor, which counts where
    there is next to nothing to see. So neither paling nor gaudiness pays, and strong and faint styles count alike.
    Gradients must go through both: with the denominator taken as given the term would fall with s.
    """
    later, before = later_NCHW.float(), before_NCHW.float()
    carried = F.grid_sample(before, grid_NHW2, "bicubic", "border", align_corners=False)
    apart = (later - carried).square().sum(1).add(_FAINTEST).sqrt()
    shown = seen_NHW.to(apart.dtype)
    energy = (later.var((2, 3)).sum(1) + before.var((2, 3)).sum(1)) / 2
    return (apart * shown).sum((1, 2)) / shown.sum((1, 2)).clamp(min=1) / (energy + _FLATTEST**2).sqrt()


def _seed(seed: int, step: int, rank: int) -> int:
    """A seed of its own for each step of each process."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def _mean(values_N: Tensor) -> Tensor:
    """The mean, 0 of nothing: of one photograph alone none is moved in every other step."""
    return values_N.sum() / max(1, len(values_N))


def homographies(count: int, furthest: float, random: torch.Generator) -> Tensor:
    """Random small moves (count, 3, 3) of a picture whose sides reach from -1 to 1.

    Shifts are up to `furthest` of a side; slow moves are as likely as fast ones.
    """
    speed = 0.02 ** torch.rand(count, generator=random)
    normal = torch.randn(count, 7, generator=random) * speed[:, None]
    angle, matrices = normal[:, 0] * _TURN, torch.eye(3).repeat(count, 1, 1)
    matrices[:, 0, 0] = matrices[:, 1, 1] = angle.cos() * (1 + _STRETCH * normal[:, 1])
    matrices[:, 0, 1], matrices[:, 1, 0] = -angle.sin(), angle.sin()
    matrices[:, 2, :2] = _SLANT * normal[:, 2:4]
    shift = torch.rand(count, 2, generator=random) * 2 - 1
    matrices[:, :2, 2] = 2 * furthest * speed[:, None] * shift
    return matrices


def warped_grid(matrices_N33: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """For each pixel the place that a homography takes it to (N, S, S, 2), and whether that is in the picture."""
    line = (torch.arange(size, device=matrices_N33.device) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3) @ matrices_N33.transpose(1, 2)
    grid = (places[..., :2] / places[..., 2:]).unflatten(1, (size, size))
    return grid, (grid.abs() <= 1).all(-1)


def _grid_of(way_NHW2: Tensor) -> Tensor:
    """The grid of `grid_sample` for ways in pixels."""
    size = way_NHW2.shape[1]
    rest, _ = warped_grid(torch.eye(3, device=way_NHW2.device)[None], size)
    return rest + way_NHW2 * (2 / size)
