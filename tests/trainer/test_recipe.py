from pathlib import Path

import pytest
from miniature import RECIPE

import trainer.recipes
from artem_vr.errors import UsageError
from trainer.recipe import load_recipe

SHIPPED = sorted(Path(str(trainer.recipes.__path__[0])).glob("*.toml"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "recipe.toml"


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_valid(shipped: Path) -> None:
    assert load_recipe(shipped).styles


def test_there_are_shipped_recipes() -> None:
    assert "bank" in {path.stem for path in SHIPPED}


def test_values_and_defaults(path: Path) -> None:
    recipe = load_recipe(path)
    assert (recipe.steps, recipe.batch, recipe.data.crop) == (6, 3, 32)
    assert recipe.seed == 0
    assert [style.name for style in recipe.styles] == ["stripes", "dots"]


@pytest.mark.parametrize(
    ("key", "value", "get", "expected"),
    [
        ("steps", "12", lambda recipe: recipe.steps, 12),
        ("losses.style", "2.5", lambda recipe: recipe.losses.style, 2.5),
        ("losses.content", "{ relu1_1 = 0.5 }", lambda recipe: recipe.losses.content, {"relu1_1": 0.5}),
        ("precision", "bfloat16", lambda recipe: recipe.precision, "bfloat16"),
        ("data.root", "/some where/else", lambda recipe: recipe.data.root, "/some where/else"),
        ("licence", "'quoted'", lambda recipe: recipe.licence, "quoted"),
        ("network.kind", "johnson", lambda recipe: recipe.network.kind, "johnson"),
    ],
)
def test_overrides(path: Path, key: str, value: str, get: object, expected: object) -> None:
    assert get(load_recipe(path, {key: value})) == expected


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("step", "12", "unknown key 'step': did you mean steps"),
        ("losses.stile", "1", "unknown key 'losses.stile': did you mean losses.style"),
        ("network.chanels", "8", "did you mean network.channels"),
        ("steps", "0", "steps: input should be greater than or equal to 1"),
        ("steps", "many", "steps: input should be a valid integer"),
        ("steps.more", "1", "--set steps.more: steps is not a table"),
        ("styles.0.name", "1", "styles is not a table"),
        ("styles", "[]", "styles: "),
        ("losses", "3", "losses: "),
        ("losses.content", "{}", "losses.content: "),
        ("losses.style_taps", "{}", "losses.style_taps: "),
        ("data.crop", "30", "data.crop: "),
        ("data.crop", "34", "multiple of 4"),
        ("data.smooth_share", "1.5", "less than or equal to 1"),
        ("learning_rate", "nan", "learning_rate: "),
        ("learning_rate", "-1", "learning_rate: "),
        ("precision", "float8", "precision: .*float32.*bfloat16"),
        ("network.kind", "unet", "network.kind: .*compact.*johnson"),
        ("seed", "-1", "seed: "),
    ],
)
def test_a_bad_override_is_one_line(path: Path, key: str, value: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        load_recipe(path, {key: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("batch = 3", "bach = 3", "unknown key 'bach': did you mean batch"),
        ('title = "Dots"', 'titel = "Dots"', "unknown key 'styles.titel': did you mean styles.title"),
        ('title = "Dots"\n', "", "styles.1.title: field required"),
        ('name = "dots"', 'name = "Dots!"', "styles.1.name: "),
        ('name = "dots"', 'name = "stripes"', "two styles are called 'stripes'"),
        ('name = "dots"', 'name = "original"', "'original' is taken"),
        ("short_side = 64", "short_side = 3", "short_side: "),
        ("[network]", "[network", "is not a recipe"),
        ("[network]", "[nettwork]", "unknown key 'nettwork': did you mean network"),
        ('name = "miniature"', "", "name: field required"),
    ],
)
def test_a_bad_recipe_is_one_line(path: Path, old: str, new: str, says: str) -> None:
    text = RECIPE.replace(old, new, 1)
    assert text != RECIPE
    path.write_text(text)
    with pytest.raises(UsageError, match=says) as error:
        load_recipe(path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe"):
        load_recipe(tmp_path / "missing.toml")
    (tmp_path / "noise.toml").write_bytes(bytes(range(128, 256)))
    with pytest.raises(UsageError, match="is not a recipe"):
        load_recipe(tmp_path / "noise.toml")
    with pytest.raises(UsageError, match="is not a recipe"):
        load_recipe(tmp_path)
