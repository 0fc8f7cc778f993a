import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.muon import Muon, orthogonalised


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16), (1, 9)])
def test_orthogonalised_keeps_directions_and_evens_out_their_sizes(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    found = orthogonalised(matrix)
    u, sizes, v = torch.linalg.svd(matrix, full_matrices=False)
    assert sizes[0] > 1.5 * sizes[-1] or min(shape) == 1
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.3
    exact = u @ v  # the nearest orthogonal matrix
    assert (found * exact).sum() > 0.9 * found.norm() * exact.norm()


def test_of_nothing_comes_nothing() -> None:
    assert torch.equal(orthogonalised(torch.zeros(4, 6)), torch.zeros(4, 6))


def optimised(weight: Tensor, bias: Tensor, steps: int) -> float:
    """Learns a random convolution; the loss that is left."""
    target, x = nn.Conv2d(6, 10, 3), torch.randn(16, 6, 12, 12)
    weight, bias = nn.Parameter(weight), nn.Parameter(bias)
    optimizer = Muon([{"params": [weight, bias]}], lr=0.02)
    for _ in range(steps):
        loss = F.mse_loss(F.conv2d(x, weight, bias), target(x).detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_learns_a_convolution() -> None:
    weight, bias = torch.zeros(10, 6, 3, 3), torch.zeros(10)
    first, last = optimised(weight.clone(), bias.clone(), 1), optimised(weight.clone(), bias.clone(), 150)
    assert last < 0.02 * first


def test_vectors_take_the_steps_of_adam() -> None:
    ours, theirs = nn.Parameter(torch.ones(5)), nn.Parameter(torch.ones(5))
    muon = Muon([{"params": [ours]}], lr=0.1, betas=(0.9, 0.99))
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99))
    for _ in range(7):
        gradient = torch.randn(5)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adam.step()
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert muon.state[ours].keys() == adam.state[theirs].keys()


def test_steps_have_the_size_of_adams() -> None:
    weight = nn.Parameter(torch.zeros(32, 16, 3, 3))
    optimizer = Muon([{"params": [weight]}], lr=1.0)
    weight.grad = torch.randn(32, 16, 3, 3)
    optimizer.step()
    assert 0.15 < weight.square().mean().sqrt() < 0.25
    assert "exp_avg_sq" not in optimizer.state[weight]


def test_what_has_no_gradient_stays() -> None:
    weight = nn.Parameter(torch.ones(2, 2, 3, 3))
    optimizer = Muon([{"params": [weight]}], lr=1.0)
    optimizer.step()
    assert torch.equal(weight, torch.ones(2, 2, 3, 3))
    assert not optimizer.state


def test_a_closure_computes_the_loss() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = Muon([{"params": [weight]}], lr=0.1)

    def closure() -> Tensor:
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3.0
    assert (weight < 1).all()
