from pathlib import Path

import numpy as np
import pytest
from media_samples import gradient, numbered, request
from PIL import Image

from artem_vr.errors import InputError
from artem_vr.sources.image import ImageSource
from artem_vr.sources.layout import eyes_from_picture


def test_mono_picture_is_seen_by_both_eyes(tmp_path: Path) -> None:
    picture = gradient((33, 17))
    Image.fromarray(picture).save(tmp_path / "a.png")
    frame = ImageSource(tmp_path / "a.png").read(request(3.0))
    assert frame.rgb_EHWC.shape == (1, 17, 33, 3)
    assert np.array_equal(frame.rgb_EHWC[0], picture)
    assert frame.captured_at == 3.0


def test_stereo_picture_splits_left_eye_first(tmp_path: Path) -> None:
    picture = numbered(5, (64, 20))
    Image.fromarray(picture).save(tmp_path / "a.png")
    frame = ImageSource(tmp_path / "a.png", stereo=True).read(request(0))
    assert frame.rgb_EHWC.shape == (2, 20, 32, 3)
    assert np.array_equal(frame.rgb_EHWC[0], picture[:, :32])
    assert np.array_equal(frame.rgb_EHWC[1], picture[:, 32:])


def test_odd_width_loses_the_middle_column() -> None:
    picture = gradient((7, 2))
    eyes = eyes_from_picture(picture, stereo=True)
    assert np.array_equal(eyes[0], picture[:, :3])
    assert np.array_equal(eyes[1], picture[:, 4:])


def test_one_pixel_has_no_halves() -> None:
    with pytest.raises(InputError, match="at least 2 pixels"):
        eyes_from_picture(gradient((1, 4)), stereo=True)


@pytest.mark.parametrize("content", [b"", b"not a picture at all\n"])
def test_what_is_no_picture_is_refused_on_opening(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.jpg") as raised:
        ImageSource(path)
    assert "\n" not in str(raised.value)
