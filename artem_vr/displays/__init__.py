"""Where frames go (see `artem_vr.ports.Display`)."""
