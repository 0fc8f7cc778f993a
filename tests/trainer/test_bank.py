from collections import Counter
from pathlib import Path

import pytest
import torch
from banks import random_bank, tiny_recipe

from artem_vr.errors import InputError
from trainer.bank import Bank, styles_of_step


@pytest.mark.parametrize(("count", "batch"), [(8, 4), (3, 4), (5, 2), (1, 3), (4, 16)])
def test_all_styles_are_seen_equally_often(count: int, batch: int) -> None:
    rounds = 6
    seen = torch.cat([styles_of_step(count, batch, 0, step) for step in range(rounds * count)]).tolist()
    assert Counter(seen) == dict.fromkeys(range(count), rounds * batch)
    for start in range(0, len(seen), count):  # and in every single round
        assert sorted(seen[start : start + count]) == list(range(count))


def test_a_step_is_a_pure_function_of_its_number() -> None:
    first = styles_of_step(8, 4, 0, 7)
    assert torch.equal(first, styles_of_step(8, 4, 0, 7))
    assert first.shape == (4,)
    several = [torch.cat([styles_of_step(8, 4, seed, step) for step in range(4)]).tolist() for seed in (0, 1)]
    assert several[0] != several[1]
    assert several[0][:8] != several[0][8:16]


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_each_picture_is_painted_in_its_style(kind: str) -> None:
    torch.manual_seed(0)
    bank = Bank(tiny_recipe(kind=kind))
    with torch.no_grad():
        bank.styles_SD += 0.3 * torch.randn_like(bank.styles_SD)
        batch = torch.rand(1, 3, 32, 32).repeat(3, 1, 1, 1)
        painted = bank(batch, torch.tensor([2, 0, 2]))
    assert torch.allclose(painted[0], painted[2], atol=1e-5)
    assert (painted[0] - painted[1]).abs().mean() > 0.01


def test_every_style_starts_equal_and_is_trained() -> None:
    bank = Bank(tiny_recipe())
    assert torch.equal(bank.styles_SD[0], bank.styles_SD[2])
    bank(torch.rand(2, 3, 32, 32), torch.tensor([0, 1])).square().sum().backward()
    assert bank.styles_SD.grad is not None
    assert bank.styles_SD.grad[:2].abs().sum() > 0
    assert bank.styles_SD.grad[2].abs().sum() == 0


def test_a_bank_begins_from_a_finished_one(tmp_path: Path) -> None:
    start = random_bank(tmp_path)
    bank = Bank(tiny_recipe(styles=("blue", "new", "red")))
    bank.begin_from(start, ["blue", "new", "red"])
    for name, weight in bank.network.named_parameters():
        assert torch.equal(weight, torch.from_numpy(start.weights[name]))
    vectors = torch.from_numpy(start.styles_SD)
    expected = torch.stack([vectors[start.index("blue")], vectors.mean(0), vectors[start.index("red")]])
    assert torch.allclose(bank.styles_SD, expected)
    assert bank.styles_SD.requires_grad
    with pytest.raises(InputError, match="holds another network: set start to"):
        Bank(tiny_recipe(channels=4)).begin_from(start, ["red"])
