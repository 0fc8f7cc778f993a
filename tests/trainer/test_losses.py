import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer import losses


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def comb(height: float, period: int = 4, size: int = 128) -> Tensor:
    """Single raised pixels at every `period`-th row and column."""
    on = torch.arange(size) % period == 0
    return (on[:, None] & on[None, :]).float() * height / 255


def texture(contrast: float, blur: int, size: int = 128) -> Tensor:
    """Noise without a period, of a given standard deviation, (1, 3, size, size) around mid-grey."""
    noise = F.avg_pool2d(torch.randn(1, 3, size + blur - 1, size + blur - 1), blur, stride=1)
    return 0.5 + contrast * noise / noise.std()


def test_gram_is_the_mean_of_products() -> None:
    features = torch.randn(2, 3, 4, 5)
    expected = torch.zeros(2, 3, 3)
    for n in range(2):
        for i in range(3):
            for j in range(3):
                expected[n, i, j] = (features[n, i] * features[n, j]).mean()
    assert torch.allclose(losses.gram(features), expected, atol=1e-6)
    assert torch.allclose(losses.gram(features.contiguous(memory_format=torch.channels_last)), expected, atol=1e-6)


def test_moments_are_the_mean_and_the_covariance() -> None:
    features = torch.randn(2, 3, 40, 50) + 2
    moments = losses.Moments.of(features)
    for n in range(2):
        flat = features[n].flatten(1)
        assert torch.allclose(moments.mean_NC[n], flat.mean(1), atol=1e-5)
        assert torch.allclose(moments.covariance_NCC[n], torch.cov(flat, correction=0), atol=1e-5)
    one = moments[torch.tensor([1])]
    joined = losses.Moments.stack([one, one])
    assert torch.equal(joined.covariance_NCC[0], moments.covariance_NCC[1])


def test_moments_in_bfloat16_hardly_move_the_loss() -> None:
    features = {f"relu{i}_1": F.relu(torch.randn(4, 16, 32, 32) + 3).bfloat16() for i in (1, 2, 3)}
    targets = {tap: losses.Moments.of(F.relu(torch.randn(4, 16, 32, 32) + 3.3)) for tap in features}
    exact = losses.style_loss({tap: value.float() for tap, value in features.items()}, targets)
    assert losses.Moments.of(features["relu1_1"]).covariance_NCC.dtype == torch.float32
    assert (losses.style_loss(features, targets) / exact - 1).abs().max() < 0.01


def test_style_loss_is_zero_for_the_painting_and_does_not_know_its_scale() -> None:
    features, other = {"a": torch.rand(2, 4, 8, 8)}, {"a": torch.rand(2, 4, 8, 8)}
    targets = {"a": losses.Moments.of(other["a"])}
    assert torch.allclose(losses.style_loss(other, targets), torch.zeros(2), atol=1e-10)
    value = losses.style_loss(features, targets)
    assert value.shape == (2,)
    assert (value > 0).all()
    louder = losses.style_loss({"a": 3 * features["a"]}, {"a": losses.Moments.of(3 * other["a"])})
    assert torch.allclose(louder, value, rtol=1e-4)


def test_style_loss_sees_strokes_behind_a_bright_ground() -> None:
    """The Gram matrix of features with a large mean hardly changes when all texture goes; the loss must."""
    painting = 5 + torch.randn(1, 8, 32, 32)
    flat = painting.mean((2, 3), keepdim=True).expand_as(painting)
    gram = losses.gram(painting)
    assert (losses.gram(flat) - gram).square().sum() / gram.square().sum() < 0.01
    assert losses.style_loss({"a": flat}, {"a": losses.Moments.of(painting)}).item() == pytest.approx(1, abs=0.01)


def test_style_loss_does_not_see_where_things_are() -> None:
    features = torch.rand(1, 4, 8, 8)
    shuffled = features.flatten(2)[..., torch.randperm(64)].reshape(1, 4, 8, 8)
    assert losses.style_loss({"a": shuffled}, {"a": losses.Moments.of(features)}).item() < 1e-10


def test_content_loss_is_structure_without_mean_and_contrast() -> None:
    target = torch.rand(1, 4, 64, 64)
    restyled = 0.3 + 2 * target
    unrelated, inverted = torch.rand(1, 4, 64, 64), 1 - target
    values = [losses.content_loss(features, target).item() for features in (target, restyled, unrelated, inverted)]
    assert values == pytest.approx([0, 0, 1, 2], abs=0.05)
    assert losses.content_loss(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item() == pytest.approx(0)


def test_content_loss_is_half_the_distance_of_normalised_activations() -> None:
    features, target = torch.rand(2, 4, 16, 16), torch.rand(2, 4, 16, 16)
    plain = (F.instance_norm(features) - F.instance_norm(target)).square().mean((1, 2, 3)) / 2
    assert torch.allclose(losses.content_loss(features, target), plain, rtol=0.01)


def test_tone_loss_keeps_light_light() -> None:
    photo = torch.rand(1, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    strokes = photo + 0.1 * torch.randn_like(photo)
    assert losses.tone_loss(photo, photo).item() < 0.02
    assert losses.tone_loss(0.2 + 0.5 * strokes, photo).item() < 0.05  # strokes, another contrast
    assert losses.tone_loss(1 - photo, photo).item() > 1.9
    assert losses.tone_loss(torch.full_like(photo, 0.5), photo).item() == pytest.approx(1)


def test_patch_loss_wants_colour_to_change_at_the_edges_of_the_photograph() -> None:
    left = (torch.arange(64) < 32).float().expand(1, 3, 64, 64)
    spot = torch.zeros(1, 3, 64, 64)
    spot[:, 0, 24:40, 24:40] = 1
    flat = torch.full((1, 3, 64, 64), 0.5)
    assert losses.patch_loss(left, left) < 0.1 * losses.patch_loss(left, flat)
    assert losses.patch_loss(spot, flat) > 5 * losses.patch_loss(flat, flat)


def test_palette_loss_finds_a_spot_of_a_foreign_colour() -> None:
    painting = torch.tensor([1.0, 0.5, 0.0])[None, :, None, None] * torch.rand(1, 1, 64, 64).repeat_interleave(4, 2)
    palette = losses.palette_of(painting, 64)[None]
    assert palette.shape == (1, 64, 3)
    assert losses.palette_loss(painting.roll(9, 2), palette).item() < 1e-3
    spot = painting.clone()
    spot[..., 32:48, 32:48] = torch.tensor([0.0, 0.6, 0.9])[:, None, None]
    share = 16 * 16 / painting[0, 0].numel()
    assert losses.palette_loss(spot, palette).item() == pytest.approx(share * 0.9, rel=0.2)


@pytest.mark.parametrize("period", [4, 8])
def test_lattice_finds_pinstripes_that_the_grid_energy_does_not(period: int) -> None:
    natural, fine = texture(0.05, 3, 256), torch.randn(1, 1, 256, 256).expand(1, 3, 256, 256) * 0.1
    pinstripes = natural + fine * (torch.arange(256) % period == 0)  # of either sign: they average to nothing
    assert losses.grid_energy(pinstripes) - losses.grid_energy(natural) < 2e-4
    assert losses.lattice(natural, period).item() < 0.1
    assert losses.lattice(pinstripes, period) > 3 * losses.lattice(natural, period)
    other = natural + fine * (torch.arange(256) % (period + 1) == 0)
    assert losses.lattice(other, period) < 0.4 * losses.lattice(pinstripes, period)


def half_sky(pattern: Tensor) -> Tensor:
    """Rough ground below, and above it a plain sky with a pattern (size, size) on it."""
    ground, sky = texture(0.1, 2, 256), 0.7 + pattern.expand(1, 3, 256, 256)
    return torch.cat([sky[..., :128, :], ground[..., 128:, :]], dim=2)


def test_grid_share_sees_a_faint_grid_on_a_plain_sky() -> None:
    dots = half_sky(comb(3, period=8, size=256))
    plain = half_sky(torch.zeros(256, 256))
    assert losses.grid_energy(dots) < 1.2 * losses.grid_energy(plain)  # an amplitude does not
    assert losses.grid_share(plain).item() < 0.03
    assert losses.grid_share(dots).item() > 0.15
    assert losses.grid_share(half_sky(comb(3, period=4, size=256))).item() > 0.2  # four divides eight
    assert losses.grid_share(texture(0.1, 2, 256)).item() < 0.03


@pytest.mark.parametrize("turn", [0.0, 0.8, 1.57])
@pytest.mark.parametrize("wavelength", [3.0, 5.3, 8.0])
def test_weave_sees_a_wave_of_any_length_and_direction(wavelength: float, turn: float) -> None:
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    along = x * math.cos(turn) + y * math.sin(turn)
    wave = half_sky(0.02 * torch.sin(2 * math.pi * along / wavelength))
    assert losses.weave(wave).item() > 0.06
    assert losses.weave(half_sky(0.02 * torch.randn(256, 256))).item() < 0.015
    assert losses.weave(torch.full((1, 3, 64, 64), 0.4)).item() < 1e-9


def test_total_variation_is_the_mean_step() -> None:
    flat, ramp = torch.full((3, 8, 8), 0.3), torch.arange(8).float().div(10).expand(3, 8, 8)
    checks = ((torch.arange(8)[:, None] + torch.arange(8)) % 2).float().expand(3, 8, 8)
    values = losses.total_variation(torch.stack([flat, ramp, checks]))
    assert torch.allclose(values, torch.tensor([0.0, 0.1, 2.0]), atol=1e-6)


def test_overflow_is_the_mean_distance_from_the_range() -> None:
    pictures = torch.stack([torch.tensor([0.0, 0.5, 1.0, 0.9]), torch.tensor([-0.2, 0.5, 1.4, 1.0])])
    assert torch.allclose(losses.overflow(pictures.reshape(2, 1, 2, 2)), torch.tensor([0.0, 0.15]), atol=1e-6)


def test_a_flat_picture_and_a_ramp_have_no_grid() -> None:
    flat = torch.full((1, 3, 128, 128), 0.4)
    ramp = (torch.arange(128).float() / 128).expand(1, 3, 128, 128)
    assert losses.grid_energy(flat).item() < 1e-12
    assert losses.grid_energy(ramp).item() < 1e-6  # only where the mirrored border bends it


@pytest.mark.parametrize("height", [2.0, 6.0])
def test_a_planted_grid_is_found(height: float) -> None:
    energy = losses.grid_energy(torch.full((1, 3, 128, 128), 0.5) + comb(height)).item()
    assert energy == pytest.approx((height / 255) ** 2, rel=0.15)


@pytest.mark.parametrize("period", [2, 4])
def test_a_two_pixel_grid_is_a_four_pixel_grid_too(period: int) -> None:
    flat = torch.full((1, 3, 128, 128), 0.5)
    assert losses.grid_energy(flat + comb(6, period)).item() > 4e-4


def test_a_grid_of_another_period_hardly_counts() -> None:
    flat = torch.full((1, 3, 128, 128), 0.5)
    assert losses.grid_energy(flat + comb(6, 5)) < 0.02 * losses.grid_energy(flat + comb(6, 4))


@pytest.mark.parametrize("blur", [1, 2, 5])
def test_a_texture_of_the_same_contrast_has_a_twentieth(blur: int) -> None:
    grid = 0.5 + comb(60).expand(1, 3, 128, 128)
    natural = texture(grid.std().item(), blur)
    assert natural.std().item() == pytest.approx(grid.std().item(), rel=0.02)
    assert losses.grid_energy(natural) < losses.grid_energy(grid) / 20


def test_a_grid_shows_on_a_texture() -> None:
    natural = texture(0.1, 3)
    added = losses.grid_energy(natural + comb(12)) - losses.grid_energy(natural)
    assert added.item() == pytest.approx((12 / 255) ** 2, rel=0.5)


def test_every_loss_is_one_value_a_picture_and_has_a_gradient() -> None:
    for loss in (
        losses.total_variation,
        losses.grid_energy,
        losses.lattice,
        losses.grid_share,
        losses.weave,
        losses.overflow,
    ):
        pictures = (torch.rand(3, 3, 32, 32) * 1.4 - 0.2).requires_grad_()
        values = loss(pictures)
        assert values.shape == (3,)
        values[1].backward()
        assert pictures.grad is not None
        assert pictures.grad[1].abs().sum() > 0
        assert pictures.grad[[0, 2]].abs().sum() == 0


def test_a_crop_smaller_than_the_window_is_measured_too() -> None:
    assert losses.grid_energy(torch.full((1, 3, 16, 24), 0.5) + comb(6, size=24)[:16]).item() > 3e-4


def test_taps_can_count_differently() -> None:
    features = {"relu1_1": torch.rand(2, 4, 8, 8), "relu2_1": torch.rand(2, 6, 4, 4)}
    targets = {tap: losses.Moments.of(torch.rand_like(f)) for tap, f in features.items()}
    alone = {tap: losses.style_loss({tap: features[tap]}, {tap: targets[tap]}) for tap in features}
    weighted = losses.style_loss(features, targets, {"relu1_1": 3.0, "relu2_1": 1.0})
    torch.testing.assert_close(weighted, 0.75 * alone["relu1_1"] + 0.25 * alone["relu2_1"])
