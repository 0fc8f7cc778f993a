import math

import pytest
import torch
from miniature import Miniature, train_until

from artem_vr.errors import EngineError, UsageError
from artem_vr.styles import StyleBank
from trainer import loop
from trainer.checkpoint import Checkpoint
from trainer.command import train
from trainer.device import training_device
from trainer.loop import Progress, Run

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")


def ignore(progress: Progress) -> None:
    pass


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().cpu().clone() for name, parameter in run.task.module.named_parameters()}


@pytest.mark.parametrize(
    ("name", "there", "expected"), [("cpu", True, "cpu"), ("auto", True, "cuda"), ("auto", False, "cpu")]
)
def test_the_device_of_a_name(monkeypatch: pytest.MonkeyPatch, name: str, there: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert training_device(name).type == expected


def test_a_gpu_where_there_is_none(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"no NVIDIA GPU was found: --set device=cpu") as error:
        train(miniature.recipe_path, {"device": "cuda"}, miniature.folder / "run", resume=False)
    assert "\n" not in str(error.value)
    assert not (miniature.folder / "run").exists()


def deferred(miniature: Miniature, name: str, **overrides: str) -> Run:
    """A run on the processor that asks for its numbers as rarely as one on a GPU."""
    run = miniature.run(name, device="cpu", **overrides)
    run._deferred = True
    return run


def test_reading_rarely_changes_nothing_but_the_reports(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 3)
    reports: dict[str, list[Progress]] = {"often": [], "rarely": []}
    often, rarely = miniature.run("often", device="cpu"), deferred(miniature, "rarely")
    often.train(reports["often"].append)
    rarely.train(reports["rarely"].append)
    assert all(torch.equal(value, weights_of(often)[name]) for name, value in weights_of(rarely).items())
    terms = [[report.terms for report in reports[name]] for name in ("often", "rarely")]
    first, _, third, _, _, sixth = terms[0]
    assert terms[1] == [first, first, third, third, third, sixth]
    assert len({report["total"] for report in terms[0]}) == 6


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_a_number_is_never_saved(miniature: Miniature, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(loop, "_LOG_EVERY", 5)
    run = deferred(miniature, "run")
    train_until(run, 1)
    before = run.checkpoint_path.read_bytes()

    def objective(
        photos: torch.Tensor, painted: torch.Tensor, styles: torch.Tensor, phase: int
    ) -> dict[str, torch.Tensor]:
        if phase != 2:
            return {"total": painted.square().sum()}
        return {"total": (0 * painted).sum().sqrt() if what == "gradient" else painted.sum() * math.nan}

    run.task.objective = objective  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match=r"the loss or its gradient is not a number before step 5: .*lower"):
        run.train(ignore)
    with pytest.raises(EngineError, match="is not a number"):
        run.save()
    assert run.checkpoint_path.read_bytes() == before


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_trains_what_the_processor_trains(miniature: Miniature, precision: str) -> None:
    runs = {device: miniature.run(device, device=device, precision=precision) for device in ("cpu", "cuda")}
    assert {parameter.device.type for parameter in runs["cuda"].task.module.parameters()} == {"cuda"}
    for run in runs.values():
        run.train(ignore, sample_every=3)
    cpu, gpu = (runs[device].validate()["total"] for device in ("cpu", "cuda"))
    assert gpu == pytest.approx(cpu, rel=0.05)
    assert {path.name for path in (miniature.folder / "cuda").iterdir()} == {
        path.name for path in (miniature.folder / "cpu").iterdir()
    }


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_run_goes_on_on_the_processor(miniature: Miniature) -> None:
    train_until(miniature.run("run", device="cuda"), 3)
    checkpoint = Checkpoint.load(miniature.folder / "run" / "checkpoint.safetensors")
    assert {weight.device.type for weight in checkpoint.weights.values()} == {"cpu"}
    for device, step in (("cpu", 4), ("cuda", 5)):
        run = miniature.run("run", device=device)
        run.resume()
        train_until(run, step)
    path = train(miniature.recipe_path, {"device": "cuda"}, miniature.folder / "run", resume=True)
    assert StyleBank.load(path).card.steps == 6
