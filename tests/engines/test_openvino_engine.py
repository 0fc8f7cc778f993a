import warnings
from pathlib import Path

import numpy as np
import pytest
from banks import picture, random_bank

from artem_vr.engines import openvino
from artem_vr.engines.loading import load_network
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError
from artem_vr.styles import StyleBank


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


def test_only_a_new_shape_compiles(bank: StyleBank) -> None:
    engine = OpenVinoEngine(bank, "f32")
    assert engine.compilations == 0
    pixels = np.stack([picture(32, 32)] * 2)
    for styles in (bank.styles_SD[:2], bank.styles_SD[1:3], np.stack([bank.identity()] * 2)):
        engine.paint(pixels, styles)
    assert engine.compilations == 1
    engine.paint(pixels[:1], bank.styles_SD[:1])
    assert engine.compilations == 2
    engine.paint(pixels, bank.styles_SD[:2])
    assert engine.compilations == 2
    engine.close()


def test_the_shape_used_longest_ago_is_dropped(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "_KEPT_SHAPES", 2)
    engine, style = OpenVinoEngine(bank, "f32"), bank.styles_SD[:1]
    for size in (16, 20, 16, 24):  # 24 takes the place of 20
        engine.paint(picture(size, size)[None], style)
    assert engine.compilations == 3
    engine.paint(picture(16, 16)[None], style)
    assert engine.compilations == 3
    engine.paint(picture(20, 20)[None], style)
    assert engine.compilations == 4
    engine.close()


def test_compiling_prints_no_warning(bank: StyleBank) -> None:
    engine = OpenVinoEngine(bank, "f32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine.paint(picture(18, 18)[None], bank.styles_SD[:1])
    assert engine.compilations == 1
    engine.close()


def test_auto_takes_what_the_processor_computes_in(bank: StyleBank) -> None:
    import openvino as runtime

    has_bf16 = "BF16" in runtime.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert OpenVinoEngine(bank).precision == ("bf16" if has_bf16 else "f32")


def test_bf16_is_refused_where_the_processor_lacks_it(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    class OldCore:
        def get_property(self, device: str, name: str) -> list[str]:
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino.ov, "Core", OldCore)
    assert OpenVinoEngine(bank).precision == "f32"
    with pytest.raises(EngineError, match="bf16"):
        OpenVinoEngine(bank, "bf16")


def test_an_unknown_precision(bank: StyleBank) -> None:
    with pytest.raises(EngineError, match=r"int4.*choose auto, f32 or bf16"):
        OpenVinoEngine(bank, "int4")


def test_nothing_is_told_to_anybody(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO's own converter reports its use over the network, unless a person has found out how to forbid it."""
    telemetry = pytest.importorskip("openvino_telemetry", reason="this OpenVINO has no telemetry")

    def told(*ignored: object, **named: object) -> None:
        raise AssertionError("something was reported")

    for name in [name for name in vars(telemetry.Telemetry) if name.startswith(("send", "start", "end"))]:
        monkeypatch.setattr(telemetry.Telemetry, name, told)
    engine = OpenVinoEngine(bank, "f32")
    engine.paint(picture(20, 26)[None], bank.styles_SD[:1])
    assert engine.compilations == 1
    engine.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_picture_of_a_batch_is_its_own_whatever_the_threads(bank: StyleBank, threads: int) -> None:
    pixels = np.stack([picture(32, 24, seed) for seed in range(5)])
    styles = bank.styles_SD[[0, 1, 2, 0, 1]]
    alone, together = OpenVinoEngine(bank, "f32", threads=1), OpenVinoEngine(bank, "f32", threads=threads)
    expected = np.concatenate([alone.paint(pixels[i : i + 1], styles[i : i + 1]) for i in range(5)])
    assert np.abs(together.paint(pixels, styles).astype(int) - expected).max() <= 1
    assert np.abs(expected[0].astype(int) - expected[3]).max() > 10  # one style, two pictures
    alone.close()
    together.close()


def test_what_was_painted_before_does_not_change(bank: StyleBank) -> None:
    engine = OpenVinoEngine(bank, "f32")
    first = engine.paint(np.stack([picture(32, 24, 1)] * 2), bank.styles_SD[:2])
    kept = first.copy()
    engine.paint(np.stack([picture(32, 24, 2)] * 2), bank.styles_SD[:2])
    assert np.array_equal(first, kept)
    engine.close()


def test_one_picture_that_fails_is_told_when_no_other_is_under_way(
    bank: StyleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []

    class Request:
        def __init__(self, number: int) -> None:
            self.number = number

        def wait(self) -> None:
            waited.append(self.number)
            if self.number == 0:
                raise RuntimeError("no memory")

        def set_input_tensor(self, *given: object) -> None:
            pass

        set_output_tensor = set_input_tensor
        start_async = set_input_tensor

    engine = OpenVinoEngine(bank, "f32")
    monkeypatch.setattr(engine._requests, "get", lambda shape: [Request(0), Request(1)])
    with pytest.raises(EngineError, match="no memory"):
        engine.paint(np.stack([picture(32, 24)] * 2), bank.styles_SD[:2])
    assert waited == [0, 1]
    engine.close()


def test_arrays_that_cannot_be_written_to_are_painted_too(bank: StyleBank) -> None:
    engine = OpenVinoEngine(bank, "f32")
    pixels, styles = picture(32, 24)[None], bank.styles_SD[:1].copy()
    painted = engine.paint(pixels, styles)
    pixels.flags.writeable = styles.flags.writeable = False
    assert np.array_equal(engine.paint(pixels, styles), painted)
    engine.close()


def test_each_way_compiles_once_for_a_shape(bank: StyleBank) -> None:
    engine, pixels, style = OpenVinoEngine(bank, "f32"), picture(24, 16)[None], bank.styles_SD[:1]
    for _ in range(2):
        engine.paint(pixels, style)
        engine.paint_steady(pixels, style, None, 1.0)
    assert engine.compilations == 2
    engine.prepare((1, 16, 16, 3))  # steadily, as it painted last
    engine.paint_steady(pixels[:, :16], style, None, 1.0)
    assert engine.compilations == 3
    engine.close()


def test_the_graph_of_the_steady_way_is_kept_too(
    bank: StyleBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path))
    pixels, style, found = picture(24, 16)[None], bank.styles_SD[:1], []
    for _ in range(2):
        engine = OpenVinoEngine(bank, "f32")
        engine.paint(pixels, style)
        found.append(engine.paint_steady(pixels, style, None, 1.0))
        loaded = engine._networks
        engine.close()
    assert loaded is None  # the second needed no torch
    assert np.abs(found[0][0].astype(int) - found[1][0]).max() <= 1
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(
    "BF16" not in openvino.ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"), reason="no bfloat16 here"
)
def test_steady_paint_is_as_exact_as_plain_paint_where_means_are_far_from_zero(bank: StyleBank) -> None:
    """With means of seventy deviations eight bits leave the variance nothing: it must be computed in float32."""
    style, first = bank.styles_SD[:1].copy(), 4
    for channels in load_network(bank).config.norms:
        style[:, first + channels : first + 2 * channels] += 15
        first += 2 * channels
    half, reference, pixels = OpenVinoEngine(bank, "bf16"), TorchEngine(bank), picture(48, 64)[None]
    expected, wanted = reference.paint_steady(pixels, style, None, 1.0)
    painted, used = half.paint_steady(pixels, style, None, 1.0)
    (_, variance), (mean, wanted_variance) = np.split(used, 2, axis=1), np.split(wanted, 2, axis=1)
    assert (np.abs(mean) / np.sqrt(wanted_variance)).max() > 50
    assert np.median(np.abs(variance / wanted_variance - 1)) < 0.02
    plain = np.abs(half.paint(pixels, style).astype(float) - reference.paint(pixels, style)).mean()
    assert np.abs(painted.astype(float) - expected).mean() < 1.5 * plain
    half.close()
