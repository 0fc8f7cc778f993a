"""Art'Em VR: the world around you as a painting, in stereo and in real time."""

__version__ = "0.1.0"
