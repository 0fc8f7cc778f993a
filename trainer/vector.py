"""Learning one style vector on a frozen network, from a mix of the vectors that it has."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from artem_vr.errors import EngineError
from trainer.data.crops import Photos
from trainer.data.loader import BatchLoader
from trainer.loop import learning_rate
from trainer.objective import Objective
from trainer.recipe import Recipe
from trainer.trained import TrainedBank

_SHARPNESS = 4.0
_STRENGTHS = (1.0, 0.7, 0.5, 0.35)
_RATE = 0.05
_WARMUP = 5


class VectorTraining:
    """Training of the one style of a recipe on the network of a bank.

    Raises `InputError` when the photographs are not worth a start.
    """

    def __init__(self, bank: TrainedBank, recipe: Recipe, photos: Photos, objective: Objective) -> None:
        self._bank, self._objective = bank, objective
        # The rate is the vector's own: a recipe's is for weights and vectors together.
        self._recipe = recipe.model_copy(update={"learning_rate": _RATE, "warmup": _WARMUP})
        self._batches = BatchLoader(photos, self._recipe)
        self._device = bank.styles_SD.device

    def run(self, advance: Callable[[int, int], None] = lambda done, of: None) -> None:
        """Replaces the bank's vectors (S, D) by one (1, D), in `recipe.steps` steps.

        `advance` is told steps done and of how many. Raises `EngineError` when the loss is not a number.
        """
        with self._batches:
            self._bank.styles_SD = nn.Parameter(self.start(self._bank.styles_SD.detach()))
            optimizer = torch.optim.Adam([self._bank.styles_SD], betas=(0.9, 0.99))
            for step in range(self._recipe.steps):
                optimizer.param_groups[0]["lr"] = learning_rate(self._recipe, step)
                self._take(step, optimizer)
                advance(step + 1, self._recipe.steps)

    @torch.no_grad()
    def start(self, vectors_SD: Tensor) -> Tensor:
        """Where training starts (1, D): a mean of the vectors (S, D), heaviest where the painting's style is nearest.

        Each vector comes at the strength that suits the painting, for half a vector paints half as bright a picture
        and a dark painting is nobody's neighbour otherwise. The weights are a softmax of -4 times the style losses on
        the first batch. The network knows what to do with such a mean, as a fade between two styles shows; with unit
        scales and no shifts it does not.
        """
        batch = self._batch(0)
        chosen, losses = [], []
        for vector in vectors_SD:
            tried = [(self._terms(0, batch, scale * vector[None])["style"], scale * vector) for scale in _STRENGTHS]
            loss, best = min(tried, key=lambda pair: pair[0].item())
            losses.append(loss)
            chosen.append(best)
        return (-_SHARPNESS * torch.stack(losses)).softmax(0)[None] @ torch.stack(chosen)

    def _take(self, step: int, optimizer: torch.optim.Optimizer) -> None:
        total = self._terms(step, self._batch(step), self._bank.styles_SD)["total"]
        if not math.isfinite(total.item()):
            raise EngineError(f"the loss is not a number at step {step}: try another painting or --short-side")
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()

    def _batch(self, step: int) -> Tensor:
        return self._batches.batch(step).contiguous(memory_format=torch.channels_last).to(self._device)

    def _terms(self, step: int, photos_NCHW: Tensor, vector_1D: Tensor) -> dict[str, Tensor]:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._recipe.precision == "bfloat16"):
            painted = self._bank.network(photos_NCHW, vector_1D.expand(len(photos_NCHW), -1))
        only_style = torch.zeros(len(photos_NCHW), dtype=torch.long, device=self._device)
        return self._objective(photos_NCHW, painted, only_style, phase=step)
