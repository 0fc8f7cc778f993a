from dataclasses import replace

import pytest
import torch

from artem_vr.nets.johnson import Johnson, JohnsonConfig, Output, Upsampling, initial_style

SMALL = JohnsonConfig(width=4, blocks=1)


def test_width_32_is_the_published_network() -> None:
    weights = sum(parameter.numel() for parameter in Johnson().parameters())
    # PyTorch's example of the paper's network has 1,679,235: 1,676,035 in convolutions, 3,200 in its normalisations.
    assert weights == 1_676_035
    assert weights + JohnsonConfig().style_size == 1_679_235


def test_the_style_vector_holds_unit_scales_and_no_shifts() -> None:
    style = initial_style(SMALL)
    assert style.shape == (SMALL.style_size,)
    assert style.sum() == SMALL.style_size / 2
    assert set(style.tolist()) == {0.0, 1.0}


def test_blocks_may_be_narrower_inside() -> None:
    torch.manual_seed(0)
    narrow = Johnson(replace(SMALL, inner=6))
    shapes = {name: tuple(weight.shape[:2]) for name, weight in narrow.named_parameters() if weight.ndim == 4}
    wide = {name: tuple(weight.shape[:2]) for name, weight in Johnson(SMALL).named_parameters() if weight.ndim == 4}
    assert shapes == wide | {"residual.0.weight": (6, 16), "residual.1.weight": (16, 6)}
    assert narrow.config.norms == [4, 8, 16, 6, 16, 8, 4]
    style = initial_style(narrow.config)
    assert style.shape == (narrow.config.style_size,)
    assert narrow(torch.rand(1, 3, 20, 16), style[None]).isfinite().all()


def test_as_wide_inside_as_outside_is_the_same_network() -> None:
    """A card from before there was the field has none; what it describes must not change."""
    torch.manual_seed(0)
    same = replace(SMALL, inner=4 * SMALL.width)
    assert same.norms == SMALL.norms
    wide, again = Johnson(SMALL), Johnson(same)
    again.load_state_dict(wide.state_dict())
    batch, styles = torch.rand(1, 3, 16, 16), initial_style(SMALL)[None]
    assert torch.equal(wide(batch, styles), again(batch, styles))


@pytest.mark.parametrize("size", [(16, 16), (17, 19), (18, 34), (33, 47), (64, 48)])
def test_any_size_keeps_its_size(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    batch = torch.rand(2, 3, *size)
    painted = Johnson(SMALL)(batch, initial_style(SMALL).repeat(2, 1))
    assert painted.shape == batch.shape
    assert painted.isfinite().all()


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    torch.manual_seed(0)
    network, batch = Johnson(SMALL), torch.rand(2, 3, 24, 24)
    styles = initial_style(SMALL).repeat(2, 1) + 0.3 * torch.randn(2, SMALL.style_size)
    together = network(batch, styles)
    for index in range(2):
        alone = network(batch[index : index + 1], styles[index : index + 1])
        assert torch.allclose(together[index : index + 1], alone, atol=1e-4)
    assert not torch.allclose(together[:1], network(batch[:1], styles[1:]), atol=1e-2)


@pytest.mark.parametrize("shape", [{"width": 0}, {"blocks": -1}, {"inner": -1}])
def test_an_impossible_shape(shape: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        JohnsonConfig(**shape)


@pytest.mark.parametrize(("field", "known"), [("upsampling", "nearest, transposed"), ("output", "linear, tanh, sigm")])
def test_an_unknown_way(field: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be one of {known}"):
        JohnsonConfig(**{field: "bicubic"})


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize(("output", "lowest", "highest"), [("tanh", -0.15, 1.15), ("sigmoid", 0.0, 1.0)])
def test_bounded_outputs_stay_in_their_range(
    upsampling: Upsampling, output: Output, lowest: float, highest: float
) -> None:
    torch.manual_seed(0)
    config = JohnsonConfig(4, 1, upsampling, output)
    network, batch = Johnson(config), torch.rand(1, 3, 18, 22)
    with torch.no_grad():
        network.paint.weight *= 1000
        painted = network(batch, initial_style(config)[None])
    assert painted.shape == batch.shape
    assert painted.min().item() == pytest.approx(lowest, abs=1e-4)
    assert painted.max().item() == pytest.approx(highest, abs=1e-4)


def test_both_ways_up_have_as_many_weights_of_the_same_names() -> None:
    ways = [Johnson(JohnsonConfig(4, 1, upsampling)) for upsampling in ("nearest", "transposed")]
    names = [[(name, parameter.numel()) for name, parameter in way.named_parameters()] for way in ways]
    assert names[0] == names[1]
