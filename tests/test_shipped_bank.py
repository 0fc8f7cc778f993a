"""The banks that ship: small, documented, and free of the faults that small networks have."""

from pathlib import Path

import numpy as np
import pytest

from artem_vr.engines.torch import TorchEngine
from artem_vr.styles import StyleBank

PROMISED = {"starry-night", "great-wave", "scream", "udnie", "composition-vii", "woman-with-a-hat"}
LARGEST = 1_000_000
"""Bytes."""


@pytest.fixture(scope="module", params=["bank", "swift"])
def bank(request):
    return StyleBank.load(Path(request.param))


@pytest.fixture(scope="module")
def photo():
    """Something like a photograph: shaded shapes with edges, a gradient and a little noise. uint8 (H, W, 3)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:240, :320].astype(np.float32)
    picture = np.stack([x / 320, y / 240, 1 - y / 240], -1) * 0.5 + 0.2
    for _ in range(40):
        centre, radius = rng.uniform((0, 0), (320, 240)), rng.uniform(8, 50)
        inside = np.hypot(x - centre[0], y - centre[1]) < radius
        shade = 0.75 + 0.25 * (x - centre[0]) / radius
        picture[inside] = (rng.uniform(0.1, 0.9, 3) * shade[..., None])[inside]
    picture += rng.normal(0, 0.015, picture.shape)
    return (picture.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def paintings(bank, photo):
    engine = TorchEngine(bank)
    painted = engine.paint(np.repeat(photo[None], len(bank.names), axis=0), bank.styles_SD)
    engine.close()
    return dict(zip(bank.names, painted, strict=True))


def test_it_is_under_a_megabyte_and_readable_by_all(bank):
    assert bank.path.stat().st_size < LARGEST
    assert bank.path.stat().st_mode & 0o444 == 0o444


def test_it_holds_the_promised_painters_and_more(bank):
    assert set(bank.names) >= PROMISED
    assert len(bank.names) >= 8


def test_its_card_says_what_it_was_made_from(bank):
    card = bank.card
    assert card.network["kind"] == "compact"
    assert card.steps > 0 and card.pictures_seen >= card.steps
    assert "non-commercial" in card.data and "public domain" in card.data
    assert card.licence and card.losses["style"] > 0 and card.validation["style"] > 0
    for style in card.styles:
        assert style.title and style.artist and any(digit.isdigit() for digit in style.year)


def test_every_style_changes_the_picture_in_its_own_way(paintings, photo):
    pictures = [photo, *paintings.values()]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert np.abs(one.astype(int) - other.astype(int)).mean() > 8


def test_what_was_light_and_what_was_dark_can_still_be_told(paintings, photo):
    blocks = photo.reshape(30, 8, 40, 8, 3).mean((1, 3, 4)).ravel()
    for name, painted in paintings.items():
        painted_blocks = painted.reshape(30, 8, 40, 8, 3).mean((1, 3, 4)).ravel()
        assert np.corrcoef(blocks, painted_blocks)[0, 1] > 0.4, name


@pytest.mark.parametrize("period", [2, 4])
def test_there_is_no_grid(paintings, period):
    for name, painted in paintings.items():
        assert grid_amplitude(painted, period) < 1.5, name


def test_the_measure_sees_a_grid(photo):
    combed = photo.astype(float)
    combed[::4, ::4] += 24
    assert grid_amplitude(combed, 4) > 10


def test_there_is_no_frame_around_the_picture(paintings):
    """A network that pads with zeros darkens or brightens a band along the border."""
    for name, painted in paintings.items():
        rows = painted.astype(float).mean((1, 2))
        columns = painted.astype(float).mean((0, 2))
        for profile in (rows, rows[::-1], columns, columns[::-1]):
            assert abs(profile[:4].mean() - profile[8:24].mean()) < 30, name


def grid_amplitude(picture_HWC, period):
    """Of 255: the spread of the mean fine detail over the phases of a lattice."""
    picture = np.asarray(picture_HWC, float)
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    height, width = picture.shape[:2]
    blurred = sum(padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)) / 9
    detail = picture - blurred
    phases = [detail[top::period, left::period].mean((0, 1)) for top in range(period) for left in range(period)]
    return float(np.ptp(np.stack(phases), axis=0).max())
