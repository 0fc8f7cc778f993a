"""Trains the small networks that `artem_vr` runs."""
