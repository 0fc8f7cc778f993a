import json
from pathlib import Path

import pytest
import torch
from miniature import Miniature, train_until
from safetensors import safe_open
from safetensors.torch import save_file

import trainer.checkpoint
from artem_vr.errors import InputError, UsageError
from trainer.checkpoint import Checkpoint
from trainer.loop import Run


@pytest.fixture
def run(miniature: Miniature) -> Run:
    started = miniature.run("run")
    train_until(started, 2)
    return started


def parts(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata())  # noqa: SIM118


def test_the_format(run: Run) -> None:
    """Runs of days are resumed from this file: its keys and metadata stay."""
    tensors, metadata = parts(run.checkpoint_path)
    names = dict(run.task.module.named_parameters())
    assert tensors.keys() == {
        *(f"{group}/{name}" for group in ("weights", "first") for name in names),
        "second/styles_SD",  # Muon has one moment of convolutions
    }
    assert metadata.keys() == {"step", "recipe"}
    assert metadata["step"] == "2"
    assert json.loads(metadata["recipe"])["name"] == "miniature"


def test_it_comes_back_as_it_was(run: Run) -> None:
    again = Checkpoint.load(run.checkpoint_path)
    assert again.step == 2
    assert again.style_names == ["stripes", "dots"]
    for name, parameter in run.task.module.named_parameters():
        state = run._plain_optimizer.state[parameter]
        assert torch.equal(again.weights[name], parameter)
        assert torch.equal(again.first_moments[name], state["exp_avg"])
        if name == "styles_SD":
            assert torch.equal(again.second_moments[name], state["exp_avg_sq"])
        assert state["exp_avg"].abs().sum() > 0


def disk_full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def killed(*_: object, **__: object) -> None:
    raise SystemExit  # no handler of ordinary errors runs


@pytest.mark.parametrize("where", ["save_file", "fsync", "replace"])
@pytest.mark.parametrize("failure", [disk_full, killed])
def test_a_failure_while_writing_leaves_the_old_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, where: str, failure: object
) -> None:
    old = run.checkpoint_path.read_bytes()
    run.step = 99
    target = {"save_file": (trainer.checkpoint, "save_file"), "fsync": (trainer.checkpoint.os, "fsync")}
    monkeypatch.setattr(*target.get(where, (Path, "replace")), failure)
    with pytest.raises(UsageError if failure is disk_full else SystemExit) as error:
        run.save()
    monkeypatch.undo()
    assert run.checkpoint_path.read_bytes() == old
    assert Checkpoint.load(run.checkpoint_path).step == 2
    if failure is disk_full:
        assert "No space left" in str(error.value)
        assert not list(run.checkpoint_path.parent.glob(".*"))
    run.save()  # and the next one succeeds
    assert Checkpoint.load(run.checkpoint_path).step == 99


def test_half_a_write_is_never_under_the_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(tensors: object, path: Path, metadata: object) -> None:
        assert path != run.checkpoint_path
        path.write_bytes(b"half")
        raise SystemExit

    monkeypatch.setattr(trainer.checkpoint, "save_file", half)
    with pytest.raises(SystemExit):
        run.save()
    assert Checkpoint.load(run.checkpoint_path).step == 2


def without(tensors: dict[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in tensors.items() if not key.startswith(start)}


CORRUPT = {
    "other keys": lambda t, m: ({"conv.weight": torch.zeros(3)}, m),
    "an unknown group": lambda t, m: ({**t, "third/x": torch.zeros(3)}, m),
    "no moments": lambda t, m: (without(t, "first/"), m),
    "a second moment of another shape": lambda t, m: ({**t, "second/styles_SD": torch.zeros(3)}, m),
    "a moment of another shape": lambda t, m: ({**t, "first/styles_SD": torch.zeros(3)}, m),
    "no metadata": lambda t, m: (t, None),
    "no step": lambda t, m: (t, {"recipe": m["recipe"]}),
    "a step that is no number": lambda t, m: (t, {**m, "step": "two"}),
    "a negative step": lambda t, m: (t, {**m, "step": "-1"}),
    "a recipe that is no JSON": lambda t, m: (t, {**m, "recipe": "{"}),
    "a recipe without a name": lambda t, m: (t, {**m, "recipe": "{}"}),
    "a recipe of another type": lambda t, m: (t, {**m, "recipe": "[]"}),
}


@pytest.mark.parametrize("change", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_safetensors_file_that_is_no_checkpoint(run: Run, change: object) -> None:
    tensors, metadata = change(*parts(run.checkpoint_path))
    save_file(tensors, run.checkpoint_path, metadata)
    with pytest.raises(InputError, match=r"is not a checkpoint .*start without --resume") as error:
        run.resume()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_checkpoint(run: Run, content: bytes | None) -> None:
    path = run.checkpoint_path
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(InputError, match="is not a checkpoint"):
        run.resume()


def test_no_checkpoint_at_all(miniature: Miniature) -> None:
    with pytest.raises(InputError, match="start without --resume"):
        miniature.run("new").resume()


@pytest.mark.parametrize("change", [{"network.channels": "8"}, {"network.blocks": "2"}, {"network.kind": "johnson"}])
def test_a_checkpoint_of_another_network(miniature: Miniature, run: Run, change: dict[str, str]) -> None:
    with pytest.raises(InputError, match="start without --resume"):
        miniature.run("run", **change).resume()


def test_a_checkpoint_of_another_optimiser(miniature: Miniature, run: Run) -> None:
    with pytest.raises(InputError, match=r"was trained with muon: --set optimizer=muon"):
        miniature.run("run", optimizer="adam").resume()


def test_adam_has_both_moments_of_all(miniature: Miniature) -> None:
    run = miniature.run("adam", optimizer="adam")
    train_until(run, 2)
    again = Checkpoint.load(run.checkpoint_path)
    assert again.optimizer == "adam"
    assert again.first_moments.keys() == again.second_moments.keys() == again.weights.keys()


def test_a_checkpoint_of_other_styles(miniature: Miniature, run: Run) -> None:
    text = miniature.recipe_path.read_text().replace('name = "dots"', 'name = "points"')
    miniature.recipe_path.write_text(text)
    with pytest.raises(InputError, match=r"other styles \(stripes, dots\)"):
        miniature.run("run").resume()
