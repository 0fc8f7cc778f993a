"""Engines run a generator network on a device (see `artem_vr.ports.Engine`)."""
