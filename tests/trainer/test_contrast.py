"""The contrast of a style, scaled in its vector and fitted."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from banks import STYLES, random_adain_bank, random_bank, tiny_recipe
from miniature import Miniature

from artem_vr.errors import ArtemError, InputError, UsageError
from artem_vr.styles import StyleBank
from trainer.contrast import LEAST, MOST, compact_config, fit_contrast, scaled, with_contrast
from trainer.data.crops import Photos
from trainer.trained import TrainedBank

Measure = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], dict[str, torch.Tensor]]
NO_PLACES = torch.empty(0, 3, 32, 32)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def photos(miniature: Miniature) -> Photos:
    return Photos.find(miniature.root / "photos")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "fit_contrast.py"
    spec = importlib.util.spec_from_file_location("fit_contrast", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _recipe(names: tuple[str, ...] = STYLES):
    recipe = tiny_recipe(names)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"crop": 32})})


def _likeness_to(bank: StyleBank) -> Measure:
    """How far paintings are from those of a bank: lowest where they are the same."""
    target = TrainedBank(bank, STYLES)

    def measure(photos: torch.Tensor, painted: torch.Tensor, styles: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"total": (painted - target(photos, styles).clamp(0, 1)).square().mean()}

    return measure


@pytest.mark.parametrize("factor", [0.9, 1.2])
def test_scaled_is_the_painted_picture_scaled_about_mid_grey(bank: StyleBank, factor: float) -> None:
    network, config = TrainedBank(bank).network, compact_config(bank)
    pictures = torch.rand(len(STYLES), 3, 40, 48, generator=torch.Generator().manual_seed(2))
    plain, other = (
        network(pictures, torch.from_numpy(vectors))
        for vectors in (bank.styles_SD, scaled(bank.styles_SD, factor, config))
    )
    assert (plain - 0.5).abs().max() > 0.1
    assert torch.allclose(other, 0.5 + factor * (plain - 0.5), atol=1e-5)


def test_a_factor_of_one_changes_no_bit(bank: StyleBank) -> None:
    vectors = bank.styles_SD.copy()
    assert np.array_equal(scaled(vectors, 1.0, compact_config(bank)), vectors)
    assert not np.array_equal(scaled(vectors, 1.1, compact_config(bank)), vectors)
    assert np.array_equal(vectors, bank.styles_SD), "what is given stays as it is"


def test_half_of_a_scaled_style_is_half_of_its_picture(bank: StyleBank) -> None:
    """Strength is a point on the line to the identity: that still holds, so a preview's slider still works."""
    network, style = TrainedBank(bank).network, scaled(bank.styles_SD[0], 1.2, compact_config(bank))
    picture = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(3))
    half, whole = (
        network(picture, torch.from_numpy(share * style + (1 - share) * bank.identity())[None]) for share in (0.5, 1.0)
    )
    assert torch.allclose(half, (picture + whole) / 2, atol=1e-3)


def test_a_bank_that_was_paled_gets_its_contrast_back(bank: StyleBank, photos: Photos) -> None:
    paled = (0.9, 1.0, 0.95)
    pale, recipe = with_contrast(bank, paled), _recipe()
    scene = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    told: list[tuple[int, int]] = []
    found, again = (
        fit_contrast(pale, recipe, photos, _likeness_to(bank), scene, 5, advance=lambda *done: told.append(done))
        for _ in range(2)
    )
    assert found == again
    assert list(found) == list(STYLES)
    assert list(found.values()) == pytest.approx([1 / factor for factor in paled], abs=0.006)
    assert found[STYLES[1]] == 1.0, "where nothing is better all stays as it is"
    assert told == [(1, 3), (2, 3), (3, 3)] * 2


def test_no_factor_leaves_its_bounds(bank: StyleBank, photos: Photos) -> None:
    recipe, far = _recipe(), with_contrast(bank, (0.5, 2.0, 1.0))
    weak, strong, same = fit_contrast(bank, recipe, photos, _likeness_to(far), NO_PLACES, 2).values()
    assert (weak, strong, same) == (LEAST, MOST, 1.0)
    _, strong, _ = fit_contrast(bank, recipe, photos, _likeness_to(far), NO_PLACES, 2, (0.95, 1.05)).values()
    assert strong == 1.05


def test_photographs_and_scene_count_alike(bank: StyleBank, photos: Photos) -> None:
    """However many there are of either: here the scene alone wants more contrast."""
    recipe, wanted = _recipe(), {"photographs": 1.0, "scene": 1.2}
    targets = {name: _likeness_to(with_contrast(bank, [factor] * 3)) for name, factor in wanted.items()}
    scene = torch.zeros(1, 3, 32, 32)
    scene[:, :, :, 16:] = 1.0

    def measure(pictures: torch.Tensor, painted: torch.Tensor, styles: torch.Tensor) -> dict[str, torch.Tensor]:
        """Both are a parabola of the contrast alone, of one steepness."""
        which = "scene" if pictures.shape == scene.shape and torch.equal(pictures, scene) else "photographs"
        spread = (TrainedBank(bank, STYLES)(pictures, styles) - 0.5).square().mean()
        return {"total": targets[which](pictures, painted, styles)["total"] / spread}

    found = fit_contrast(bank, recipe, photos, measure, scene, 7)
    assert list(found.values()) == pytest.approx([1.1] * 3, abs=0.006)


def test_weights_stay_and_the_range_behind_the_last_normalisation_is_widened(bank: StyleBank) -> None:
    ranged = replace(bank, ranges={"stem": (-0.5, 0.5), "paint": (-1.0, 2.0)})
    fitted = with_contrast(ranged, (0.95, 1.2, 1.0))
    assert fitted.ranges["stem"] == (-0.5, 0.5)
    assert fitted.ranges["paint"] == pytest.approx((-1.2, 2.4))
    assert fitted.fingerprint == bank.fingerprint, "or styles that were added would no longer fit"
    assert with_contrast(ranged, (0.95, 0.9, 0.95)).ranges == ranged.ranges, "added styles still need it"


def test_what_cannot_be_fitted_is_told_in_a_line(bank: StyleBank, photos: Photos, tmp_path: Path) -> None:
    adain, recipe, measure = random_adain_bank(tmp_path), _recipe(), _likeness_to(bank)
    cases: list[tuple[type[ArtemError], str, Callable[[], object]]] = [
        (
            UsageError,
            "of kind 'adain': only a compact",
            lambda: fit_contrast(adain, recipe, photos, measure, NO_PLACES),
        ),
        (UsageError, "on 0 photographs", lambda: fit_contrast(bank, recipe, photos, measure, NO_PLACES, 0)),
        (UsageError, "bounds", lambda: fit_contrast(bank, recipe, photos, measure, NO_PLACES, 2, (1.1, 1.2))),
        (InputError, "green", lambda: fit_contrast(bank, _recipe(("red", "blue")), photos, measure, NO_PLACES)),
        (UsageError, "factor above 0", lambda: scaled(bank.styles_SD, 0.0, compact_config(bank))),
        (UsageError, "numbers", lambda: scaled(bank.styles_SD[:, 1:], 1.0, compact_config(bank))),
        (UsageError, "each one a factor", lambda: with_contrast(bank, [1.0])),
    ]
    for kind, words, ask in cases:
        with pytest.raises(kind, match=words) as error:
            ask()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("tiny.safetensors", [], "is the bank to fit"),
        ("new.pt", [], "must end in .safetensors"),
        ("tiny.safetensors/new.safetensors", [], "cannot write to"),
        ("new.safetensors", ["--photographs", "0"], "must be at least 1"),
        ("new.safetensors", ["--most", "0.99"], "choose 1 or above"),
        ("new.safetensors", [], "has no painting for red, green, blue"),
    ],
)
def test_the_script_tells_a_mistake_in_a_line(
    script: ModuleType, bank: StyleBank, capsys: pytest.CaptureFixture[str], out: str, options: list[str], words: str
) -> None:
    before = bank.path.read_bytes()
    assert script.main([str(bank.path), str(bank.path.parent / out), *options]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert bank.path.read_bytes() == before
    assert [path.name for path in bank.path.parent.iterdir()] == [bank.path.name]


def test_the_script_writes_a_bank_whose_card_tells(
    script: ModuleType, miniature: Miniature, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = miniature.recipe(), tmp_path / "new.safetensors"
    monkeypatch.setattr(script, "recipe_and_root", lambda root: (recipe, root))
    bank = random_bank(tmp_path, recipe)
    arguments = ["--data", str(miniature.root), "--photographs", "2", "--places", "0"]
    assert script.main([str(bank.path), str(out), *arguments]) == 0
    fitted = StyleBank.load(out)
    assert "fitted on 2 training photographs: stripes " in fitted.card.description
    assert fitted.card.validation["total"] > 0
    assert all(np.array_equal(fitted.weights[name], weight) for name, weight in bank.weights.items())
    factor = float(fitted.card.description.split("stripes ")[1].split(",")[0])
    assert np.allclose(fitted.styles_SD[0], scaled(bank.styles_SD[0], factor, compact_config(bank)), atol=2e-3)
