"""What the contracts of engines have in common."""

from collections.abc import Iterator

import pytest
import torch
from banks import random_bank
from made_graphs import share_graphs

from artem_vr.engines import graph_cache
from artem_vr.engines.torch import TorchEngine
from artem_vr.styles import StyleBank


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Pictures as small as these are slower on several threads, much slower where the other cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _each_graph_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    share_graphs(monkeypatch)
    monkeypatch.setattr(graph_cache, "KEPT", 1000)  # the contracts need more than a person does


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def reference(bank: StyleBank) -> TorchEngine:
    return TorchEngine(bank)
