"""Painting single pictures of any size."""

import numpy as np
import pytest

from artem_vr.offline_painter import OfflinePainter


class Inverter:
    """An engine whose paint is the negative of the picture."""

    name, device, precision = "inverter", "cpu", "u8"

    def __init__(self):
        self.shapes = []

    def paint(self, pixels_EHWC, styles_ED):
        self.shapes.append(pixels_EHWC.shape)
        return 255 - pixels_EHWC

    def close(self):
        pass


STYLE = np.zeros(4, np.float32)


def picture(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x // 40 + y // 40) % 2 * 200], -1).astype(np.uint8)


@pytest.fixture
def engine():
    return Inverter()


def test_a_small_picture_is_painted_pixel_by_pixel(engine):
    rgb = picture(61, 83)
    np.testing.assert_array_equal(OfflinePainter(engine, STYLE)(rgb), 255 - rgb)


def test_strength_is_a_mix(engine):
    rgb = picture(40, 40)
    painted = OfflinePainter(engine, STYLE, 0.25)(rgb).astype(int)
    np.testing.assert_allclose(painted, rgb * 0.75 + (255 - rgb.astype(float)) * 0.25, atol=1)


def test_no_strength_asks_no_engine(engine):
    rgb = picture(40, 40)
    np.testing.assert_array_equal(OfflinePainter(engine, STYLE, 0.0)(rgb), rgb)
    assert not engine.shapes


def test_a_large_picture_is_painted_small_and_keeps_its_edges(engine):
    rgb = picture(1000, 1200)
    painter = OfflinePainter(engine, STYLE)
    painted = painter(rgb)
    painter.close()
    assert engine.shapes == [(1, 720, 864, 3)]
    assert painted.shape == rgb.shape
    assert np.abs(painted.astype(int) - (255 - rgb.astype(int))).mean() < 4


def test_without_opengl_the_reference_upscales_alike(engine, monkeypatch):
    from artem_vr import offline_painter
    from artem_vr.errors import GraphicsError

    rgb = picture(800, 900)
    with_gl = OfflinePainter(engine, STYLE)
    expected = with_gl(rgb)
    with_gl.close()

    def no_gl():
        raise GraphicsError("no OpenGL here")

    monkeypatch.setattr(offline_painter, "create_headless_context", no_gl)
    actual = OfflinePainter(engine, STYLE)(rgb)
    assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 2
