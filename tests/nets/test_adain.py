import pytest
import torch
from banks import picture, random_adain
from torch import Tensor, nn
from torch.nn import functional as F

from artem_vr.nets import catalogue
from artem_vr.nets.adain import Adain, AdainConfig, identity_style, initial_style
from trainer.adain_task import with_encoder
from trainer.perceptual import PerceptualNetwork

SMALL = AdainConfig(width=4, third=2)
CHANNELS = 8 * SMALL.width
EPSILON = 1e-5


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def network() -> Adain:
    return random_adain(SMALL)


def pictures(height: int, width: int, *seeds: int) -> Tensor:
    return torch.stack([torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1) / 255 for seed in seeds])


def moments(features_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Deviation and mean of every channel (N, C), the deviation as the network measures it."""
    flat = features_NCHW.flatten(2)
    return ((flat - flat.mean(2, keepdim=True)).square().mean(2) + EPSILON).sqrt(), flat.mean(2)


def adain(content_NCHW: Tensor, style_NCHW: Tensor) -> Tensor:
    """The paper's equation 8, from the features of both."""
    (own_deviation, own_mean), (deviation, mean) = moments(content_NCHW), moments(style_NCHW)
    centred = content_NCHW - own_mean[..., None, None]
    return (deviation / own_deviation)[..., None, None] * centred + mean[..., None, None]


def test_the_default_has_the_layers_of_vgg_19() -> None:
    """Counted by hand: what goes into each 3x3 convolution times what comes out, as in the published pair."""
    scales = 3 * 64 + 64 * 64, 64 * 128 + 128 * 128, 128 * 256 + 3 * 256 * 256, 256 * 512
    convolutions = 9 * sum(scales)
    assert convolutions == 9 * 389_312 == 3_503_808
    encoder_biases = 2 * 64 + 2 * 128 + 4 * 256 + 512
    preprocessing = 3 * 3 + 3
    decoder_biases = 4 * 256 + 2 * 128 + 2 * 64 + 3
    network = Adain()
    encoder, decoder = (sum(p.numel() for p in part.parameters()) for part in (network.encoder, network.decoder))
    assert encoder == convolutions + encoder_biases + preprocessing == 3_505_740
    assert decoder == convolutions + decoder_biases == 3_505_219
    assert sum(parameter.numel() for parameter in network.parameters()) == 7_010_959
    assert network.config.style_size == 1 + 2 * 512


def test_the_decoder_mirrors_the_encoder(network: Adain) -> None:
    """The same layers in the opposite order, each from its outputs to its inputs; 1x1 preprocessing has no mirror."""
    encoder = {name: layer for name, layer in network.encoder.items() if name != "conv0"}
    assert list(encoder) == [
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1"
    ]  # fmt: skip
    assert list(network.decoder) == list(encoder)[::-1]
    for name, layer in network.decoder.items():
        assert (layer.in_channels, layer.out_channels) == (encoder[name].out_channels, encoder[name].in_channels)
        assert layer.kernel_size == encoder[name].kernel_size == (3, 3)
        assert layer.padding_mode == encoder[name].padding_mode == "reflect"
    # Nothing in between normalises: the decoder must be able to give each picture a contrast of its own.
    assert all(isinstance(module, (Adain, nn.ModuleDict, nn.Conv2d)) for module in network.modules())


def test_features_are_an_eighth_and_decode_to_the_whole(network: Adain) -> None:
    features = network.encode(pictures(40, 24, 1, 2))
    assert features.shape == (2, CHANNELS, 5, 3)
    assert features.min() == 0  # behind a ReLU
    assert network.decode(features).shape == (2, 3, 40, 24)


def test_upsampling_is_nearest() -> None:
    """With the convolutions replaced by ones that copy their middle pixel, a feature is an even square of 8x8."""
    copy = Adain(AdainConfig(1, 1)).requires_grad_(False)
    for layer in copy.decoder.values():
        layer.weight.zero_()
        layer.bias.zero_()
        layer.weight[:, 0, 1, 1] = 1
    features = torch.rand(1, 8, 3, 2)
    expected = features[:, :1].repeat_interleave(8, 2).repeat_interleave(8, 3).expand(1, 3, 24, 16)
    assert torch.equal(copy.decode(features), expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (16, 16), (17, 16), (18, 34), (33, 47), (64, 48)])
def test_any_size_keeps_its_size(network: Adain, size: tuple[int, int]) -> None:
    batch = torch.rand(2, 3, *size)
    painted = network(batch, network.style_of(pictures(32, 32, 1, 2)))
    assert painted.shape == batch.shape
    assert painted.isfinite().all()


def test_odd_sizes_are_continued_by_their_last_pixels(network: Adain) -> None:
    style, batch = network.style_of(pictures(32, 32, 1)), pictures(33, 47, 2)
    continued = torch.cat([batch, batch[:, :, -1:].expand(1, 3, 7, 47)], 2)
    continued = torch.cat([continued, continued[..., -1:]], 3)
    assert torch.equal(network(batch, style), network(continued, style)[..., :33, :47])


def test_pictures_of_a_batch_do_not_see_each_other(network: Adain) -> None:
    batch, styles = pictures(32, 40, 1, 2, 3), network.style_of(pictures(32, 32, 4, 5, 6))
    together = network(batch, styles)
    for index in range(3):
        alone = network(batch[index : index + 1], styles[index : index + 1])
        assert torch.allclose(together[index : index + 1], alone, atol=1e-5)
    assert not torch.allclose(together[:1], network(batch[:1], styles[1:2]), atol=1e-2)


def test_a_style_is_keep_then_deviations_then_means(network: Adain) -> None:
    shown = pictures(32, 40, 1, 2)
    styles = network.style_of(shown)
    assert styles.shape == (2, SMALL.style_size) == (2, 1 + 2 * 8 * SMALL.width)
    deviation, mean = moments(network.encode(shown))
    assert torch.equal(styles[:, 0], torch.zeros(2))
    assert torch.allclose(styles[:, 1 : 1 + CHANNELS], deviation, atol=1e-5)
    assert torch.allclose(styles[:, 1 + CHANNELS :], mean, atol=1e-5)
    assert not torch.allclose(styles[0], styles[1], atol=1e-2)
    alone = network.style_of(shown[1:])
    assert torch.allclose(styles[1:], alone, atol=1e-5)


def test_restyled_features_have_the_statistics_of_the_style(network: Adain) -> None:
    """Deviations are exact but for the epsilon that keeps a channel of no deviation finite."""
    content = torch.rand(2, CHANNELS, 6, 9)
    shown = network.encode(pictures(48, 32, 1, 2))
    restyled = network.restyle(content, network.style_of(pictures(48, 32, 1, 2)))
    assert torch.allclose(restyled.mean((2, 3)), shown.mean((2, 3)), atol=1e-5)
    assert torch.allclose(restyled.std((2, 3), correction=0), moments(shown)[0], rtol=1e-3)
    assert not torch.allclose(content.mean((2, 3)), shown.mean((2, 3)), atol=0.1)  # they had others before
    # Where things are does not change: every channel is the old one on another scale.
    assert torch.allclose(restyled, adain(content, shown), atol=1e-5)


def test_a_picture_in_its_own_style_is_as_the_decoder_knows_it(network: Adain) -> None:
    batch = pictures(32, 32, 1)
    assert torch.allclose(network(batch, network.style_of(batch)), network.decode(network.encode(batch)), atol=1e-5)


def test_the_identity_decodes_the_plain_features(network: Adain) -> None:
    batch, identity = pictures(32, 40, 1, 2), identity_style(SMALL)
    assert identity.tolist() == [1.0] + [0.0] * 2 * CHANNELS
    assert torch.equal(network(batch, identity.repeat(2, 1)), network.decode(network.encode(batch)))


def test_the_initial_style_is_plain_normalisation(network: Adain) -> None:
    features, style = network.encode(pictures(32, 40, 1)), initial_style(SMALL)
    assert style.tolist() == [0.0] + [1.0] * 2 * CHANNELS
    assert torch.allclose(network.restyle(features, style[None]), F.instance_norm(features) + 1, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_line_to_a_style_is_the_papers_alpha(network: Adain, alpha: float) -> None:
    """Equation 14: decode((1 - alpha) * f(content) + alpha * AdaIN(f(content), f(style)))."""
    content, shown = pictures(32, 40, 1), pictures(48, 32, 2)
    style = (1 - alpha) * identity_style(SMALL) + alpha * network.style_of(shown)
    features = network.encode(content)
    expected = network.decode((1 - alpha) * features + alpha * adain(features, network.encode(shown)))
    assert torch.allclose(network(content, style), expected, atol=1e-5)
    if alpha < 1:  # and alpha counts: it is not the style at its full
        assert not torch.allclose(network(content, style), network(content, network.style_of(shown)), atol=1e-2)


def test_a_mean_of_styles_is_the_papers_interpolation(network: Adain) -> None:
    """Equation 15: decode(sum of w * AdaIN(f(content), f(style))), the weights of sum 1."""
    content, shown, weights = pictures(32, 40, 1), pictures(48, 32, 2, 3, 4), torch.tensor([0.5, 0.3, 0.2])
    features = network.encode(content)
    restyled = [
        weight * adain(features, network.encode(shown[index : index + 1])) for index, weight in enumerate(weights)
    ]
    painted = network(content, (weights @ network.style_of(shown))[None])
    assert torch.allclose(painted, network.decode(torch.stack(restyled).sum(0)), atol=1e-5)


def test_the_encoder_is_a_perceptual_network_up_to_relu4_1(network: Adain) -> None:
    """Pads by reflection as it does, so that the losses see at the borders what the network sees."""
    perceptual = PerceptualNetwork(dict(network.encoder.state_dict()))
    batch = pictures(40, 24, 1, 2)
    expected = perceptual(batch, ["relu4_1"])["relu4_1"]
    assert torch.allclose(network.encode(batch), expected, atol=1e-5)
    zeros = random_adain(SMALL)
    for layer in zeros.encoder.values():
        layer.padding_mode = "zeros"
    assert not torch.allclose(zeros.encode(batch), expected, atol=1e-2)  # the check can fail


def test_a_perceptual_network_becomes_the_encoder(network: Adain) -> None:
    """Its deeper layers and its heads stay behind; the encoder does not learn, the decoder does."""
    weights = dict(network.encoder.state_dict())
    weights |= {"conv4_2.weight": torch.rand(CHANNELS, CHANNELS, 3, 3), "conv4_2.bias": torch.rand(CHANNELS)}
    weights |= {"conv1_1_head.weight": torch.rand(64, 4, 1, 1), "conv1_1_head.bias": torch.rand(64)}
    built = with_encoder(PerceptualNetwork(weights))
    assert built.config == SMALL
    batch = pictures(32, 32, 1)
    assert torch.equal(built.encode(batch), network.encode(batch))
    assert not any(parameter.requires_grad for parameter in built.encoder.parameters())
    assert all(parameter.requires_grad for parameter in built.decoder.parameters())


def flatness(layer: nn.Conv2d) -> float:
    """How far from flat a flat picture comes out of a layer."""
    painted = layer(torch.full((1, layer.in_channels, 8, 8), 0.7))
    return (painted - painted[..., 3:4, 3:4]).abs().max().item()


def test_no_convolution_gives_a_flat_picture_a_frame() -> None:
    layers = [module for module in random_adain(SMALL).modules() if isinstance(module, nn.Conv2d)]
    assert len(layers) == 1 + 7 + 7
    assert all(flatness(layer) < 1e-4 for layer in layers)
    spatial = [layer for layer in layers if layer.kernel_size != (1, 1)]
    for layer in spatial:
        layer.padding_mode = "zeros"
    assert all(flatness(layer) > 1e-2 for layer in spatial)  # the check can fail


@pytest.mark.parametrize("shape", [{"width": 0}, {"third": 0}, {"width": -4}])
def test_an_impossible_shape(shape: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        AdainConfig(**shape)


def test_a_card_describes_the_network() -> None:
    assert SMALL.to_metadata() == {"width": 4, "third": 2}
    built, style = catalogue.build("adain", SMALL.to_metadata())
    assert isinstance(built, Adain) and built.config == SMALL
    assert torch.equal(style, initial_style(SMALL))
    empty, style_size = catalogue.build_empty("adain", SMALL.to_metadata())
    assert style_size == SMALL.style_size
    assert {name: tensor.shape for name, tensor in empty.state_dict().items()} == {
        name: tensor.shape for name, tensor in built.state_dict().items()
    }
