"""A headset, through any OpenXR runtime that takes OpenGL."""
