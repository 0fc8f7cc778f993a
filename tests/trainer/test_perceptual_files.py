"""Perceptual networks by name: torchvision's VGG in miniature, served from a folder in place of the network."""

import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from miniature import Miniature
from rich.progress import Progress
from safetensors import safe_open
from torch import nn

import trainer.adding
from artem_vr import resources
from artem_vr.errors import InputError
from trainer import perceptual_files
from trainer.adding import NewStyle
from trainer.objective import Objective
from trainer.perceptual import PerceptualNetwork
from trainer.perceptual_files import cache_folder, perceptual_file

# torchvision's configurations D and E: channels of each 3x3 convolution, M for a pooling; here in sixteenths.
LAYERS = {
    "vgg16": [4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"],
    "vgg19": [4, 4, "M", 8, 8, "M", 16, 16, 16, 16, "M", 32, 32, 32, 32, "M", 32, 32, 32, 32, "M"],
}


def torchvision_features(name: str, padding_mode: str = "zeros") -> nn.Sequential:
    """`torchvision.models.vgg19().features` with fewer channels."""
    torch.manual_seed(3)
    layers: list[nn.Module] = []
    inputs = 3
    for entry in LAYERS[name]:
        if isinstance(entry, int):
            layers += [nn.Conv2d(inputs, entry, 3, padding=1, padding_mode=padding_mode), nn.ReLU()]
            inputs = entry
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


@dataclass(frozen=True)
class Served:
    """The folder behind the address, and the cache."""

    folder: Path
    cache: Path

    def put(self, name: str, state: dict[str, torch.Tensor], zipped: bool = False) -> Path:
        """Writes a download, under the name that its own hash gives it."""
        path = self.folder / "new.pth"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        named = self.folder / f"{name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
        perceptual_files.DOWNLOADS[name] = named.name
        return path.rename(named)

    def vgg(self, name: str) -> Path:
        classifier = {"classifier.0.weight": torch.randn(8, 32), "classifier.0.bias": torch.randn(8)}
        features = {f"features.{key}": value for key, value in torchvision_features(name).state_dict().items()}
        return self.put(name, features | classifier)

    @property
    def cached(self) -> set[str]:
        return {str(path.relative_to(self.cache)) for path in self.cache.rglob("*") if path.is_file()}

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left of an attempt: not even a folder of its own."""
        return not list((self.cache / "perceptual").iterdir())


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    served = Served(tmp_path / "served", tmp_path / "cache")
    served.folder.mkdir()
    monkeypatch.setattr(perceptual_files, "ADDRESS", served.folder.as_uri())
    monkeypatch.setattr(perceptual_files, "DOWNLOADS", dict(perceptual_files.DOWNLOADS))
    monkeypatch.setenv(perceptual_files.CACHE_VARIABLE, str(served.cache))
    return served


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_it_computes_what_torchvision_does(served: Served, name: str) -> None:
    download = served.vgg(name)
    network = PerceptualNetwork.load(perceptual_file(name, Path("anywhere")))
    features = torchvision_features(name, "reflect")
    batch = torch.rand(2, 3, 48, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (batch - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    expected, block, number = {}, 1, 0
    with torch.no_grad():
        for layer in features:
            x = layer(x)
            number += isinstance(layer, nn.ReLU)
            if isinstance(layer, nn.ReLU):
                expected[f"relu{block}_{number}"] = x
            elif isinstance(layer, nn.MaxPool2d):
                block, number = block + 1, 0
    assert network.taps == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    taps = [f"relu{layer[4:]}" for layer in network.layers]
    assert taps == [tap for tap in expected if tap <= "relu5_1"]
    for tap, activation in network(batch, taps).items():
        torch.testing.assert_close(activation, expected[tap], rtol=1e-4, atol=1e-5)
    with safe_open(served.cache / "perceptual" / f"{download.stem}.safetensors", "pt") as file:
        assert file.metadata() == {"source": download.as_uri()}


def test_the_names_are_torchvisions() -> None:
    assert perceptual_files.ADDRESS == "https://download.pytorch.org/models"
    assert perceptual_files.DOWNLOADS == {"vgg16": "vgg16-397923af.pth", "vgg19": "vgg19-dcbb9e9d.pth"}


def test_it_is_downloaded_once_and_only_the_converted_file_stays(served: Served) -> None:
    download = served.vgg("vgg19")
    path = perceptual_file("vgg19", Path())
    assert served.cached == {str(Path("perceptual") / f"{download.stem}.safetensors")}
    assert path.stat().st_mode & 0o444 == 0o444
    assert len(list(path.parent.iterdir())) == 1
    download.unlink()
    before = path.read_bytes()
    assert perceptual_file("vgg19", Path()) == path
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="cannot download"):
        perceptual_file("vgg16", Path())


def test_the_zip_format_is_taken_too(served: Served) -> None:
    state = {f"features.{key}": value for key, value in torchvision_features("vgg16").state_dict().items()}
    served.put("vgg16", state, zipped=True)
    assert PerceptualNetwork.load(perceptual_file("vgg16", Path())).taps[-1] == "relu5_1"


def test_what_was_put_there_by_hand_is_taken_and_stays(served: Served) -> None:
    download = served.vgg("vgg19")
    (served.cache / "perceptual").mkdir(parents=True)
    by_hand = download.rename(served.cache / "perceptual" / download.name)
    path = perceptual_file("vgg19", Path())
    assert path.is_file() and by_hand.is_file()
    path.unlink()
    by_hand.write_bytes(by_hand.read_bytes()[:-1])
    with pytest.raises(InputError, match="is damaged: delete it"):
        perceptual_file("vgg19", Path())
    assert not path.exists() and by_hand.is_file()


def test_a_download_with_another_hash_leaves_nothing(served: Served) -> None:
    download = served.vgg("vgg19")
    whole = download.read_bytes()
    for content in (whole[:-1], whole + b"x", b"<html>Log in to the hotel's network</html>", b""):
        download.write_bytes(content)
        with pytest.raises(InputError, match="came out damaged: try again") as error:
            perceptual_file("vgg19", Path())
        assert "\n" not in str(error.value)
        assert served.is_clean
    download.write_bytes(whole)
    assert perceptual_file("vgg19", Path()).is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_download_leaves_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    served.vgg("vgg19")
    monkeypatch.setattr(perceptual_files, "_CHUNK", 1000)
    left = 5

    def advance(self: Progress, *_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise error

    monkeypatch.setattr(Progress, "advance", advance)
    with pytest.raises(error):
        perceptual_file("vgg19", Path())
    assert left == 0 and served.is_clean


def test_a_conversion_that_fails_leaves_nothing(served: Served) -> None:
    served.put("vgg19", {"features.0.weight": torch.ones(4, 3, 3, 3), "features.0.bias": torch.ones(4)})
    with pytest.raises(InputError, match=r"is not torchvision's vgg19: it has no features\.2\.weight"):
        perceptual_file("vgg19", Path())
    served.put("vgg19", {"features.0.weight": torch.ones(4, 3, 3, 3).half()})
    with pytest.raises(InputError, match=r"is not torchvision's vgg19: .*HalfStorage"):
        perceptual_file("vgg19", Path())
    assert served.is_clean


def test_no_network(served: Served) -> None:
    with pytest.raises(InputError) as error:
        perceptual_file("vgg19", Path())
    message = str(error.value)
    assert "\n" not in message and "try again" in message and "data.perceptual: small, or a file" in message
    assert f"put that file at {served.cache / 'perceptual' / 'vgg19-dcbb9e9d.pth'} by hand" in message
    assert served.is_clean


class Handler(http.server.BaseHTTPRequestHandler):
    """Promises more than it sends, except for what is not there."""

    def do_GET(self) -> None:
        if "vgg16" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"half of it")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_that_fails(served: Served, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(perceptual_files, "ADDRESS", server)
    with pytest.raises(InputError, match=r"cannot download http://127.*/vgg16-397923af.pth \(Not Found\)"):
        perceptual_file("vgg16", Path())
    with pytest.raises(InputError, match="came out damaged"):
        perceptual_file("vgg19", Path())
    monkeypatch.setattr(perceptual_files, "ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"cannot download .*refused"):
        perceptual_file("vgg19", Path())
    assert served.is_clean


def test_a_cache_that_cannot_be_written(served: Served) -> None:
    served.vgg("vgg19")
    served.cache.write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"cannot make .*set ARTEM_VR_CACHE") as error:
        perceptual_file("vgg19", Path())
    assert "\n" not in str(error.value)


def test_small_is_the_shipped_one() -> None:
    assert perceptual_file("small", Path("anywhere")) == resources.models() / "perceptual.safetensors"


def test_anything_else_is_a_path(tmp_path: Path) -> None:
    for name in ("perceptual.safetensors", "nets/vgg19", "vgg19.safetensors"):
        assert perceptual_file(name, tmp_path) == tmp_path / name
    assert perceptual_file(str(tmp_path / "vgg-19"), Path("elsewhere")) == tmp_path / "vgg-19"
    with pytest.raises(InputError, match=r"there is no perceptual network .*name one of small, vgg16 and vgg19"):
        PerceptualNetwork.load(perceptual_file("perceptual.safetensors", tmp_path))


@pytest.mark.parametrize(("slip", "meant"), [("vgg-19", "vgg19"), ("VGG16", "vgg16"), ("smal", "small")])
def test_a_slip_in_a_name(tmp_path: Path, slip: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"unknown perceptual network '{slip}': did you mean {meant}"):
        perceptual_file(slip, tmp_path)
    (tmp_path / slip).touch()
    assert perceptual_file(slip, tmp_path) == tmp_path / slip


def test_the_cache_folder_is_where_each_system_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr(Path, "home", lambda: home)
    for variable in ("ARTEM_VR_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    for system, folder in (("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")):
        monkeypatch.setattr(sys, "platform", system)
        assert cache_folder() == home / folder / "artem-vr"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "artem-vr"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "artem-vr"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == home / ".cache" / "artem-vr"
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_nowhere_to_keep_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("ARTEM_VR_CACHE", raising=False)
    with pytest.raises(InputError, match="set ARTEM_VR_CACHE to a folder"):
        perceptual_file("vgg19", Path())


def test_a_recipe_and_an_added_style_take_the_names(
    served: Served, miniature: Miniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = served.vgg("vgg16")
    recipe = miniature.recipe(**{"data.perceptual": "vgg16"})
    assert Objective(recipe, miniature.root)._perceptual.layers[-1] == "conv5_1"
    monkeypatch.setattr(trainer.adding, "recipe_and_root", lambda: (miniature.recipe(), miniature.root))
    wanted = NewStyle(miniature.root / "paintings" / "dots.png", "mine", perceptual=Path("vgg16"))
    perceptual = trainer.adding._recipe(wanted)[0].data.perceptual
    assert Path(perceptual) == served.cache / "perceptual" / f"{download.stem}.safetensors"
