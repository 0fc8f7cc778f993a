"""Pictures as styles: which part of a style is one, what is made of it, and what is said of those that do not do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import ADAIN_SIDE, STYLES, picture, random_adain_bank, random_bank, tiny_recipe
from PIL import Image

from artem_vr import live, offline_painter, picture_styles, resources
from artem_vr.config import PreviewOptions
from artem_vr.engines.loading import load_network
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import ArtemError, InputError, ModelError, UsageError
from artem_vr.offline_painter import StylizeOptions, stylize_file
from artem_vr.picture_styles import open_bank, with_pictures
from artem_vr.ports import Action
from artem_vr.style_control import FADE_SECONDS, StyleControl, parse_style
from artem_vr.styles import IDENTITY, StyleBank, Vector


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_adain_bank(tmp_path_factory.mktemp("adain"))


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("compact"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that paths are relative to, with two paintings of the size, here small, at which they are read."""
    for number, name in enumerate(("wave.png", "field_of-corn.jpg")):
        save(tmp_path / name, ADAIN_SIDE, ADAIN_SIDE + 8 * number, 20 + number)
    monkeypatch.setattr(picture_styles, "SHORT_SIDE", ADAIN_SIDE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(path: Path, height: int, width: int, seed: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(height, width, seed)).save(path)
    return path


def statistics(bank: StyleBank, path: Path) -> Vector:
    """What the vector of a picture of the right size is: no share of the content, then deviations, then means."""
    batch = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None] / 255
    features = load_network(bank).encode(batch)[0].flatten(1).numpy().astype(np.float64)
    deviation = np.sqrt(features.var(1) + 1e-5)
    return np.concatenate([[0.0], deviation, features.mean(1)]).astype(np.float32)


def refused(kind: type[ArtemError], *said: str, call: Callable[[], object]) -> str:
    """The error of a call, which is of that very kind, in one line that holds all of `said`."""
    with pytest.raises(kind) as error:
        call()
    assert type(error.value) is kind
    assert "\n" not in str(error.value)
    for text in said:
        assert text in str(error.value)
    return str(error.value)


def assert_near(actual: Vector, expected: Vector) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_a_picture_is_its_statistics(bank: StyleBank, folder: Path) -> None:
    opened = open_bank(bank.path, "wave.png")
    assert opened.names == [*STYLES, "wave.png"] and opened.added == 1
    assert_near(parse_style(opened, "wave.png"), statistics(bank, folder / "wave.png"))
    np.testing.assert_array_equal(opened.styles_SD[:3], bank.styles_SD)
    assert opened.fingerprint == bank.fingerprint
    assert bank.names == list(STYLES)  # what was opened before stays as it was


def test_a_painting_of_the_bank_is_its_style_again(bank: StyleBank, folder: Path) -> None:
    """The program reads a picture as the trainer does, at the same size."""
    painting = str(bank.path.parent / "paintings" / f"{STYLES[1]}.png")
    assert_near(parse_style(open_bank(bank.path, painting), painting), bank.vector(STYLES[1]))


def test_pictures_are_brought_to_one_size(bank: StyleBank, folder: Path) -> None:
    """Strokes have a size: the same picture at another resolution is nearly the same style."""
    rgb_HWC = np.array(Image.open("wave.png"))
    Image.fromarray(rgb_HWC.repeat(3, 0).repeat(3, 1)).save("large.png")
    opened = open_bank(bank.path, "wave.png,large.png")
    assert_near(opened.vector("large.png"), opened.vector("wave.png"))
    unscaled = statistics(bank, folder / "large.png")
    assert np.abs(unscaled - opened.vector("wave.png")).mean() > 0.01  # it is not so by itself
    # A small one is enlarged: smoother than the large one, but far nearer to it than as it is.
    Image.fromarray(rgb_HWC[::2, ::2]).save("small.png")
    enlarged = open_bank(bank.path, "small.png").vector("small.png")
    as_it_is = statistics(bank, folder / "small.png")
    near, far = (np.abs(vector - opened.vector("wave.png")).mean() for vector in (enlarged, as_it_is))
    assert near < 0.2 * far


def test_a_name_is_no_picture_even_where_a_file_is_called_like_it(bank: StyleBank, folder: Path) -> None:
    for name in (STYLES[0], IDENTITY):
        save(folder / "x.png", 32, 32).rename(folder / name)
        opened = open_bank(bank.path, name)
        assert opened.names == list(STYLES)
        assert np.array_equal(parse_style(opened, name), bank.vector(name))


def test_mixes_of_pictures_names_and_weights(bank: StyleBank, folder: Path) -> None:
    wave, corn = (statistics(bank, folder / name) for name in ("wave.png", "field_of-corn.jpg"))
    for text, expected in (
        ("wave.png,field_of-corn.jpg", (wave + corn) / 2),
        ("wave.png:3, field_of-corn.jpg:1", 0.75 * wave + 0.25 * corn),
        ("wave.png:0.5,red:0.25,original:0.25", 0.5 * wave + 0.25 * bank.vector("red") + 0.25 * bank.identity()),
        ("green:1,wave.png:0", bank.vector("green")),
        ("wave.png:0.2", wave),
    ):
        assert_near(parse_style(open_bank(bank.path, text), text), expected)


def test_the_same_picture_twice_is_one_style(bank: StyleBank, folder: Path) -> None:
    text = "wave.png:1,red:2,wave.png:1"
    opened = open_bank(bank.path, text)
    assert opened.names == [*STYLES, "wave.png"]
    assert_near(parse_style(opened, text), (statistics(bank, folder / "wave.png") + bank.vector("red")) / 2)


@pytest.mark.parametrize("name", ["12:30/wave.png", "a:b.png", "Monet, Water Lilies.png", "0:5,1:2.png", "no suffix"])
def test_a_path_may_have_what_mixes_are_written_with(bank: StyleBank, folder: Path, name: str) -> None:
    save(folder / "new.png", 64, 64)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "new.png").rename(folder / name)
    opened = open_bank(bank.path, name)
    assert opened.names == [*STYLES, name]
    assert np.array_equal(parse_style(opened, name), opened.styles_SD[-1])
    assert StyleControl(opened, name).caption[0] == Path(name).stem


def test_a_path_with_a_colon_may_have_a_weight(bank: StyleBank, folder: Path) -> None:
    save(folder / "12:30" / "wave.png", 64, 64)
    text = "12:30/wave.png:3,red:1"
    opened = open_bank(bank.path, text)
    assert opened.names == [*STYLES, "12:30/wave.png"]
    assert_near(parse_style(opened, text), 0.75 * opened.styles_SD[-1] + 0.25 * bank.vector("red"))


def test_the_home_folder_may_be_meant(bank: StyleBank, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    opened = open_bank(bank.path, "~/wave.png")
    assert_near(opened.vector("~/wave.png"), statistics(bank, folder / "wave.png"))


@pytest.fixture
def shipped(tmp_path: Path, bank: StyleBank, compact: StyleBank, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of the shipped files: tiny networks under the same names."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "bank.safetensors").write_bytes(compact.path.read_bytes())
    (models / "adain.safetensors").write_bytes(bank.path.read_bytes())
    monkeypatch.setattr(resources, "models", lambda: models)
    return models


def test_without_a_model_a_picture_opens_the_shipped_network(folder: Path, shipped: Path) -> None:
    for style in (None, "red", "red,green:2", IDENTITY):
        assert open_bank(None, style).path == shipped / "bank.safetensors"
    opened = open_bank(None, "wave.png:0.5,red:0.5")
    assert opened.path == shipped / "adain.safetensors"
    assert opened.names == [*STYLES, "wave.png"]


def test_a_network_that_did_not_come_with_the_program_is_named(folder: Path, shipped: Path) -> None:
    (shipped / "adain.safetensors").unlink()
    refused(ModelError, "adain.safetensors", call=lambda: open_bank(None, "wave.png"))
    assert open_bank(None, "red").names == list(STYLES)  # and painters need it not


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_a_bank_of_painters_takes_no_picture(folder: Path, kind: str) -> None:
    own = random_bank(folder, tiny_recipe(kind=kind))
    add = f"artem-vr styles add wave.png --name NAME --bank {own.path}"
    refused(UsageError, "tiny.safetensors", "leave out --model", add, call=lambda: open_bank(own.path, "wave.png"))
    refused(UsageError, "leave out --model", call=lambda: open_bank(own.path, "red:0.5,wave.png:0.5"))
    assert open_bank(own.path, "red").names == list(STYLES)


def write_text(path: Path) -> None:
    path.write_text("a painting, honestly\n" * 9)


BAD_PICTURES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("nowhere.jpg", lambda path: None, "check the path"),
    "of nobody": ("~nobody-here/a.jpg", lambda path: None, "check the path"),
    "a name beyond measure": ("x" * 300 + ".jpg", lambda path: None, "check the path"),
    "a folder": ("folder.png", lambda path: path.mkdir(), "check the path"),
    "text": ("text.jpg", write_text, "damaged or not a picture"),
    "empty": ("empty.png", lambda path: path.touch(), "no bytes"),
    "too low": ("low.png", lambda path: save(path, 15, 40), "40x15 pixels: take one of at least 16"),
    "too narrow": ("narrow.png", lambda path: save(path, 40, 15), "15x40 pixels"),
    "too long": ("long.png", lambda path: save(path, 16, 129), "129x16 pixels"),
    "too tall": ("tall.png", lambda path: save(path, 129, 16), "not more than 8 times"),
}


@pytest.mark.parametrize(("name", "write", "says"), BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_a_picture_that_does_not_do(
    bank: StyleBank, folder: Path, name: str, write: Callable[[Path], object], says: str
) -> None:
    write(folder / name)
    alone = refused(InputError, name, says, call=lambda: open_bank(bank.path, name))
    assert alone == refused(InputError, name, says, call=lambda: open_bank(bank.path, f"red,{name}:0.5"))


def test_the_smallest_and_the_longest_that_do(bank: StyleBank, folder: Path) -> None:
    save(folder / "small.png", 16, 16)
    save(folder / "long.png", 16, 128)
    opened = open_bank(bank.path, "small.png,long.png")
    assert opened.names[3:] == ["small.png", "long.png"]
    assert np.isfinite(opened.styles_SD).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_a_picture_of_any_kind(bank: StyleBank, folder: Path, mode: str) -> None:
    if mode == "I;16":
        Image.fromarray(picture(64, 64)[..., 0].astype(np.uint16) * 257).save("kind.png")
    else:
        Image.fromarray(picture(64, 64)).convert(mode).save("kind.png")
    assert np.ptp(open_bank(bank.path, "kind.png").vector("kind.png")) > 0


@pytest.mark.parametrize("style", ["gren", "waves", "x" * 300, "~nobody-here", "red,,green", ",", "\0"])
def test_what_is_no_picture_is_an_unknown_style(bank: StyleBank, folder: Path, style: str) -> None:
    line = refused(UsageError, "unknown style", call=lambda: parse_style(open_bank(bank.path, style), style))
    assert any(f"'{part}'" in line for part in style.split(","))


@pytest.mark.parametrize(
    ("style", "says"), [("wave.png:much", "NAME:0.7"), ("wave.png:-1", "positive"), ("wave.png:0", "more than zero")]
)
def test_a_bad_weight_of_a_picture(bank: StyleBank, folder: Path, style: str, says: str) -> None:
    assert says in refused(UsageError, call=lambda: parse_style(open_bank(bank.path, style), style))


def test_next_and_previous_go_through_the_pictures_too(bank: StyleBank, folder: Path) -> None:
    control = StyleControl(open_bank(bank.path, "wave.png"), "wave.png")
    assert_near(control.initial[1], statistics(bank, folder / "wave.png"))
    for action, expected in (
        (Action.NEXT_STYLE, "red"),
        (Action.PREVIOUS_STYLE, "wave.png"),
        (Action.PREVIOUS_STYLE, "blue"),
        (Action.NEXT_STYLE, "wave.png"),
    ):
        assert control.handle(action, 1.0)
        assert control.style == expected
    # Of a mix the parts are styles, and the mix is none of them.
    text = "wave.png:2,field_of-corn.jpg"
    control = StyleControl(open_bank(bank.path, text), text)
    control.handle(Action.PREVIOUS_STYLE, 1.0)
    assert control.style == "field_of-corn.jpg"


def test_a_picture_fades_into_a_painter(bank: StyleBank, folder: Path) -> None:
    opened = open_bank(bank.path, "wave.png")
    control = StyleControl(opened, "wave.png")
    control.vectors(10.0)
    control.choose("red", 10.0)
    half = control.vectors(10.0 + FADE_SECONDS / 2)[0]
    assert_near(half, (opened.vector("wave.png") + opened.vector("red")) / 2)


def test_a_caption_without_an_artist(bank: StyleBank, folder: Path) -> None:
    opened = open_bank(bank.path, "field_of-corn.jpg")
    assert StyleControl(opened, "field_of-corn.jpg").caption == ["field of corn", "strength 100 %"]
    assert StyleControl(opened, "red").caption == ["Red, A Test", "strength 100 %"]


ALPHAS = pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])


@ALPHAS
def test_alpha_of_a_compact_network_is_the_line_to_the_picture_itself(compact: StyleBank, alpha: float) -> None:
    vector = parse_style(compact, "red", alpha)
    # Halves are exact in floating point, so that this is no matter of rounding.
    assert np.array_equal(
        vector, np.float32(1 - alpha) * compact.identity() + np.float32(alpha) * compact.vector("red")
    )
    pixels, engine = picture(48, 64)[None], TorchEngine(compact)
    painted = engine.paint(pixels, vector[None]).astype(int)
    full = engine.paint(pixels, compact.vector("red")[None])
    assert np.abs(full.astype(int) - pixels).mean() > 10
    assert np.abs(painted - ((1 - alpha) * pixels + alpha * full)).max() <= 1.5  # bytes were rounded twice


@ALPHAS
def test_alpha_of_an_adain_network_is_the_line_to_its_plain_features(
    bank: StyleBank, folder: Path, alpha: float
) -> None:
    opened, network = open_bank(bank.path, "wave.png"), load_network(bank)
    vector = parse_style(opened, "wave.png", alpha)
    style = statistics(bank, folder / "wave.png")
    assert_near(vector, (1 - alpha) * bank.identity() + alpha * style)
    batch = torch.from_numpy(picture(48, 64)).permute(2, 0, 1)[None] / 255
    plain, full = network.encode(batch), network.restyle(network.encode(batch), torch.from_numpy(style)[None])
    expected = network.decode((1 - alpha) * plain + alpha * full)
    assert torch.allclose(network(batch, torch.from_numpy(vector)[None]), expected, atol=1e-4)
    assert not torch.allclose(network.decode(plain), network.decode(full), atol=0.02)  # the two ends differ


def test_alpha_in_a_network_without_a_way_back(tmp_path: Path) -> None:
    johnson = random_bank(tmp_path, tiny_recipe(kind="johnson"))
    assert np.array_equal(parse_style(johnson, "red", 1.0), johnson.vector("red"))
    for alpha in (0.0, 0.5):
        refused(UsageError, "johnson", call=lambda alpha=alpha: parse_style(johnson, "red", alpha))
        refused(UsageError, "johnson", call=lambda alpha=alpha: StyleControl(johnson, "red", alpha=alpha))


def test_alpha_holds_every_style_back(bank: StyleBank, folder: Path) -> None:
    opened = open_bank(bank.path, "wave.png")
    control = StyleControl(opened, "wave.png", alpha=0.25)
    held = {name: 0.75 * bank.identity() + 0.25 * opened.vector(name) for name in ("wave.png", "red")}
    assert_near(control.initial[0], held["wave.png"])
    control.handle(Action.NEXT_STYLE, 0.0)
    assert control.style == "red"
    assert_near(control.vectors(FADE_SECONDS)[0], held["red"])
    assert control.strength == 1.0  # which is another matter


def no_engine(*arguments: object) -> None:
    pytest.fail("an engine was opened")


@pytest.mark.parametrize("alpha", [1.5, -0.1, float("nan")])
def test_an_alpha_that_is_none_is_refused_before_any_work(
    bank: StyleBank, folder: Path, alpha: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "open_engine", no_engine)
    monkeypatch.setattr(offline_painter, "open_engine", no_engine)
    said = f"--alpha {alpha:g}", "from 0", "to 1"
    stylize = StylizeOptions(Path("wave.png"), Path("out.png"), "red", alpha=alpha, model=bank.path)
    refused(UsageError, *said, call=lambda: stylize_file(stylize, lambda done, total: None))
    assert not (folder / "out.png").exists()
    preview = PreviewOptions(style="red", alpha=alpha, model=bank.path, headless=True, frames=1)
    refused(UsageError, *said, call=lambda: live.preview(preview))


def test_pictures_may_be_added_by_hand(bank: StyleBank, folder: Path) -> None:
    both = with_pictures(bank, ["wave.png", "field_of-corn.jpg"])
    assert both.names == [*STYLES, "wave.png", "field_of-corn.jpg"] and both.added == 2
    assert both.styles_SD.dtype == np.float32
    card = both.card.styles[-1]
    assert (card.title, card.artist, card.painting, card.short_side) == ("field of corn", "", card.name, ADAIN_SIDE)
