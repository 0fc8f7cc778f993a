import pytest
import torch
from torch import Tensor

from artem_vr.nets.compact import Compact, CompactConfig, Conv3x3, identity_style, initial_style

SMALL = CompactConfig(channels=8, blocks=2, tail_channels=8)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def random_styles(config: CompactConfig, count: int) -> Tensor:
    styles = initial_style(config).repeat(count, 1) + 0.3 * torch.randn(count, config.style_size)
    styles[:, 0] = 0.2
    return styles


def test_the_default_is_a_hundred_thousand_weights_without_a_bias() -> None:
    network = Compact()
    parameters = dict(network.named_parameters())
    assert sum(weight.numel() for weight in parameters.values()) == 112_320
    assert all(weight.ndim == 4 for weight in parameters.values())
    assert not any("bias" in name for name in parameters)


def test_a_bank_of_eight_painters_is_under_a_megabyte() -> None:
    numbers = sum(weight.numel() for weight in Compact().parameters()) + 8 * CompactConfig().style_size
    assert 4 * numbers < 1_000_000


def test_the_style_vector_is_as_long_as_the_configuration_says() -> None:
    for config in (CompactConfig(), SMALL, CompactConfig(channels=5, blocks=1, tail_channels=3)):
        network, style = Compact(config), initial_style(config)
        assert style.shape == identity_style(config).shape == (config.style_size,)
        keep, ground, norms = network.split(style[None])
        assert (keep.shape, ground.shape) == ((1, 1, 1, 1), (1, 3, 1, 1))
        assert [scale.shape[1] for scale, _ in norms] == [shift.shape[1] for _, shift in norms] == config.norms
        assert all((scale == 1).all() and (shift == 0).all() for scale, shift in norms)


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (18, 34), (33, 47), (62, 50), (64, 48)])
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


def test_a_flat_picture_gets_no_frame() -> None:
    painted = Compact(SMALL)(torch.full((1, 3, 32, 32), 0.7), random_styles(SMALL, 1))
    corner = painted[..., :4, :4]
    for top in (0, 12, 28):
        for left in (0, 12, 28):
            assert torch.allclose(painted[..., top : top + 4, left : left + 4], corner, atol=1e-5)


def test_zeros_at_the_border_would_make_one() -> None:
    """The test above can fail: with zero padding the same network has a frame."""
    network = Compact(SMALL)
    for module in network.modules():
        if isinstance(module, Conv3x3):
            module.padding_mode = "zeros"
    painted = network(torch.full((1, 3, 32, 32), 0.7), random_styles(SMALL, 1))
    assert not torch.allclose(painted[..., :4, :4], painted[..., 12:16, 12:16], atol=1e-2)


@pytest.mark.parametrize("field", ["channels", "blocks", "tail_channels"])
def test_an_impossible_shape(field: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CompactConfig(**{field: 0})
