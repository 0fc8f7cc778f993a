"""What a bank's training can begin from and learn from: published losses, a pruned bank, a teacher."""

from pathlib import Path

import pytest
import torch
from miniature import Miniature, assert_goes_on

from artem_vr.errors import UsageError
from artem_vr.styles import StyleBank
from trainer.command import train
from trainer.data.crops import read_painting
from trainer.loop import Run
from trainer.objective import Objective
from trainer.perceptual import PerceptualNetwork
from trainer.recipe_file import load_recipe

GRAM = {
    "losses.form": "gram",
    "losses.content": "{relu1_2 = 3.0}",
    "losses.style_taps": "{relu1_2 = 1.0, relu2_2 = 2.0}",
    "losses.style": "5.0",
}


def test_the_published_losses_are_squared_errors(miniature: Miniature) -> None:
    """Johnson et al. 2016, eq. 2 to 4, written out for one picture and one tap after the other."""
    torch.manual_seed(0)
    photo, painted = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    recipe = miniature.recipe(**GRAM)
    terms = Objective(recipe, miniature.root)(photo, painted, torch.tensor([1]))
    network = PerceptualNetwork.load(miniature.root / "perceptual.safetensors")
    painting = read_painting(miniature.root / "paintings" / "dots.png", 64)
    found, wanted = (network(picture, ["relu1_2", "relu2_2"]) for picture in (painted, painting))

    def gram(features: torch.Tensor) -> torch.Tensor:
        flat = features[0].flatten(1)
        return flat @ flat.T / features[0].numel()

    style = sum(
        weight * (gram(found[tap]) - gram(wanted[tap])).square().mean()
        for tap, weight in (("relu1_2", 1.0), ("relu2_2", 2.0))
    )
    content = (found["relu1_2"] - network(photo, ["relu1_2"])["relu1_2"]).square().mean()
    torch.testing.assert_close(terms["style"], torch.as_tensor(style), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(terms["content/relu1_2"], content, rtol=1e-4, atol=1e-7)


def test_balance_brings_each_of_three_terms_to_its_weight(miniature: Miniature) -> None:
    """With the untrained network, over the first steps, each is what the recipe says that it weighs."""
    overrides = {
        **GRAM, "losses.balance": "true", "losses.total_variation": "0.25", "losses.tone": "0",
        "losses.overflow": "0", "losses.grid": "0",
    }  # fmt: skip
    task = miniature.run("run", **overrides).task
    totals = []
    for step in range(4):
        photos = miniature.run("again", **overrides)._batches.batch(step)
        with torch.no_grad():
            totals.append(task.terms(task.module, photos, step, slice(None))["total"].item())
    # Training thins the large taps, which measures a little otherwise.
    assert sum(totals) / 4 == pytest.approx(1 + 5 + 0.25, rel=0.1)


def test_a_balanced_run_goes_on_with_the_same_balance(miniature: Miniature) -> None:
    overrides = {**GRAM, "losses.balance": "true"}
    assert_goes_on(lambda name: miniature.run(name, **overrides), 3)


def finished(miniature: Miniature, **overrides: str) -> Path:
    return train(miniature.recipe_path, {"steps": "2", **overrides}, miniature.folder / "runs" / "wide", resume=False)


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_a_pruned_bank_is_trained_on(miniature: Miniature, kind: str) -> None:
    shape = {"network.kind": kind, "network.channels": "8", "network.deep_channels": "16"}
    start = finished(miniature, **shape)
    overrides = {"start": str(start), "prune.inner": "0.5", "name": "narrow", "steps": "2"}
    path = train(miniature.recipe_path, overrides, miniature.folder / "runs" / "narrow", resume=False)
    wide, narrow = StyleBank.load(start), StyleBank.load(path)
    assert narrow.card.network["kind"] == kind
    assert narrow.card.network["inner"] == (8 if kind == "compact" else 16)
    assert sum(w.size for w in narrow.weights.values()) < sum(w.size for w in wide.weights.values())
    assert narrow.card.steps == 4
    table = (miniature.folder / "runs" / "networks.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table] == ["name", "narrow", "miniature"]  # the cheaper one first


def test_a_pruned_run_goes_on(miniature: Miniature) -> None:
    overrides = {"start": str(finished(miniature, **{"network.deep_channels": "16"})), "prune.inner": "0.5"}
    assert_goes_on(lambda name: miniature.run(name, **overrides), 3)


def test_pruning_needs_a_finished_bank(miniature: Miniature) -> None:
    with pytest.raises(UsageError, match="prune cuts a finished bank: set start to its path"):
        load_recipe(miniature.recipe_path, {"prune.inner": "0.5"})


def test_a_narrow_network_learns_to_paint_as_its_teacher(miniature: Miniature) -> None:
    overrides = {"teacher": str(finished(miniature)), "losses.teacher": "100.0", "seed": "5", "steps": "60"}
    run = miniature.run("student", **overrides, **{"network.channels": "6", "learning_rate": "1e-2"})

    def distance(run: Run) -> float:
        with torch.no_grad():
            photos = run._batches.batch(1000)
            return run.task.terms(run.task.module, photos, 0, slice(None))["teacher"].item()

    before = distance(run)
    terms: list[dict[str, float]] = []
    run.train(lambda progress: terms.append(progress.terms))
    assert distance(run) < 0.7 * before
    assert "teacher" in terms[-1]


@pytest.mark.parametrize("one", [{"teacher": "bank.safetensors"}, {"losses.teacher": "1.0"}])
def test_a_teacher_and_its_weight_go_together(miniature: Miniature, one: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"teacher, the path of a bank, and losses.teacher, its weight, go together"):
        load_recipe(miniature.recipe_path, one)


def test_what_weighs_nothing_is_left_to_validation(miniature: Miniature) -> None:
    objective = Objective(miniature.recipe(), miniature.root)
    batch, styles = torch.rand(2, 3, 32, 32), torch.tensor([0, 1])
    assert "weave" not in objective(batch, batch, styles, phase=0)
    assert "weave" in objective(batch, batch, styles)
    same = [objective(batch, batch, styles, phase)["total"] for phase in (4, 4)]
    assert torch.equal(*same)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [1.0, 1.0, 1.0]), ("inverse", [1.0, 0.5, 1 / 101])],
)
def test_published_schedules(miniature: Miniature, schedule: str, expected: list[float]) -> None:
    from trainer.loop import learning_rate

    overrides = {"schedule": schedule, "decay": "0.01", "warmup": "0", "learning_rate": "1.0", "steps": "10000"}
    recipe = miniature.recipe(**overrides)
    assert [learning_rate(recipe, step) for step in (0, 100, 10_000)] == pytest.approx(expected)


def test_a_share_of_the_photographs(miniature: Miniature) -> None:
    run = miniature.run("run", **{"data.share": "0.9"})
    photos = run.task._photos  # type: ignore[attr-defined]
    assert len(photos.training) + len(photos.validation) == 21  # of 23
    with pytest.raises(Exception, match=r"too few pictures \(12 of which data.share takes 12\)|too few pictures"):
        miniature.run("run", **{"data.share": "0.5"})


def test_only_what_was_measured_alike_is_compared(miniature: Miniature) -> None:
    """Gram matrices at the same taps are another measure: such a total would rank with none of the others."""
    from trainer.ranking import measures_alike
    from trainer.shipped import recipe_and_root

    shipped = recipe_and_root()[0]
    assert measures_alike(shipped)
    assert measures_alike(shipped.model_copy(update={"losses": shipped.losses.model_copy(update={"style": 99.0})}))
    for other in ({"form": "gram"}, {"content": {"relu3_1": 1.0}}, {"style_taps": {"relu1_1": 1.0}}):
        losses = shipped.losses.model_copy(update=other)
        assert not measures_alike(shipped.model_copy(update={"losses": losses}))
