"""The courtyard's geometry, its baked light, its textures and the walk through it."""

import re

import numpy as np
import pytest

from artem_vr import resources
from artem_vr.gl.context import create_headless_context
from artem_vr.sources.courtyard import light, sky
from artem_vr.sources.courtyard.chunks import cut, visible
from artem_vr.sources.courtyard.mesh import joined
from artem_vr.sources.courtyard.occluders import hidden
from artem_vr.sources.courtyard.occlusion import bake_occlusion, load_occlusion
from artem_vr.sources.courtyard.paint import Layer, Paint
from artem_vr.sources.courtyard.path import ROUND, walk
from artem_vr.sources.courtyard.primitives import ball, box, lathe, patch
from artem_vr.sources.courtyard.sky import paint_panorama
from artem_vr.sources.courtyard.textures import paint_layers
from artem_vr.sources.courtyard.world import build_world

PLAIN = Paint(Layer.PLASTER)


@pytest.fixture(scope="module")
def world():
    return build_world()


def test_triangle_budget(world):
    assert 20_000 < world.triangles < 60_000


def test_meshes_are_sound(world):
    for mesh in (world.solid, world.leafy, world.far, world.sea, *(mover.mesh for mover in world.movers)):
        count = len(mesh.position_N3)
        assert mesh.index_M3.min() >= 0 and mesh.index_M3.max() < count
        assert np.isfinite(mesh.position_N3).all()
        assert np.allclose(np.linalg.norm(mesh.normal_N3, axis=1), 1, atol=1e-3)
        assert set(np.unique(mesh.layer_N)) <= {float(layer) for layer in Layer}
        assert np.linalg.norm(mesh.position_N3, axis=1).max() < 200, "beyond the camera's far plane"


def test_world_is_the_same_every_time(world):
    again = build_world()
    assert np.array_equal(world.solid.position_N3, again.solid.position_N3)
    assert np.array_equal(world.leafy.tint_N3, again.leafy.tint_N3)


def test_movers_move_smoothly_and_only_some(world):
    steps = [np.abs(m.place(3.01) - m.place(3.0)).max() for m in world.movers]
    far = [np.abs(m.place(8.0) - m.place(3.0)).max() for m in world.movers]
    assert max(steps) < 0.1 and max(far) > 1
    flowing = [m for m in world.movers if m.mesh.sway_N.any() or m.mesh.flow_N.any()]
    assert flowing and all(np.array_equal(m.place(0.0), np.eye(4)) for m in flowing)


def forward(pose):
    return -pose.matrix_44()[:3, 2]


def test_walk_is_smooth_also_where_it_closes():
    step = 1 / 90
    times = np.arange(-3, ROUND + 3, step)
    poses = [walk(t) for t in times]
    places, ways = np.array([p.position for p in poses]), np.array([forward(p) for p in poses])
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / step
    turning = np.linalg.norm(np.diff(ways, axis=0), axis=1) / step
    assert speed.min() > 0.3 and speed.max() < 1.3
    assert turning.max() < np.radians(45)
    # C1: velocities change little from one frame to the next, at the seam as anywhere.
    assert np.abs(np.diff(places, 2, axis=0)).max() / step**2 < 1.0
    assert np.abs(np.diff(ways, 2, axis=0)).max() / step**2 < 1.5


def test_walk_repeats():
    for t in (0.0, 7.3, ROUND - 0.01):
        assert np.allclose(walk(t).matrix_44(), walk(t + ROUND).matrix_44(), atol=1e-5)
    assert all(abs(walk(t).position[1] - 1.65) < 0.1 for t in np.linspace(0, ROUND, 50))


def distances(points_P3, corners_M33):
    """The shortest distance of every point to any of the triangles."""
    a, b, c = (corners_M33[:, i].astype(float) for i in range(3))
    best = np.full(len(points_P3), np.inf)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    for i, point in enumerate(points_P3):
        height = ((point - a) * normal).sum(1)
        foot = point - height[:, None] * normal
        inside = np.ones(len(a), bool)
        edges = np.full(len(a), np.inf)
        for start, end in ((a, b), (b, c), (c, a)):
            side = end - start
            inside &= (np.cross(side, foot - start) * normal).sum(1) >= 0
            t = np.clip(((point - start) * side).sum(1) / np.maximum((side * side).sum(1), 1e-12), 0, 1)
            edges = np.minimum(edges, np.linalg.norm(start + t[:, None] * side - point, axis=1))
        best[i] = np.where(inside, np.abs(height), edges).min()
    return best


def test_walk_keeps_clear_of_everything(world):
    meshes = [world.solid, world.leafy, world.far, *(m.mesh for m in world.movers if m.mesh.sway_N.any())]
    corners = np.concatenate([mesh.position_N3[mesh.index_M3] for mesh in meshes])
    points = np.array([walk(t).position for t in np.linspace(0, ROUND, 132, endpoint=False)])
    low, high = points.min(0) - 0.6, points.max(0) + 0.6
    near = ((corners.max(1) > low) & (corners.min(1) < high)).all(1)
    # The eyes are at head height: legs may pass closer to low things than the head does.
    assert distances(points, corners[near]).min() > 0.3
    knees = points * [1, 0, 1] + [0, 0.6, 0]
    assert distances(knees, corners[near]).min() > 0.25


def test_shapes_face_outwards():
    for shape in (box((0, 0, 0), (1, 2, 3), PLAIN), box((0, 0, 0), (1, 2, 3), PLAIN, 0.4), ball(1.0, PLAIN, 2)):
        corners = shape.position_N3[shape.index_M3].astype(float)
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((facing * corners.mean(1)).sum(1) > 0).all()
        volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() / 6
        assert volume == pytest.approx(6 if len(corners) != 320 else 4.19, rel=0.05)


def test_lathe_has_the_profile_it_was_given():
    turned = lathe([(1.0, 0.0), (1.0, 2.0)], 24, PLAIN)
    assert np.allclose(np.hypot(turned.position_N3[:, 0], turned.position_N3[:, 2]), 1, atol=1e-5)
    assert np.allclose((turned.position_N3 * turned.normal_N3)[:, [0, 2]].sum(1), 1, atol=1e-5)


def test_patch_is_cut_into_cells():
    cut_up = patch((0, 0, 0), (2, 0, 0), (0, 1, 0), PLAIN, 0.5)
    assert len(cut_up.index_M3) == 4 * 2 * 2
    assert np.allclose(cut_up.normal_N3, (0, 0, 1))


def test_chunks_hold_every_triangle_once():
    mesh = joined(box((x, 0, 0), (0.5, 0.5, 0.5), PLAIN) for x in range(12))
    index, chunks = cut(mesh, mesh.index_M3, 3.0)
    assert len(chunks) > 2 and sum(chunk.count for chunk in chunks) == index.size
    assert sorted(map(tuple, index.tolist())) == sorted(map(tuple, mesh.index_M3.tolist()))
    for chunk in chunks:
        points = mesh.position_N3[index.reshape(-1)[chunk.first : chunk.first + chunk.count]]
        assert (points >= chunk.low).all() and (points <= chunk.high).all()


def test_visible_boxes():
    clip = np.eye(4, dtype=np.float32)
    low = np.array([(-0.5, -0.5, -0.5), (2, 0, 0), (0.9, 0.9, 0.9)], np.float32)
    assert visible(low, low + 0.5, clip).tolist() == [True, False, True]


def test_screens_hide_only_what_lies_behind_them():
    eye = np.array([0, 1.65, 4], np.float32)
    low = np.array(
        [(-2, 0.5, 12), (-2, 0.5, 5), (-2, 6, 12), (-1, -9, 0), (-1, -9, -60), (20, 0, 2), (-9, 6, 12)], np.float32
    )
    assert hidden(low, low + 1, eye).tolist() == [True, False, False, True, False, True, False]


def test_baked_light_belongs_to_the_geometry(world):
    meshes = [world.solid, world.leafy]
    shipped = load_occlusion(meshes)
    assert shipped is not None, "run python -m artem_vr.sources.courtyard.bake"
    context = create_headless_context()
    try:
        again = bake_occlusion(context, meshes, meshes, 12)
    finally:
        context.release()
    for baked, value in zip(again, shipped, strict=True):
        assert np.abs(baked / 255 - value).mean() < 0.12
        assert np.corrcoef(baked, value)[0, 1] > 0.75


def test_baked_light_of_another_world_is_refused(world, tmp_path):
    assert load_occlusion([world.leafy, world.solid]) is None
    assert load_occlusion([world.solid, world.leafy], tmp_path / "missing.npz") is None
    (tmp_path / "broken.npz").write_bytes(b"not a zip file")
    assert load_occlusion([world.solid, world.leafy], tmp_path / "broken.npz") is None


def test_every_layer_is_painted():
    pictures = paint_layers(128)
    assert np.array_equal(paint_layers(128), pictures), "the same every time"
    painted = [layer for layer in Layer if layer.has_picture]
    assert pictures.shape == (len(painted), 128, 128, 4)
    assert [int(layer) for layer in painted] == list(range(len(painted)))
    for layer in painted:
        assert pictures[layer, ..., :3].std() > 2, layer.name
        assert pictures[layer, ..., :3].mean() > 40, layer.name


def test_layers_tile():
    pictures = paint_layers(128)[..., :3].astype(int)
    for layer in (Layer.PLASTER, Layer.FLAGSTONE, Layer.FOLIAGE, Layer.HILL, Layer.WATER):
        for picture in (pictures[layer], pictures[layer].swapaxes(0, 1)):
            seam = np.abs(picture[:, 0] - picture[:, -1]).mean()
            within = np.abs(np.diff(picture, axis=1)).mean((0, 2))
            assert seam < 1.5 * np.percentile(within, 95) + 1, layer.name


def test_panorama_is_brightest_at_the_sun_and_closes():
    bytes_HWC = paint_panorama((256, 96))
    assert np.array_equal(paint_panorama((256, 96)), bytes_HWC), "the same every time"
    picture = bytes_HWC.astype(float)
    assert np.abs(picture[:, 0] - picture[:, -1]).max() < 2
    u, v = np.meshgrid(np.arange(256) / 255, (np.arange(96) + 0.5) / 96)
    toward = sky.directions(u.astype(np.float32), v.astype(np.float32)) @ light.SUN_WAY
    assert picture[toward > 0.99].mean() > picture.mean() + 25


def test_shader_and_host_agree_on_the_haze():
    text = (resources.shaders() / "include" / "courtyard_haze.glsl").read_text(encoding="utf-8")
    numbers = [float(x) for x in re.search(r"SUN_AZIMUTH = vec2\((.+?), (.+?)\)", text).groups()]
    flat = light.SUN_WAY[[0, 2]] / np.linalg.norm(light.SUN_WAY[[0, 2]])
    assert np.allclose(numbers, flat, atol=1e-4)
    colors = [[float(x) for x in group.split(",")] for group in re.findall(r"vec3\(([\d., ]+)\)", text)]
    assert np.allclose(light.haze_color(-light.SUN_WAY), colors[0])
    assert np.allclose(light.haze_color([flat[0], 0, flat[1]]), colors[1], atol=1e-3)
