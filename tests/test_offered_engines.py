"""The survey of engines: what is there opens and is closed, what is not says why."""

from contextlib import ExitStack

import pytest

from artem_vr import app
from artem_vr.errors import EngineError
from artem_vr.offered_engines import open_offered


class Pretender:
    def __init__(self, name: str, device: str, precision: str) -> None:
        self.name, self.device, self.precision, self.closed = name, device, precision, False

    def close(self) -> None:
        self.closed = True


def test_all_that_is_offered_is_tried_and_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Pretender] = []

    def open_engine(bank: object, name: str, device: str, precision: str) -> Pretender:
        if precision == "int8":
            raise EngineError("not calibrated")
        if name == "other":
            raise ImportError("No module named 'other'")
        opened.append(Pretender(name, device, "f32"))  # whatever it was asked for
        return opened[-1]

    monkeypatch.setattr(app, "ENGINES", ("auto", "torch", "other"))
    monkeypatch.setattr(app, "open_engine", open_engine)
    monkeypatch.setattr("artem_vr.offered_engines.host_precisions", lambda: ["f32", "bf16"])
    with ExitStack() as stack:
        offered = open_offered(None, stack, ("cpu",))  # type: ignore[arg-type]
        assert [(engine.name, engine.precision) for engine in offered.engines] == [("torch", "f32")]
        assert "torch int8 on cpu: not calibrated" in offered.skipped
        assert "torch bf16 on cpu: it runs in torch f32 on cpu instead" in offered.skipped
        assert sum("No module named 'other'" in line for line in offered.skipped) == 2  # bf16 and f32
        assert [each.closed for each in opened] == [True, False]
    assert all(each.closed for each in opened)
