from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from miniature import Miniature
from odd_pictures import files_below, jpeg, make_photos, make_tar
from PIL import Image

from artem_vr.errors import InputError
from trainer.data.crops import Photos, read_painting, read_rgb, to_tensor, training_batch, validation_batch
from trainer.data.reader import PictureReader


@pytest.fixture
def photos(miniature: Miniature) -> Photos:
    return Photos.find(miniature.root / "photos")


def test_every_twentieth_by_name_is_for_validation(photos: Photos) -> None:
    assert [photo.name for photo in photos.validation] == ["000.png", "020.png"]
    assert [photo.name for photo in photos.training] == [f"{n:03d}.png" for n in range(23) if n not in (0, 20)]


def test_folders_below_count_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for number in range(20):
        (tmp_path / ("below" if number % 2 else ".") / f"{number}.JPG").touch()
    (tmp_path / "readme.txt").touch()
    found = Photos.find(tmp_path)
    assert len(found.training) + len(found.validation) == 20


def test_too_few_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds too few pictures \(0\): at least 20"):
        Photos.find(tmp_path)


def test_a_folder_that_is_missing_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "nowhere/at/all", "file/below"):
        with pytest.raises(InputError, match=rf"there is no folder .*{name}: set data.root .--set data.root=PATH. to"):
            Photos.find(tmp_path / name)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", forbidden)
    with pytest.raises(InputError, match=r"cannot read .*: Permission denied"):
        Photos.find(tmp_path)


def reference_batch(paths: list[Path], size: int, batch: int, seed: int, step: int, smooth_share: float) -> np.ndarray:
    """The crops of a step in the plainest words: what the shipped bank was trained on."""
    random = np.random.default_rng((seed, step))
    crops = []
    for _ in range(batch):
        rgb = np.asarray(Image.open(paths[random.integers(len(paths))]).convert("RGB"))
        scale = max(random.uniform(0.8, 1.25), size / min(rgb.shape[:2]))
        height, width = max(size, round(rgb.shape[0] * scale)), max(size, round(rgb.shape[1] * scale))
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        top, left = random.integers(height - size + 1), random.integers(width - size + 1)
        crop = rgb[top : top + size, left : left + size]
        crop = crop[:, ::-1] if random.random() < 0.5 else crop
        sigma, smooth = random.uniform(2, 6), random.random() < smooth_share
        crops.append(cv2.GaussianBlur(crop, (0, 0), sigma) if smooth else crop)
    return np.stack(crops)


@pytest.mark.parametrize("cache_mb", [0, 1])
def test_a_folder_of_jpegs_gives_the_batches_that_it_always_gave(tmp_path: Path, cache_mb: int) -> None:
    folder = make_photos(tmp_path / "photos")
    paths = [path for index, path in enumerate(sorted(folder.rglob("*.jpg"))) if index % 20]
    photos = Photos.find(folder, cache_mb)
    for size, seed in ((32, 0), (36, 7), (64, 1)):
        for step in (0, 1, 2, 5000):
            expected = (
                torch.from_numpy(reference_batch(paths, size, 4, seed, step, 0.3)).permute(0, 3, 1, 2).float() / 255
            )
            assert torch.equal(training_batch(photos, size, 4, seed, step, 0.3), expected)


def test_the_batches_of_the_photographs_that_the_bank_was_trained_on() -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "photos"
    if not folder.is_dir():
        pytest.skip("the photographs that the shipped bank was trained on are not here")
    paths = [path for index, path in enumerate(sorted(folder.rglob("*.jpg"))) if index % 20]
    photos = Photos.find(folder)
    for step in (0, 7999):
        expected = torch.from_numpy(reference_batch(paths, 224, 4, 0, step, 0.05)).permute(0, 3, 1, 2).float() / 255
        assert torch.equal(training_batch(photos, 224, 4, 0, step, 0.05), expected)


def test_every_byte_becomes_the_same_number_as_in_pytorch() -> None:
    pixels = np.arange(768, dtype=np.uint8).reshape(1, 16, 16, 3)[:, :, ::-1]
    expected = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(to_tensor(pixels), expected) and to_tensor(pixels).dtype == torch.float32


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
    seen, read = set(), PictureReader.read
    monkeypatch.setattr(PictureReader, "read", lambda self, photo: seen.add(photo.name) or read(self, photo))
    for step in range(40):
        training_batch(photos, 32, 4, 0, step, 0.0)
    assert seen == {photo.name for photo in photos.training}


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
    rgb = read_rgb(photos.validation[1].path)
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


BAD = {"a/002.jpg": b"no picture", "a/004.jpg": jpeg(4, 31, 60), "b/003.jpg": jpeg(3)[:500]}


def spoilt(folder: Path, bad: dict[str, bytes]) -> Path:
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_picture_that_cannot_be_used_is_replaced_by_another_draw(tmp_path: Path) -> None:
    photos = Photos.find(spoilt(make_photos(tmp_path / "photos"), BAD))
    # Fresh readers, other steps first: what was read before must not matter.
    alone = [training_batch(Photos(photos.training, photos.validation), 32, 4, 0, step, 0.3) for step in range(30)]
    for step in reversed(range(30)):
        assert torch.equal(training_batch(photos, 32, 4, 0, step, 0.3), alone[step])
    assert photos.reader.pictures_skipped == 3
    usable = [photo for photo in photos.training if photo.name not in BAD]
    clean = [training_batch(Photos(usable, []), 32, 4, 0, step, 0.3) for step in range(30)]
    assert not all(torch.equal(one, other) for one, other in zip(alone, clean, strict=True))  # so it was drawn anew
    # Steps that draw none of the three are what they would be were all usable.
    whole = Photos.find(make_photos(tmp_path / "whole"))
    same = [torch.equal(training_batch(whole, 32, 1, 0, step, 0.3), training_batch(photos, 32, 1, 0, step, 0.3))
            for step in range(30)]  # fmt: skip
    assert 15 < sum(same) < 30


def test_what_was_skipped_is_one_line(tmp_path: Path) -> None:
    folder = spoilt(make_photos(tmp_path / "photos"), BAD)
    (folder / "a" / "007.jpg").unlink()
    (folder / "a" / "007.jpg").mkdir()
    photos = Photos.find(folder)
    photos.check()
    expected = "broken 2, too small 1, unreadable 1: a/002.jpg, a/004.jpg, a/007.jpg, ..."
    assert photos.skipped() == f"skipped 4 of 23 pictures (22 read so far): {expected}"
    for photo in photos.validation:
        photos.reader.read(photo)
    assert photos.skipped() == f"skipped 4 of 23 pictures: {expected}"


def test_a_strip_is_no_photograph(tmp_path: Path) -> None:
    files = {f"{number}.jpg": jpeg(number) for number in range(20)}
    photos = Photos.find(make_tar(tmp_path / "in.tar", files | {"x.jpg": jpeg(1, 32, 512), "y.jpg": jpeg(1, 513, 32)}))
    assert [photo.name for photo in photos.training if photos.reader.read(photo) is None] == ["y.jpg"]
    assert "too narrow 1: y.jpg" in photos.skipped()


def test_a_name_writes_nothing_else_to_the_terminal(tmp_path: Path) -> None:
    files = {f"{number}.jpg": jpeg(number) for number in range(20)} | {"a\x1b[2J\nb.jpg": b""}
    photos = Photos.find(make_tar(tmp_path / "in.tar", files))
    for photo in [*photos.training, *photos.validation]:
        photos.reader.read(photo)
    assert photos.skipped() == "skipped 1 of 21 pictures: broken 1: a?[2J?b.jpg"


def test_a_validation_picture_that_cannot_be_used_is_replaced_by_the_next(tmp_path: Path) -> None:
    folder = make_photos(tmp_path / "photos", 41)
    before = Photos.find(folder)
    names = [photo.name for photo in before.validation]
    assert len(names) == 3
    whole = validation_batch(before, 32, 0, 3)
    photos = Photos.find(spoilt(folder, {names[0]: b"", names[2]: b""}))
    photos.check()
    assert torch.equal(validation_batch(photos, 32, 0, 3), whole[[1, 1, 1]])
    assert torch.equal(validation_batch(photos, 32, 2, 9), whole[[1]])
    photos = Photos.find(spoilt(folder, {names[1]: b""}))
    for refused in (photos.check, lambda: validation_batch(photos, 32, 0, 1)):
        with pytest.raises(InputError, match=r"all 3 pictures for validation .*cannot be used \(broken 3: "):
            refused()


def test_more_than_half_must_be_usable(tmp_path: Path) -> None:
    folder = make_photos(tmp_path / "photos")
    names = [photo.name for photo in Photos.find(folder).training]
    Photos.find(spoilt(folder, dict.fromkeys(names[:10], b""))).check()
    photos = Photos.find(spoilt(folder, dict.fromkeys(names[:11], b"")))
    with pytest.raises(InputError, match=r"11 of 21 pictures tried in .*photos cannot be used \(broken 11: ") as error:
        photos.check()
    assert "\n" not in str(error.value)
    # Half of all 23 is more than 11: without the check a batch is found, and with one more it is not.
    assert training_batch(photos, 32, 64, 0, 0, 0.0).shape == (64, 3, 32, 32)
    photos = Photos.find(spoilt(folder, dict.fromkeys(names[:12], b"")))
    with pytest.raises(
        InputError, match=r"12 of 23 pictures in .* cannot be used \(broken 12: .*\): replace or remove"
    ):
        training_batch(photos, 32, 64, 0, 0, 0.0)


def test_no_usable_picture_ends_at_once(tmp_path: Path) -> None:
    photos = Photos.find(make_tar(tmp_path / "in.tar", dict.fromkeys(files_below(make_photos(tmp_path / "p")), b"x")))
    with pytest.raises(InputError, match="12 of 23 pictures in"):
        training_batch(photos, 32, 1, 0, 0, 0.0)
    with pytest.raises(InputError, match=r"1 of 3 pictures in .* cannot be used"):
        training_batch(Photos(photos.training[:1], photos.validation), 32, 1, 0, 0, 0.0)
