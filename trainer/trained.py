"""Finished banks back in the trainer: to be judged, or to be given another style."""

from collections.abc import Sequence

import torch
from torch import nn

from artem_vr.engines.loading import load_network
from artem_vr.styles import StyleBank
from trainer.bank import Bank


class TrainedBank(Bank):
    """A finished network whose weights stay as they are, with style vectors (S, D) that may learn.

    The vectors are those of the styles named, in that order; all of the bank's unless given. Raises `ModelError` when
    the file's weights do not fit its network.
    """

    def __init__(self, bank: StyleBank, names: Sequence[str] | None = None, device: torch.device | None = None) -> None:
        nn.Module.__init__(self)
        self.network = load_network(bank)
        rows = [bank.index(name) for name in (bank.names if names is None else names)]
        self.styles_SD = nn.Parameter(torch.from_numpy(bank.styles_SD[rows]))
        self.to(device or torch.device("cpu"), memory_format=torch.channels_last)  # type: ignore[call-overload]
