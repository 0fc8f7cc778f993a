from pathlib import Path

import numpy as np
import pytest
import torch
from miniature import Miniature
from PIL import Image

from artem_vr.errors import InputError
from trainer.data import Photos, read_painting, read_rgb, training_batch, validation_batch


@pytest.fixture
def photos(miniature: Miniature) -> Photos:
    return Photos.find(miniature.root / "photos")


def test_every_twentieth_by_name_is_for_validation(photos: Photos) -> None:
    assert [path.stem for path in photos.validation] == ["000", "020"]
    assert [path.stem for path in photos.training] == [f"{n:03d}" for n in range(23) if n not in (0, 20)]


def test_folders_below_count_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for number in range(20):
        (tmp_path / ("below" if number % 2 else ".") / f"{number}.JPG").touch()
    (tmp_path / "readme.txt").touch()
    found = Photos.find(tmp_path)
    assert len(found.training) + len(found.validation) == 20


def test_too_few_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds 0 pictures: name a folder with at least 20"):
        Photos.find(tmp_path)


def test_a_folder_that_is_missing_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(InputError, match=rf"there is no folder .*{name}: set data.root .--set data.root=PATH. to"):
            Photos.find(tmp_path / name)


def test_a_step_is_a_pure_function_of_its_number(photos: Photos) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    first = training_batch(photos, 32, 4, 0, 5, 0.5)
    torch.manual_seed(2)
    np.random.seed(2)
    training_batch(photos, 32, 4, 0, 9, 0.5)
    assert torch.equal(first, training_batch(photos, 32, 4, 0, 5, 0.5))
    assert first.shape == (4, 3, 32, 32)
    assert 0 <= first.min() < 0.3 < 0.7 < first.max() <= 1
    assert not torch.equal(first, training_batch(photos, 32, 4, 0, 6, 0.5))
    assert not torch.equal(first, training_batch(photos, 32, 4, 1, 5, 0.5))


def test_steps_reach_every_photograph(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    monkeypatch.setattr("trainer.data.read_rgb", lambda path: seen.add(path) or read_rgb(path))
    for step in range(40):
        training_batch(photos, 32, 4, 0, step, 0.0)
    assert seen == set(photos.training)


def test_a_share_is_smooth(photos: Photos) -> None:
    def detail(share: float) -> float:
        batch = training_batch(photos, 32, 8, 0, 0, share)
        return (batch[..., 1:] - batch[..., :-1]).abs().mean().item()

    assert detail(1.0) < 0.6 * detail(0.0)


def test_photographs_smaller_than_the_crop_are_enlarged(photos: Photos) -> None:
    assert training_batch(photos, 96, 2, 0, 0, 0.0).shape == (2, 3, 96, 96)
    assert validation_batch(photos, 96, 0, 2).shape == (2, 3, 96, 96)


def test_validation_crops_are_the_centres(photos: Photos) -> None:
    batch = validation_batch(photos, 32, 1, 4)
    rgb = read_rgb(photos.validation[1])
    top, left = (rgb.shape[0] - 32) // 2, (rgb.shape[1] - 32) // 2
    assert batch.shape == (1, 3, 32, 32)
    expected = torch.from_numpy(rgb[top : top + 32, left : left + 32].copy()).permute(2, 0, 1) / 255
    assert torch.equal(batch[0], expected)


def test_grey_and_alpha_become_rgb(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P", "1"):
        path = tmp_path / f"{mode}.png"
        Image.new(mode, (6, 4), 1).save(path)
        assert read_rgb(path).shape == (4, 6, 3)


def test_a_picture_that_is_none(tmp_path: Path, miniature: Miniature) -> None:
    whole = next((miniature.root / "photos").iterdir()).read_bytes()
    for name, content in {"empty.png": b"", "text.jpg": b"hello" * 50, "cut.png": whole[: len(whole) // 2]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"cannot read the picture .*{name}"):
            read_rgb(tmp_path / name)
    with pytest.raises(InputError, match="cannot read the picture"):
        read_rgb(tmp_path / "missing.png")


def test_a_painting_has_its_short_side(miniature: Miniature) -> None:
    path = miniature.root / "paintings" / "stripes.png"  # 96 x 80
    assert read_painting(path, 40).shape == (1, 3, 40, 48)
    assert read_painting(path, 160).shape == (1, 3, 160, 192)


def test_a_painting_that_is_missing_names_the_option(miniature: Miniature) -> None:
    with pytest.raises(InputError, match=r"there is no painting .*gone.png: set data.root or data.paintings") as error:
        read_painting(miniature.root / "paintings" / "gone.png", 40)
    assert "\n" not in str(error.value)
