from pathlib import Path

import pytest
from miniature import RECIPE

import trainer.recipes
from artem_vr.errors import UsageError
from trainer.recipe_file import load_recipe

SHIPPED = sorted(Path(str(trainer.recipes.__path__[0])).glob("*.toml"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "recipe.toml"


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_valid(shipped: Path) -> None:
    recipe = load_recipe(shipped)
    assert recipe.task == "perceptual" or recipe.styles
    assert recipe.name == shipped.stem


def test_there_are_shipped_recipes() -> None:
    published = {"johnson2016", "pytorch_example", "padded_balanced", "adain"}
    assert {"bank", "johnson", "perceptual", "adain_small"} | published <= {path.stem for path in SHIPPED}


def test_the_reference_differs_from_the_bank_in_its_network_and_optimiser_alone() -> None:
    bank, johnson = (load_recipe(path).model_dump() for path in SHIPPED if path.stem in {"bank", "johnson"})
    assert (johnson["network"]["kind"], johnson["network"]["channels"]) == ("johnson", 32)
    assert [key for key in bank if bank[key] != johnson[key]] == ["name", "optimizer", "learning_rate", "network"]


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
        ("device", "gpu", "device: .*auto.*cpu.*cuda"),
        ("extends", "other.toml", "a recipe's file alone can extend another"),
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
        ('name = "miniature"', 'extend = "base.toml"', "unknown key 'extend': did you mean extends"),
        ('name = "miniature"', "extends = 3", "extends: write the path of one recipe"),
        ('name = "miniature"', 'extends = "gone.toml"', "recipe.toml: extends: there is no recipe .*gone.toml"),
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


def extending(path: Path, text: str, base: str = "recipe.toml") -> Path:
    extended = path.with_name("extended.toml")
    extended.write_text(f'extends = "{base}"\n{text}')
    return extended


def test_a_recipe_that_extends_another(path: Path) -> None:
    text = "steps = 9\n[losses]\ncontent = { relu3_1 = 0.5 }\n[network]\nblocks = 2\n"
    base, extended = load_recipe(path), load_recipe(extending(path, text), {"batch": "5", "losses.grid": "7.0"})
    assert (extended.steps, extended.batch, extended.warmup) == (9, 5, base.warmup)
    assert (extended.network.blocks, extended.network.channels) == (2, 4)  # merged key by key
    assert extended.losses.content == {"relu3_1": 0.5}  # replaced
    assert (extended.losses.style_taps, extended.losses.grid) == (base.losses.style_taps, 7.0)
    assert (extended.styles, extended.data) == (base.styles, base.data)


def test_the_list_of_styles_is_replaced(path: Path) -> None:
    style = '[[styles]]\nname = "new"\npainting = "n.png"\ntitle = "New"\nartist = "A Test"\nyear = "2024"\n'
    assert [one.name for one in load_recipe(extending(path, style)).styles] == ["new"]


@pytest.mark.parametrize(("root", "expected"), [("data", "../data"), ("/data", "/data")])
def test_the_root_of_a_base_elsewhere_stays_where_it_is(path: Path, root: str, expected: str) -> None:
    path.write_text(RECIPE.replace('root = "data"', f'root = "{root}"'))
    (path.parent / "below").mkdir()
    extended = path.parent / "below" / "extended.toml"
    extended.write_text('extends = "../recipe.toml"\n')
    assert load_recipe(extended).data.root == expected
    extended.write_text('extends = "../recipe.toml"\n[data]\nroot = "own"\n')
    assert load_recipe(extended).data.root == "own"


@pytest.mark.parametrize("base", ["second.toml", "extended.toml"])
def test_a_base_that_extends_is_refused(path: Path, base: str) -> None:
    path.with_name("second.toml").write_text('extends = "recipe.toml"\n')
    with pytest.raises(UsageError, match=f"extends {base}, which extends another") as error:
        load_recipe(extending(path, "", base))
    assert "\n" not in str(error.value)


def test_a_base_that_is_no_recipe(path: Path) -> None:
    path.write_text("[network")
    with pytest.raises(UsageError, match=r"extended.toml: extends: .*recipe.toml is not a recipe") as error:
        load_recipe(extending(path, ""))
    assert "\n" not in str(error.value)
