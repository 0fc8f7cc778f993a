"""Bakes the courtyard's ambient occlusion into `assets/`: run `python -m artem_vr.sources.courtyard.bake`."""

from pathlib import Path

from artem_vr import resources
from artem_vr.gl.context import create_headless_context
from artem_vr.sources.courtyard.occlusion import FILE, bake_occlusion, save_occlusion
from artem_vr.sources.courtyard.world import build_world


def bake(path: Path | None = None) -> Path:
    """Bakes to `path` (default: the shipped asset) and returns it. Takes some seconds."""
    world = build_world()
    ctx = create_headless_context()
    try:
        meshes = [world.solid, world.leafy]
        target = path or resources.assets() / FILE
        save_occlusion(target, meshes, bake_occlusion(ctx, meshes, meshes))
        return target
    finally:
        ctx.release()


if __name__ == "__main__":
    print(bake())
