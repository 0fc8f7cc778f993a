import torch
from miniature import Miniature, perceptual_weights

from trainer.agreement import Judges, _spearman, rank_agreement
from trainer.data.crops import Photos
from trainer.data.paintings import Paintings
from trainer.perceptual import PerceptualNetwork

TAPS = ["relu1_1", "relu2_1"]
CPU = torch.device("cpu")


def test_the_rank_correlation() -> None:
    a = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert _spearman(a, a.exp()) == 1.0
    assert _spearman(a, -a) == -1.0
    # Ranks 1234 and 2143: 1 - 6 * (1 + 1 + 1 + 1) / (4 * 15).
    assert abs(_spearman(a, torch.tensor([[0.2, 0.1, 0.4, 0.3]])) - 0.6) < 1e-6


def test_a_network_agrees_with_itself_and_less_with_another(miniature: Miniature) -> None:
    teacher = PerceptualNetwork(perceptual_weights())
    photos, paintings = Photos.find(miniature.root / "photos"), Paintings.find(miniature.root / "paintings")
    judges = Judges([teacher], TAPS)
    same = rank_agreement(teacher, judges, photos, paintings, CPU)
    assert same == dict.fromkeys(["rank", "rank/relu1_1", "rank/relu2_1"], 1.0)


def test_a_strange_network_ranks_otherwise() -> None:
    torch.manual_seed(0)
    ranks = torch.rand(3, 200)
    assert abs(_spearman(ranks, torch.rand(3, 200))) < 0.2
