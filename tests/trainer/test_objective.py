import pytest
import torch
from miniature import Miniature

from trainer.data.crops import Photos, validation_batch
from trainer.loop import Run
from trainer.objective import Objective, weighed
from trainer.validation import validate


@pytest.fixture
def batch() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(2, 3, 32, 32)


def test_the_total_is_the_weighted_sum(miniature: Miniature, batch: torch.Tensor) -> None:
    others = ("patch", "palette", "lattice", "constant_grid", "grid_share", "weave")
    recipe = miniature.recipe(**{f"losses.{name}": str(0.5 + index) for index, name in enumerate(others)})
    terms = Objective(recipe, miniature.root)(batch, batch.flip(3) * 1.1, torch.tensor([0, 1]))
    weights = recipe.losses
    assert all(value.ndim == 0 for value in terms.values())
    expected = (
        terms["content/relu2_1"] * weights.content["relu2_1"]
        + terms["style"] * weights.style
        + terms["tone"] * weights.tone
        + terms["patch"] * weights.patch
        + terms["palette"] * weights.palette
        + terms["lattice"] * weights.lattice
        + terms["constant_grid"] * weights.constant_grid
        + terms["grid_share"] * weights.grid_share
        + terms["weave"] * weights.weave
        + terms["variation"] * weights.total_variation
        + terms["grid"] * weights.grid
        + terms["overflow"] * weights.overflow
    )
    assert torch.allclose(terms["total"], expected, rtol=1e-5)
    assert terms["overflow"] > 0


def test_an_unchanged_picture_has_no_content_loss(miniature: Miniature, batch: torch.Tensor) -> None:
    terms = Objective(miniature.recipe(), miniature.root)(batch, batch, torch.tensor([0, 1]))
    assert terms["content/relu2_1"].item() < 1e-8
    assert terms["style"] > 0.01


def test_each_picture_is_measured_against_its_own_painting(miniature: Miniature, batch: torch.Tensor) -> None:
    objective = Objective(miniature.recipe(), miniature.root)
    first, second, both = (
        objective(batch, batch, torch.tensor(styles))["style"] for styles in ([0, 0], [1, 1], [0, 1])
    )
    assert abs(first - second) > 1e-4
    assert min(first, second) < both < max(first, second)


def test_a_style_may_weigh_more(miniature: Miniature, batch: torch.Tensor) -> None:
    text = miniature.recipe_path.read_text()
    plain = Objective(miniature.recipe(), miniature.root)(batch, batch, torch.tensor([1, 1]))
    miniature.recipe_path.write_text(text + "style_weight = 3.0\n")  # of the last style
    heavy = Objective(miniature.recipe(), miniature.root)(batch, batch, torch.tensor([1, 1]))
    assert torch.allclose(heavy["style"], plain["style"])
    extra = 2 * miniature.recipe().losses.style * plain["style"]
    assert torch.allclose(heavy["total"] - plain["total"], extra, rtol=1e-4)


def test_bfloat16_is_near_float32(miniature: Miniature, batch: torch.Tensor) -> None:
    values = [
        Objective(miniature.recipe(precision=precision), miniature.root)(batch, 0.8 * batch, torch.tensor([0, 1]))
        for precision in ("float32", "bfloat16")
    ]
    assert values[0]["total"] != values[1]["total"]
    assert torch.allclose(values[0]["total"], values[1]["total"], rtol=0.05)


def test_validation_is_the_mean_over_photographs_and_styles(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = miniature.recipe()
    run, photos = Run(recipe, miniature.root, miniature.folder / "run"), Photos.find(miniature.root / "photos")
    objective = Objective(recipe, miniature.root)
    with torch.no_grad():
        singles = [
            objective(batch, run.task.module(batch, torch.tensor([style])).clamp(0, 1), torch.tensor([style]))[
                "total"
            ].item()
            for batch in (validation_batch(photos, 32, i, 1) for i in range(2))
            for style in range(2)
        ]
    assert validate(run.task.module, recipe, photos, objective)["total"] == pytest.approx(sum(singles) / 4, rel=1e-4)
    assert run.validate()["total"] == pytest.approx(sum(singles) / 4, rel=1e-4)


def test_totals_of_other_recipes_compare(miniature: Miniature, batch: torch.Tensor) -> None:
    """What one recipe measures is weighed as another would have weighed it."""
    one = miniature.recipe()
    other = miniature.recipe(**{"losses.style": "9.0", "losses.weave": "3.0", "losses.content": "{relu2_1 = 0.5}"})
    found, wanted = (
        {
            name: value.item()
            for name, value in Objective(recipe, miniature.root)(batch, 0.8 * batch, torch.tensor([0, 1])).items()
        }
        for recipe in (one, other)
    )
    assert found["total"] != pytest.approx(wanted["total"], rel=0.1)
    assert weighed(found, other.losses) == pytest.approx(wanted["total"], rel=1e-5)
    assert weighed(found, one.losses) == pytest.approx(found["total"], rel=1e-5)
