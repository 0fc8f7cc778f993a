"""The small OpenGL layer under the compositor, the bridges and the displays."""
