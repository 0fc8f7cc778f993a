"""How much of the sky each vertex sees: many depth maps from all over the sky, baked into a small file.

Ambient occlusion as in Landis, "Production-ready global illumination" (SIGGRAPH 2002), by rasterisation.
"""

import zipfile
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr import resources
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.shadow import DepthCamera, hemisphere, sun_view

FILE = "courtyard_occlusion.npz"
_DIRECTIONS, _MAP_SIZE, _REACH = 160, 1024, 15.0
_LIFT = 0.05


def bake_occlusion(
    ctx: moderngl.Context, casters: list[Mesh], receivers: list[Mesh], directions: int = _DIRECTIONS
) -> list[NDArray[np.uint8]]:
    """The share of the sky that every vertex of the receivers sees, one uint8 array (N,) a receiver."""
    seen = [np.zeros(len(mesh.position_N3)) for mesh in receivers]
    weight = [np.full(len(mesh.position_N3), 1e-6) for mesh in receivers]
    camera = DepthCamera(ctx, casters, _MAP_SIZE)
    try:
        for way in hemisphere(directions):
            depth = camera.take(sun_view(way, _REACH))
            for i, mesh in enumerate(receivers):
                facing = np.maximum(mesh.normal_N3 @ way * 0.8 + 0.2, 0.0)
                lit = depth.lit((mesh.position_N3 + mesh.normal_N3 * _LIFT).astype(np.float32), 0.06)
                seen[i] += facing * lit
                weight[i] += facing
    finally:
        camera.release()
    return [(255 * part / total + 0.5).astype(np.uint8) for part, total in zip(seen, weight, strict=True)]


def _marks(meshes: list[Mesh]) -> NDArray[np.float64]:
    """Numbers that change when the geometry does: counts and sums, alike on all machines to six digits."""
    return np.array(
        [
            (len(m.position_N3), len(m.index_M3), m.position_N3.sum(dtype=float), np.abs(m.normal_N3).sum(dtype=float))
            for m in meshes
        ]
    )


def save_occlusion(path: Path, meshes: list[Mesh], values: list[NDArray[np.uint8]]) -> None:
    """Writes the baked values beside numbers that tell which geometry they belong to."""
    temporary = path.with_suffix(".part.npz")
    names = {f"mesh{i}": value for i, value in enumerate(values)}
    np.savez_compressed(temporary, allow_pickle=False, marks=_marks(meshes), **names)
    temporary.replace(path)


def load_occlusion(meshes: list[Mesh], path: Path | None = None) -> list[NDArray[np.float32]] | None:
    """The baked share of the sky, float32 [0, 1] (N,) a mesh; None where the file is not for this geometry."""
    try:
        with np.load(path or resources.assets() / FILE, allow_pickle=False) as file:
            if file["marks"].shape != (len(meshes), 4) or not np.allclose(file["marks"], _marks(meshes), 1e-5, 0.5):
                return None
            return [file[f"mesh{i}"].astype(np.float32) / 255 for i in range(len(meshes))]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
