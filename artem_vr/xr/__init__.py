"""OpenXR, piece by piece: the runtime, a session and its frames, swapchains, spaces, controllers and the panel.

`artem_vr.displays.openxr` puts them together.
"""
