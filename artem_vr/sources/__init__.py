"""Where frames come from (see `artem_vr.ports.FrameSource`)."""
