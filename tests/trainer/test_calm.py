"""Training for calm: what is compared with what, and that a network learns from it."""

from pathlib import Path

import pytest
import torch
from miniature import Miniature, assert_goes_on
from torch.nn import functional as F

from artem_vr.errors import InputError
from trainer.calm import Calm, difference, homographies, warped_grid
from trainer.data import scene_pairs
from trainer.data.scene_pairs import VIEWS, ScenePairs
from trainer.recipe import CalmRecipe

CALM = {"calm.temporal": "1.0", "calm.noise": "1.0", "calm.stereo": "1.0", "calm.places": "2"}


@pytest.fixture(scope="module")
def pairs() -> ScenePairs:
    return ScenePairs.render(3, 48, seed=8)


@pytest.fixture
def drawn_once(pairs: ScenePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the scene takes seconds: whoever needs no places of its own takes the corner of these."""

    def corner(places: int, size: int, seed: int) -> ScenePairs:
        return ScenePairs(
            pairs.pixels_PVSSC[:places, :, :size, :size],
            pairs.way_PWSS2[:places, :, :size, :size],
            pairs.seen_PWSS[:places, :, :size, :size],
        )

    monkeypatch.setattr(ScenePairs, "render", corner)


def _calm(recipe: CalmRecipe, pairs: ScenePairs) -> Calm:
    return Calm(recipe, pairs, 0, torch.device("cpu"))


def _still(size: int, count: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return warped_grid(torch.eye(3).repeat(count, 1, 1), size)


def test_the_way_leads_to_the_same_surface_in_the_left_eye(pairs: ScenePairs) -> None:
    """Fetched along it, the left eye's picture is nearly the other view; at the same place it is not."""
    pixels, ways, seen = pairs.batch(3, seed=0, step=0)
    rest, _ = _still(48)
    left = pixels[:, 0].repeat_interleave(2, 0)
    others, ways, seen = pixels[:, 1:].flatten(0, 1), ways.flatten(0, 1), seen.flatten(0, 1)
    carried = F.grid_sample(left, rest + ways * (2 / 48), "bilinear", "border", align_corners=False)
    apart, naive = ((picture - others).abs().mean(1) for picture in (carried, left))
    assert 0.7 < seen.float().mean() < 1
    assert apart[seen].mean() < 0.5 * naive[seen].mean()


def test_places_are_the_same_for_the_same_seed_and_step(pairs: ScenePairs) -> None:
    again = ScenePairs.render(2, 48, seed=8)
    assert (again.pixels_PVSSC == pairs.pixels_PVSSC[:2]).all()
    assert (again.way_PWSS2 == pairs.way_PWSS2[:2]).all()
    assert (again.pixels_PVSSC[0] != again.pixels_PVSSC[1]).any()
    first, other = (pairs.batch(8, seed=0, step=step)[0] for step in (4, 5))
    assert torch.equal(first, pairs.batch(8, seed=0, step=4)[0])
    assert not torch.equal(first, other)


def test_the_scene_stands_still_between_the_views_of_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Depth tells where everything is after a move of the head, and nothing of what moves by itself."""
    times: list[float] = []
    drawn = scene_pairs._views

    def views(source: object, eyes: object, time: float, size: int) -> list[scene_pairs._View]:
        times.append(time)
        return drawn(source, eyes, time, size)

    monkeypatch.setattr(scene_pairs, "_views", views)
    ScenePairs.render(2, 16, seed=1)
    first, later = times[1::2], times[2::2]  # the very first is the beginning of the scene's time
    assert first == later
    assert len(set(first)) == 2


def test_processes_draw_moves_noise_and_places_of_their_own(pairs: ScenePairs) -> None:
    calm = _calm(CalmRecipe(temporal=1, share=1), pairs)
    photos, styles = torch.rand(4, 3, 48, 48), torch.arange(4)
    one, again, other = (calm.extra(photos, styles, step=4, rank=rank) for rank in (0, 0, 1))
    assert torch.equal(one.pictures_NCHW, again.pictures_NCHW)
    for part in (one.moved, one.noisy, slice(4, None)):
        assert not torch.equal(one.pictures_NCHW[part], other.pictures_NCHW[part])
    assert not torch.equal(one.grid_NHW2[one.moved], other.grid_NHW2[other.moved])


@pytest.mark.usefixtures("drawn_once")
def test_a_step_of_another_process_is_another_step(miniature: Miniature) -> None:
    """Of two processes each takes its share of the photographs, and what it adds to them."""
    task, photos = miniature.run("run", batch="2", **CALM).task, torch.rand(1, 3, 32, 32)
    ranks: list[int] = []
    extra = task._calm.extra
    task._calm.extra = lambda photos, styles, step, rank: ranks.append(rank) or extra(photos, styles, step, rank)
    for share in (slice(None), slice(0, None, 2), slice(1, None, 2)):
        task.terms(task.module, photos, 0, share) if share.step else task.terms(
            task.module, photos.repeat(2, 1, 1, 1), 0, share
        )
    assert ranks == [0, 0, 1]


def test_views_are_saved_and_loaded(pairs: ScenePairs, tmp_path: Path) -> None:
    path = tmp_path / "views.safetensors"
    pairs.save(path)
    loaded = ScenePairs.load(path, 48)
    for name in ("pixels_PVSSC", "way_PWSS2", "seen_PWSS"):
        assert torch.equal(getattr(loaded, name), getattr(pairs, name))
    training, held_out = Calm.open(CalmRecipe(temporal=1, views=str(path)), 48, 0, torch.device("cpu"))
    assert torch.equal(torch.cat([training.scene_NCHW(), held_out.scene_NCHW()]), pairs.left_NCHW())
    assert len(held_out.scene_NCHW()) == 1


@pytest.mark.parametrize("content", [None, b"nothing of the kind"])
def test_views_that_are_none_are_told_in_a_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "views.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"holds no views of the scene .*: leave out calm\.views"):
        ScenePairs.load(path, 48)


def test_views_of_another_size_are_told_in_a_line(pairs: ScenePairs, tmp_path: Path) -> None:
    pairs.save(tmp_path / "views.safetensors")
    with pytest.raises(InputError, match="does not hold two places or more of 224x224 pixels"):
        ScenePairs.load(tmp_path / "views.safetensors", 224)


def test_what_moves_with_the_world_makes_no_difference() -> None:
    torch.manual_seed(0)
    before = F.avg_pool2d(torch.rand(2, 3, 40, 40), 5, 1, 2)
    shift = torch.eye(3).repeat(2, 1, 1)
    shift[:, 0, 2] = 2 * 6 / 40  # six pixels
    grid, seen = warped_grid(shift, 40)
    later = torch.roll(before, -6, 3)
    assert difference(later, before, grid, seen).max() < 1e-2
    assert difference(before, before, grid, seen).min() > 0.1
    assert not seen[:, :, -6:].any()
    assert seen[:, :, :-6].all()


def test_the_difference_is_a_share_of_the_contrast_and_blind_to_what_is_hidden() -> None:
    torch.manual_seed(0)
    grid, seen = _still(32)
    picture, noise = torch.rand(1, 3, 32, 32), 0.05 * torch.randn(1, 3, 32, 32)
    strong, faint = (difference(s * (picture + noise), s * picture, grid, seen) for s in (1.0, 0.5))
    assert faint.item() == pytest.approx(strong.item(), rel=0.1)
    torn = picture + noise
    torn[..., :10] = 1.0
    hidden = seen.clone()
    hidden[..., :10] = False
    assert difference(torn, picture, grid, hidden) < difference(torn, picture, grid, seen) / 3


def _paintings(contrast: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Two paintings of the same that differ here and there, around one mean colour."""
    random = torch.Generator().manual_seed(3)
    strokes = F.avg_pool2d(torch.rand(1, 3, 36, 36, generator=random), 5, 1) - 0.5
    apart = 0.3 * (F.avg_pool2d(torch.rand(1, 3, 36, 36, generator=random), 5, 1) - 0.5)
    return 0.5 + contrast * (strokes + apart), 0.5 + contrast * strokes


def test_neither_paling_nor_gaudiness_pays() -> None:
    """The gradient of the term along contrast is next to nothing beside the term itself, which pays for calm alone."""
    grid, seen = _still(32)
    contrast = torch.tensor(4.0, requires_grad=True)
    term = difference(*_paintings(contrast), grid, seen).sum()
    (along,) = torch.autograd.grad(term * contrast.detach(), contrast)  # for a relative change of the contrast
    assert term > 0.1
    assert abs(along) < 0.02 * term
    paler, gaudier = (difference(*_paintings(4.0 * scale), grid, seen).sum() for scale in (0.5, 2.0))
    assert [paler.item(), gaudier.item()] == pytest.approx([term.item()] * 2, rel=0.05)


def test_paint_that_is_not_there_makes_no_difference() -> None:
    """The floor: what cannot be seen may not be blown up to a share of nothing."""
    grid, seen = _still(32)
    later, before = _paintings(0.002)
    contrast = before.var((2, 3)).sum(1).sqrt()
    share = (later - before).square().sum(1).sqrt().mean() / contrast
    assert difference(later, before, grid, seen) < 0.2 * share


def test_photographs_move_no_further_than_they_may() -> None:
    matrices = homographies(200, 0.05, torch.Generator().manual_seed(0))
    middle = matrices @ torch.tensor([0.0, 0.0, 1.0])
    moved = (middle[:, :2] / middle[:, 2:]).norm(dim=1)
    assert moved.max() <= 2 * 0.05 * 2**0.5 + 1e-6
    assert moved.min() < 0.01, "slow moves must be among them"


def test_a_painter_that_leaves_pictures_alone_is_as_calm_as_the_world(pairs: ScenePairs) -> None:
    """Identity follows every move; only noise is left."""
    calm = _calm(CalmRecipe(temporal=1, noise=1, stereo=1, share=1), pairs)
    torch.manual_seed(0)
    photos = F.avg_pool2d(torch.rand(4, 3, 60, 60), 13, 1)
    photos = (photos - photos.amin()) / (photos.amax() - photos.amin())
    extra = calm.extra(photos, torch.zeros(4, dtype=torch.long), step=0)
    assert len(extra.pictures_NCHW) == len(extra.styles_N) == 4 + VIEWS * extra.places
    still = calm.terms(photos, extra.pictures_NCHW, extra)
    swimming = extra.pictures_NCHW + 0.2 * torch.sign(torch.randn_like(extra.pictures_NCHW))
    moving = calm.terms(photos, swimming, extra)
    for term in ("temporal", "noise", "stereo"):
        assert still[term] < 0.5 * moving[term], term
    assert still["calm"] == sum(still[term] for term in ("temporal", "noise", "stereo"))


@pytest.mark.parametrize("step", [0, 1])
def test_one_photograph_alone_has_all_terms(step: int, pairs: ScenePairs) -> None:
    """In every other step it is not moved, and in the others not under noise."""
    calm = _calm(CalmRecipe(temporal=1, noise=1, stereo=1), pairs)
    photos = torch.rand(1, 3, 48, 48)
    extra = calm.extra(photos, torch.zeros(1, dtype=torch.long), step)
    assert all(torch.isfinite(term) for term in calm.terms(photos, extra.pictures_NCHW, extra).values())


@pytest.mark.usefixtures("drawn_once")
def test_the_scene_is_judged_as_photographs_are(miniature: Miniature) -> None:
    """Else a network would soon know it from a photograph, and paint nothing there."""
    task = miniature.run("run", **CALM).task
    judged: list[torch.Tensor] = []
    objective = task.objective
    task.objective = lambda photos, *rest, **more: judged.append(photos) or objective(photos, *rest, **more)
    photos = torch.rand(3, 3, 32, 32)
    terms = task.terms(task.module, photos, 0, slice(None))
    (pictures,) = judged
    assert torch.equal(pictures[:3], photos)
    left = task._calm.extra(photos, torch.zeros(3, dtype=torch.long), 0)
    assert torch.equal(pictures[3:], left.pictures_NCHW[3 : 3 + left.places])
    assert terms["total"] > terms["calm"] > 0


@pytest.mark.usefixtures("drawn_once")
def test_validation_sees_a_scene_that_is_painted_flat(miniature: Miniature) -> None:
    """On photographs such a bank may look well, and it is very calm."""
    run = miniature.run("run", **CALM)
    task, left = run.task, run.task._held_out.scene_NCHW()

    class Painter:
        """Leaves photographs as they are."""

        styles_SD = task.module.styles_SD

        def __init__(self, flat: bool) -> None:
            self._flat = flat

        def __call__(self, batch: torch.Tensor, styles: torch.Tensor) -> torch.Tensor:
            is_scene = torch.tensor([any(torch.equal(one, place) for place in left) for one in batch])
            emptied = is_scene[:, None, None, None] & torch.tensor(self._flat)
            return torch.where(emptied, batch.mean((2, 3), keepdim=True), batch)

    found = []
    for flat in (False, True):
        task.module = Painter(flat)
        found.append(task.glance())
    rich, flat = found
    assert flat["total"] == rich["total"]
    assert flat["scene/content/relu2_1"] > 0.2 > 0.01 > rich["scene/content/relu2_1"]
    assert flat["scene/variation"] < 0.1 * rich["scene/variation"]
    assert {"temporal", "noise", "stereo"} <= task.validate().keys() == flat.keys()


@pytest.mark.usefixtures("drawn_once")
def test_a_run_for_calm_goes_on_where_it_was_stopped(miniature: Miniature) -> None:
    assert_goes_on(lambda name: miniature.run(name, steps="3", **CALM), 1)


@pytest.mark.usefixtures("drawn_once")
def test_training_for_calm_makes_calmer_paint(miniature: Miniature) -> None:
    run = miniature.run("run", steps="30", **(CALM | {"calm.temporal": "20.0", "calm.noise": "20.0"}))
    found: list[float] = []
    for _ in range(30):
        terms = run._take_step()
        found.append((terms["temporal"] + terms["noise"]).item())
    assert sum(found[-5:]) < 0.8 * sum(found[:5])
