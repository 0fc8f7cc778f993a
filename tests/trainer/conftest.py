from pathlib import Path

import pytest
import torch
from miniature import Miniature, make_miniature

from trainer import agreement, network_table


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # The pictures are too small for several threads, and every run is to sum in the same order.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _little_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    # Finished networks are timed, and perceptual ones compared, on full-size pictures: a few small ones show it works.
    monkeypatch.setattr(agreement, "_PICTURES", 4)
    monkeypatch.setattr(agreement, "_SIDE", 64)
    monkeypatch.setattr(network_table, "SHAPE", (1, 48, 64))


@pytest.fixture
def miniature(tmp_path: Path) -> Miniature:
    return make_miniature(tmp_path)
