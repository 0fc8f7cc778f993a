"""Bridges carry pixels between OpenGL and an engine (see `artem_vr.ports.Bridge`)."""
