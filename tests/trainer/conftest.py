from pathlib import Path

import pytest
import torch
from miniature import Miniature, make_miniature


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # The pictures are too small for several threads, and every run is to sum in the same order.
    torch.set_num_threads(1)


@pytest.fixture
def miniature(tmp_path: Path) -> Miniature:
    return make_miniature(tmp_path)
