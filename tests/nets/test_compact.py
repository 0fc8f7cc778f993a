from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artem_vr.nets.compact import (
    Compact,
    CompactConfig,
    SquareConvolution,
    bilinear_rise,
    evened,
    identity_style,
    initial_style,
    squares_laid_out,
)
from artem_vr.nets.conditional_norm import PlainNorms

SMALL = CompactConfig(channels=8, deep_channels=12, blocks=2, tail_channels=8)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def random_styles(config: CompactConfig, count: int) -> Tensor:
    styles = initial_style(config).repeat(count, 1) + 0.3 * torch.randn(count, config.style_size)
    styles[:, 0] = 0.2
    return styles


def test_the_default_is_four_hundred_thousand_weights_without_a_bias() -> None:
    network = Compact()
    parameters = dict(network.named_parameters())
    assert sum(weight.numel() for weight in parameters.values()) == 431_808
    assert all(weight.ndim == 4 for weight in parameters.values())
    assert not any("bias" in name for name in parameters)


def test_a_bank_of_sixteen_painters_is_under_a_megabyte() -> None:
    """Weights are stored in half precision, style vectors in single precision."""
    weights = sum(weight.numel() for weight in Compact().parameters())
    assert 2 * weights + 4 * 16 * CompactConfig().style_size < 1_000_000


def test_the_style_vector_is_as_long_as_the_configuration_says() -> None:
    odd = CompactConfig(channels=5, deep_channels=7, blocks=1, shallow_blocks=0, tail_channels=3)
    for config in (CompactConfig(), SMALL, odd, replace(odd, inner=3)):
        network, style = Compact(config), initial_style(config)
        assert style.shape == identity_style(config).shape == (config.style_size,)
        keep, ground, norms = network.split(style[None])
        assert (keep.shape, ground.shape) == ((1, 1, 1, 1), (1, 3, 1, 1))
        assert [scale.shape[1] for scale, _ in norms] == [shift.shape[1] for _, shift in norms] == config.norms
        assert all((scale == 1).all() and (shift == 0).all() for scale, shift in norms)


def test_deep_blocks_may_be_narrower_inside() -> None:
    narrow = Compact(replace(SMALL, inner=4))
    shapes = {name: tuple(weight.shape[:2]) for name, weight in narrow.named_parameters()}
    wide = {name: tuple(weight.shape[:2]) for name, weight in Compact(SMALL).named_parameters()}
    inside = {"deep.0.weight": (4, 12), "deep.1.weight": (12, 4), "deep.2.weight": (4, 12), "deep.3.weight": (12, 4)}
    assert shapes == wide | inside
    assert narrow.config.norms == [8, 12, 4, 12, 4, 12, 8, 8, 8, 8]
    styles = random_styles(narrow.config, 2)
    painted = narrow(torch.rand(2, 3, 24, 16), styles)
    assert painted.isfinite().all()
    assert not torch.allclose(painted[0], painted[1])


def test_as_wide_inside_as_outside_is_the_same_network() -> None:
    """A card from before there was the field has none; what it describes must not change."""
    same = replace(SMALL, inner=SMALL.deep_channels)
    assert (same.norms, same.style_size) == (SMALL.norms, SMALL.style_size)
    wide, again = Compact(SMALL), Compact(same)
    again.load_state_dict(wide.state_dict())
    batch, styles = torch.rand(1, 3, 24, 24), random_styles(SMALL, 1)
    assert torch.equal(wide(batch, styles), again(batch, styles))


@pytest.mark.parametrize("size", [(3, 5), (8, 8), (9, 8), (18, 34), (33, 47), (62, 50), (64, 48)])
def test_any_size_keeps_its_size(size: tuple[int, int]) -> None:
    network, batch = Compact(SMALL), torch.rand(2, 3, *size)
    painted = network(batch, random_styles(SMALL, 2))
    assert painted.shape == batch.shape
    assert painted.isfinite().all()


def test_the_identity_is_exact() -> None:
    batch = torch.rand(1, 3, 30, 22)
    assert torch.equal(Compact(SMALL)(batch, identity_style(SMALL)[None]), batch)


def test_a_vector_scaled_by_s_paints_s_times_the_picture() -> None:
    network, batch, styles = Compact(), torch.rand(2, 3, 64, 48), random_styles(CompactConfig(), 2)
    with torch.no_grad():
        painted = network(batch, styles)
        for scale in (0.1, 0.5, 2.0):
            assert (network(batch, scale * styles) - scale * painted).abs().max() < 0.4 / 255


@pytest.mark.parametrize(("strength", "levels"), [(0.01, 4.0), (0.05, 0.8), (0.1, 0.4), (0.5, 0.06), (0.9, 0.02)])
def test_strength_is_a_point_between_two_vectors(strength: float, levels: float) -> None:
    """To within `levels` of 255: twice what this untrained network measures; trained ones keep to a tenth."""
    network, batch, styles = Compact(), torch.rand(2, 3, 64, 48), random_styles(CompactConfig(), 2)
    identity = identity_style(CompactConfig())
    with torch.no_grad():
        mixed = network(batch, (1 - strength) * identity + strength * styles)
        expected = (1 - strength) * batch + strength * network(batch, styles)
    assert (mixed - expected).abs().max() < levels / 255


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    network, batch, styles = Compact(SMALL), torch.rand(3, 3, 24, 24), random_styles(SMALL, 3)
    together = network(batch, styles)
    for index in range(3):
        alone = network(batch[index : index + 1], styles[index : index + 1])
        assert torch.allclose(together[index : index + 1], alone, atol=1e-5)
    assert not torch.allclose(together[:1], network(batch[:1], styles[1:2]), atol=1e-2)


def unevenness(layer: nn.Conv2d) -> float:
    """How far from flat a flat picture comes out of a layer."""
    painted = layer(torch.full((1, layer.in_channels, 32, 32), 0.7)).detach()
    return (painted - painted[..., 3:4, 3:4]).abs().max().item()


def test_no_convolution_gives_a_flat_picture_a_frame() -> None:
    """The whole network cannot be asked: what it normalises of a flat picture is nothing but rounding errors."""
    layers = [module for module in Compact(SMALL).modules() if isinstance(module, nn.Conv2d)]
    assert len(layers) == 5 + 2 * SMALL.blocks + 2 * SMALL.shallow_blocks
    assert all(unevenness(layer) < 1e-5 for layer in layers)
    for layer in layers:
        layer.padding_mode = "zeros"
    assert all(unevenness(layer) > 1e-2 for layer in layers)  # the check can fail


@pytest.mark.parametrize(
    "shape",
    [{"channels": 0}, {"deep_channels": 0}, {"blocks": 0}, {"tail_channels": 0}, {"shallow_blocks": -1}, {"inner": -1}],
)
def test_an_impossible_shape(shape: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        CompactConfig(**shape)


def test_squares_can_be_bilinear_upsampling_and_a_convolution() -> None:
    weight, x = torch.randn(5, 7, 3, 3), torch.rand(2, 7, 6, 9)
    large = F.pad(F.interpolate(x, scale_factor=2.0, mode="bilinear"), (1, 1, 1, 1), mode="replicate")
    convolution = SquareConvolution(7, 5)
    with torch.no_grad():
        convolution.weight.copy_(bilinear_rise(weight))
    assert torch.allclose(squares_laid_out(convolution(x)), F.conv2d(large, weight), atol=1e-4)


def test_all_places_of_a_square_answer_a_flat_input_alike() -> None:
    convolution, flat = SquareConvolution(7, 5), torch.rand(1, 7, 1, 1).expand(1, 7, 6, 9)
    torch.nn.init.normal_(convolution.weight)
    answers = convolution(flat).reshape(4, 5, 6, 9)
    assert torch.allclose(answers, answers[:1, :, :1, :1].expand_as(answers), atol=1e-5)
    plain = F.conv2d(flat, convolution.weight).reshape(4, 5, 4, 7)
    assert (plain - plain[:1]).abs().max() > 1  # what is not evened does not
    assert torch.allclose(evened(evened(convolution.weight)), evened(convolution.weight), atol=1e-6)
    # Of all such weights it is the nearest: what was taken away has no part in them.
    taken = convolution.weight - evened(convolution.weight)
    assert (taken * evened(convolution.weight)).sum().abs() < 1e-3 * convolution.weight.square().sum()


def test_squares_are_a_pixel_shuffle_with_the_places_first() -> None:
    x = torch.rand(2, 12, 4, 5)
    channels_first = x.reshape(2, 4, 3, 4, 5).transpose(1, 2).reshape(2, 12, 4, 5)
    assert torch.equal(squares_laid_out(x), F.pixel_shuffle(channels_first, 2))


def test_every_place_of_a_square_has_the_same_mean_and_contrast() -> None:
    """Whatever the weights are, what is normalised before it is laid out has no grid in its mean or contrast."""
    scale, shift = 1 + torch.rand(2, 5, 1, 1), torch.rand(2, 5, 1, 1)
    uneven = torch.randn(2, 20, 16, 16) * torch.arange(1, 21).reshape(1, 20, 1, 1) + torch.arange(20).reshape(
        1, 20, 1, 1
    )
    places = F.pixel_unshuffle(squares_laid_out(PlainNorms([(scale, shift)])(uneven)), 2)
    places = places.reshape(2, 5, 4, -1)
    assert torch.allclose(places.mean(3), shift[..., 0].expand(2, 5, 4), atol=1e-4)
    assert torch.allclose(places.std(3, correction=0), scale[..., 0].expand(2, 5, 4), atol=1e-3)
