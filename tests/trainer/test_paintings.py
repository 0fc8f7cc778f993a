from pathlib import Path

import pytest
import torch
from miniature import Miniature
from PIL import Image

from artem_vr.errors import InputError
from trainer.data.paintings import Paintings


def test_a_step_has_the_same_crops_whenever_it_asks(miniature: Miniature) -> None:
    one, two = (Paintings.find(miniature.root / "paintings") for _ in range(2))
    crops = one.crops(32, 4, 0, 7, (40, 70))
    assert crops.shape == (4, 3, 32, 32)
    assert 0 <= crops.min() <= crops.max() <= 1
    one.crops(32, 4, 0, 8, (40, 70))
    assert torch.equal(crops, two.crops(32, 4, 0, 7, (40, 70)))
    assert not torch.equal(crops, one.crops(32, 4, 0, 8, (40, 70)))
    assert not torch.equal(crops, one.crops(32, 4, 1, 7, (40, 70)))


def test_a_painting_smaller_than_the_crop_is_enlarged(miniature: Miniature) -> None:
    assert Paintings.find(miniature.root / "paintings").crops(128, 2, 0, 0, (40, 70)).shape == (2, 3, 128, 128)


def test_what_is_no_picture_is_left_out(miniature: Miniature) -> None:
    (miniature.root / "paintings" / "broken.jpg").write_bytes(b"no picture")
    assert len(Paintings.find(miniature.root / "paintings").pictures) == 2


def test_no_painting_at_all(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"holds no usable painting: set data.paintings"):
        Paintings.find(tmp_path)
    Image.new("RGB", (64, 64)).save(tmp_path / "one.png")
    assert len(Paintings.find(tmp_path).pictures) == 1
