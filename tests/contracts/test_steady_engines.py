"""What every engine must fulfil that can hold the statistics of its normalisations steady."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from banks import random_adain_bank, random_bank, tiny_recipe
from engine_cases import CASES, Case, assert_near, available, calibrated, eyes, no_gpu

from artem_vr import resources
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError
from artem_vr.ports import PreparingEngine, can_paint_steadily
from artem_vr.steadiness import pooled
from artem_vr.styles import StyleBank

SWIFT = "swift.safetensors"
STEADY = {"torch", "openvino", "cuda_graph"}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.gpu] if case.missing is no_gpu else [])
        for name, case in CASES.items()
        if case.module in STEADY
    ],
)
def case(request: pytest.FixtureRequest) -> Case:
    return available(request.param)


@pytest.fixture(scope="module")
def engine(case: Case, bank: StyleBank) -> Iterator[Any]:
    opened = case.make(bank)
    yield opened
    opened.close()


def made(engine: Any) -> int:
    """How often it has compiled or recorded."""
    return getattr(engine, "compilations", 0) + getattr(engine, "recordings", 0)


@pytest.mark.parametrize("name", CASES)
def test_whoever_can_says_so(name: str, tmp_path: Path, bank: StyleBank) -> None:
    case = CASES[name]
    if reason := case.missing():
        pytest.skip(reason)
    opened = case.make(bank)
    assert can_paint_steadily(opened) is (case.module in STEADY)
    opened.close()
    if case.module in STEADY and not bank.ranges:
        for other in (random_bank(tmp_path, tiny_recipe(kind="johnson")), random_adain_bank(tmp_path)):
            opened = case.make(other)
            assert not can_paint_steadily(opened)
            with pytest.raises(EngineError, match="no statistics"):
                opened.paint_steady(eyes(64, 48), other.styles_SD[:2], None, 1.0)
            opened.close()


@pytest.mark.parametrize(("height", "width"), [(33, 47), (64, 48)])
def test_the_pictures_own_statistics_alone_are_the_plain_way(
    case: Case, engine: Any, reference: TorchEngine, bank: StyleBank, height: int, width: int
) -> None:
    pixels, styles = eyes(height, width), bank.styles_SD[[0, 2]]
    first, used = engine.paint_steady(pixels, styles, None, 0.3)
    again, same = engine.paint_steady(pixels, styles, 2.0 + used, 1.0)
    assert isinstance(first, np.ndarray) and first.dtype == np.uint8 and used.dtype == np.float32
    assert used.shape == same.shape == (2, used.shape[1])
    np.testing.assert_allclose(same, used, atol=0.05, rtol=0.05)
    for painted in (first, again):
        assert_near(case.random, painted, reference.paint(pixels, styles))


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_paints_what_the_reference_paints_between_two_pictures(
    case: Case, engine: Any, reference: TorchEngine, bank: StyleBank, share: float
) -> None:
    if case.make is calibrated and share == 0:
        pytest.skip("with the statistics of another picture alone, features leave the bounds that int8 was given")
    pixels, styles = eyes(64, 48), bank.styles_SD[[0, 2]]
    _, before = reference.paint_steady(pixels[::-1] // 2 + 60, styles, None, 1.0)
    expected, wanted = reference.paint_steady(pixels, styles, before, share)
    assert np.abs(expected.astype(int) - reference.paint(pixels, styles)).mean() > 1  # which is another picture
    painted, used = engine.paint_steady(pixels, styles, before, share)
    assert_near(case.random, painted, expected)
    (mean, _), (wanted_mean, wanted_variance) = np.split(used, 2, axis=1), np.split(wanted, 2, axis=1)
    assert (np.abs(mean - wanted_mean) / np.sqrt(wanted_variance)).mean() <= 0.02
    if share == 0:
        np.testing.assert_allclose(used, before, rtol=1e-5, atol=1e-5)


def test_a_picture_that_stays_keeps_its_paint(engine: Any, bank: StyleBank) -> None:
    pixels, styles = eyes(64, 48), bank.styles_SD[[0, 1]]
    first, used = engine.paint_steady(pixels, styles, None, 1.0)
    for _ in range(3):
        painted, used = engine.paint_steady(pixels, styles, used, 0.1)
        assert np.abs(painted.astype(int) - first).max() <= 1


def test_each_eye_goes_on_from_its_own_statistics(case: Case, engine: Any, bank: StyleBank) -> None:
    pixels, styles = eyes(64, 48), bank.styles_SD[[1, 2]]
    _, before = engine.paint_steady(255 - pixels, styles, None, 1.0)
    together, used = engine.paint_steady(pixels, styles, before, 0.2)
    for eye in range(2):
        one = slice(eye, eye + 1)
        alone, its_own = engine.paint_steady(pixels[one], styles[one], before[one], 0.2)
        assert_near(case.random, together[one], alone)
        np.testing.assert_allclose(its_own, used[one], rtol=0.02, atol=0.02)
    same = pooled(before)
    assert np.array_equal(same[0], same[1]) and not np.array_equal(before[0], before[1])


def test_nothing_compiles_for_styles_statistics_and_shares(engine: Any, bank: StyleBank) -> None:
    pixels = eyes(64, 48)
    engine.paint(pixels, bank.styles_SD[:2])
    _, used = engine.paint_steady(pixels, bank.styles_SD[:2], None, 1.0)
    before = made(engine)
    for share, previous in ((0.0, used), (0.4, pooled(used)), (1.0, None), (0.02, used)):
        engine.paint_steady(pixels, bank.styles_SD[[1, 2]], previous, share)
        engine.paint(pixels, 0.5 * bank.styles_SD[[0, 2]])
    assert made(engine) == before


def test_who_paints_steadily_prepares_that(case: Case, bank: StyleBank) -> None:
    opened: Any = case.make(bank)
    if isinstance(opened, PreparingEngine):
        opened.paint_steady(eyes(32, 24), bank.styles_SD[:2], None, 1.0)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(opened.prepare, (2, 40, 24, 3)).result()
        assert made(opened) == 2
        opened.paint_steady(eyes(40, 24), bank.styles_SD[:2], None, 1.0)
        assert made(opened) == 2
    opened.close()
    with pytest.raises(EngineError, match="closed"):
        opened.paint_steady(eyes(32, 24), bank.styles_SD[:2], None, 1.0)


def test_results_and_arguments_stay_as_they_were(engine: Any, bank: StyleBank) -> None:
    pixels, styles = eyes(64, 48), bank.styles_SD[[0, 1]]
    painted, used = engine.paint_steady(pixels, styles, None, 1.0)
    used.setflags(write=False)
    kept = painted.copy(), used.copy(), pixels.copy()
    other, others = engine.paint_steady(255 - pixels, styles[::-1], used, 0.5)
    assert not np.array_equal(other, painted) and not np.array_equal(others, used)
    assert np.array_equal(painted, kept[0]) and np.array_equal(used, kept[1]) and np.array_equal(pixels, kept[2])


GARBAGE = {
    "statistics of one eye": lambda used: (used[:1], 0.5),
    "too few statistics": lambda used: (used[:, 1:], 0.5),
    "no array": lambda used: (used.tolist(), 0.5),
    "a share above one": lambda used: (used, 1.5),
    "a share below none": lambda used: (used, -0.1),
    "a share that is no number": lambda used: (used, float("nan")),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_one_line(engine: Any, bank: StyleBank, garbage: Callable[..., Any]) -> None:
    pixels, styles = eyes(64, 48), bank.styles_SD[:2]
    _, used = engine.paint_steady(pixels, styles, None, 1.0)
    with pytest.raises(EngineError) as error:
        engine.paint_steady(pixels, styles, *garbage(used))
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not (resources.models() / SWIFT).exists(), reason="no swift bank in models/ yet")
def test_the_swift_bank(case: Case) -> None:
    """It has channels whose mean is sixty times their deviation, where eight bits are few."""
    bank = StyleBank.load(resources.models() / SWIFT)
    opened, reference = case.make(bank), TorchEngine(bank)
    pixels, styles = eyes(128, 96), bank.styles_SD[[0, 3]]
    assert isinstance(opened, type(opened)) and can_paint_steadily(opened)
    _, before = reference.paint_steady(pixels // 2 + 60, styles, None, 1.0)
    for previous, share in ((None, 1.0), (before, 0.1)):
        expected, _ = reference.paint_steady(pixels, styles, previous, share)
        painted, _ = opened.paint_steady(pixels, styles, previous, share)
        plain = np.abs(opened.paint(pixels, styles).astype(float) - reference.paint(pixels, styles)).mean()
        off = np.abs(painted.astype(float) - expected)
        assert off.mean() <= 1.5 * plain + 0.05  # no further from the reference than the plain way is
    opened.close()
