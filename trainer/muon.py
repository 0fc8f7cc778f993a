"""The optimiser: orthogonalised momentum for convolutions, Adam for everything else.

A filter bank is a matrix from what a place sees to what it becomes, and its gradient is dominated by a few directions
that most pictures agree on. Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") takes
the momentum's nearest orthogonal matrix instead, so that all directions are learned at one rate. PyTorch's own Muon
takes matrices alone, not the four dimensions of convolutions, and no other parameters beside them.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

# A quintic that lifts singular values in (0, 1] to around 1 in five rounds; the coefficients are Jordan's.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_UPDATE_RMS = 0.2
_EPSILON = 1e-8


class Muon(Optimizer):
    """Muon for parameters of four dimensions, Adam (Kingma and Ba 2015) for the others.

    Orthogonal updates are scaled to a root mean square of 0.2, about that of Adam's (Liu et al. 2025, "Muon is scalable
    for LLM training", section 2.2), so that one learning rate serves both. The state of a parameter has the names of
    Adam's: "step", "exp_avg" and, for Adam alone, "exp_avg_sq".
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        momentum: float = 0.95,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Takes one step with the gradients at hand; returns what `closure`, which may compute them, returns."""
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                update = self._muon if parameter.ndim == 4 else self._adam
                parameter.add_(update(parameter, group), alpha=-group["lr"])
        return result

    def _muon(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state = self._state(parameter, "exp_avg")
        state["exp_avg"].lerp_(parameter.grad, 1 - group["momentum"])  # type: ignore[arg-type]
        # Nesterov's look ahead: momentum as it will be if the next gradient is like this one.
        ahead = parameter.grad.lerp(state["exp_avg"], group["momentum"]).flatten(1)  # type: ignore[union-attr]
        scale = _UPDATE_RMS * max(ahead.shape) ** 0.5
        return scale * orthogonalised(ahead).view_as(parameter)

    def _adam(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state, gradient = self._state(parameter, "exp_avg", "exp_avg_sq"), parameter.grad
        (first, second), step = group["betas"], state["step"].item()
        state["exp_avg"].lerp_(gradient, 1 - first)  # type: ignore[arg-type]
        state["exp_avg_sq"].lerp_(gradient.square(), 1 - second)  # type: ignore[union-attr]
        spread = (state["exp_avg_sq"] / (1 - second**step)).sqrt_().add_(_EPSILON)
        return state["exp_avg"] / (1 - first**step) / spread

    def _state(self, parameter: Tensor, *names: str) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            for name in names:
                state[name] = torch.zeros_like(parameter)
        state["step"] += 1
        return state


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest matrix with orthonormal rows or columns, roughly: singular values end between 0.7 and 1.2.

    Newton-Schulz iterations with a quintic that converges fast instead of exactly; what is rough does not harm.
    """
    a, b, c = _QUINTIC
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.T) / (matrix.norm() + _EPSILON)
    for _ in range(_ROUNDS):
        product = x @ x.T
        x = a * x + (b * product + c * product @ product) @ x
    return x if wide else x.T
