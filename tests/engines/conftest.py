import pytest
from made_graphs import share_graphs


@pytest.fixture(autouse=True)
def _each_graph_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    share_graphs(monkeypatch)
