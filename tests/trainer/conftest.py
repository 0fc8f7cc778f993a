from pathlib import Path

import pytest
import torch
from miniature import Miniature, make_miniature

from trainer import agreement, journal, network_table, validation

PLOT, GRID_CROP = journal.plot_losses, validation._GRID_CROP


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


@pytest.fixture(autouse=True)
def _little_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every run ends with a plot and a grid for people, which take longer than its few steps.
    monkeypatch.setattr(journal, "plot_losses", lambda csv_path, path: None)
    monkeypatch.setattr(validation, "_GRID_CROP", 32)


@pytest.fixture
def shown_in_full(_little_shown: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs plot their losses all the same, and draw grids at their true size."""
    monkeypatch.setattr(journal, "plot_losses", PLOT)
    monkeypatch.setattr(validation, "_GRID_CROP", GRID_CROP)


@pytest.fixture
def miniature(tmp_path: Path) -> Miniature:
    return make_miniature(tmp_path)
