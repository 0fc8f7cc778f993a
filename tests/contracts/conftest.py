"""What the contracts of engines have in common."""

from collections.abc import Iterator

import pytest
import torch
from banks import random_bank

from artem_vr.engines.torch import TorchEngine
from artem_vr.styles import StyleBank


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Pictures as small as these are slower on several threads, much slower where the other cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def reference(bank: StyleBank) -> TorchEngine:
    return TorchEngine(bank)
