"""An OpenXR instance: which runtime answers, what it can do, and the headset it has."""

import contextlib
import ctypes
import sys
from typing import Any

from artem_vr import __version__, openxr_manifest
from artem_vr.errors import DisplayError
from artem_vr.frame import EYES, Size
from artem_vr.xr.library import xr

OPENGL = "XR_KHR_opengl_enable"
EGL = "XR_MNDX_egl_enable"
DEPTH = "XR_KHR_composition_layer_depth"
CLOCK = "XR_KHR_convert_timespec_time"
PICO = "XR_BD_controller_interaction"
EYE_GAZE = "XR_EXT_eye_gaze_interaction"

VIEWS = xr.ViewConfigurationType.PRIMARY_STEREO
_FIRST_API = xr.Version(1, 0, 0)  # everything used here; the newest runtimes take it and the oldest ask for it


class RuntimeAwayError(DisplayError):
    """The runtime or its headset is not there now, and may come back."""


class Runtime:
    """Connects to the active runtime. `name` is what it calls itself, `headset` what its device is called,
    `eye_size` what it recommends for an eye. `tracks_eyes` is whether the headset can tell where they look.

    `extensions` holds what is switched on. Raises `DisplayError`, and its child `RuntimeAwayError` for what may
    change while one waits. Without `gaze` the runtime is not told that anybody wants to know where the eyes look.
    """

    def __init__(self, gaze: bool = True) -> None:
        self.available = available_extensions()
        if OPENGL not in self.available:
            raise DisplayError(
                "the active OpenXR runtime takes no OpenGL pictures: make another runtime the active one"
            )
        wanted = [OPENGL, DEPTH, PICO, *([EYE_GAZE] if gaze else [])]
        if sys.platform.startswith("linux"):
            wanted += [EGL, CLOCK]
        self.extensions = frozenset(wanted) & self.available
        self.instance = self._create()
        try:
            self._ask()
        except xr.XrException as error:
            self.close()
            raise RuntimeAwayError(f"the OpenXR runtime gives no answer ({reason(error)}): start it anew") from error
        except BaseException:
            self.close()
            raise

    def _ask(self) -> None:
        properties = xr.get_instance_properties(self.instance)
        self.name = properties.runtime_name.decode(errors="replace")
        self.version = str(xr.Version(properties.runtime_version))
        self.system = self._find_headset()
        system = xr.get_system_properties(self.instance, self.system)
        self.headset = system.system_name.decode(errors="replace")
        self.eye_size, self.largest_eye = self._eye_sizes()
        self.tracks_eyes = EYE_GAZE in self.extensions and self._has_eye_tracker()

    def _create(self) -> Any:
        application = xr.ApplicationInfo(
            "Art'Em VR", _packed_version(), "Art'Em VR", _packed_version(), api_version=_FIRST_API
        )
        try:
            return xr.create_instance(
                xr.InstanceCreateInfo(application_info=application, enabled_extension_names=sorted(self.extensions))
            )
        except xr.XrException as error:
            raise RuntimeAwayError(f"the OpenXR runtime does not answer ({reason(error)}): is it running?") from error

    def _find_headset(self) -> Any:
        try:
            return xr.get_system(self.instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        except xr.FormFactorUnsupportedError as error:
            raise DisplayError(f"{self.name} has no headset: connect one and choose it in the runtime") from error
        except xr.XrException as error:
            raise RuntimeAwayError(f"the headset of {self.name} is not there: connect it and switch it on") from error

    def _eye_sizes(self) -> tuple[Size, Size]:
        """What the runtime recommends for an eye, and the most it takes."""
        views = xr.enumerate_view_configuration_views(self.instance, self.system, VIEWS)
        if len(views) != EYES:
            raise DisplayError(f"the headset of {self.name} has {len(views)} views, not two eyes")
        # One size for both: all headsets with two different ones are built for more than two views.
        recommended = (
            max(view.recommended_image_rect_width for view in views),
            max(view.recommended_image_rect_height for view in views),
        )
        # Some runtimes recommend more than what they call the most.
        largest = (
            max(recommended[0], min(view.max_image_rect_width for view in views)),
            max(recommended[1], min(view.max_image_rect_height for view in views)),
        )
        return recommended, largest

    def _has_eye_tracker(self) -> bool:
        """Whether this headset has eye tracking that is good enough to aim with; not where the runtime does not say."""
        eyes = xr.SystemEyeGazeInteractionPropertiesEXT()
        system = xr.SystemProperties(next=ctypes.cast(ctypes.pointer(eyes), ctypes.c_void_p))
        # The binding's own call makes the structure itself, and so has no place for what hangs on to it.
        ask = xr.raw_functions.xrGetSystemProperties
        result = xr.check_result(ask(self.instance, self.system, ctypes.byref(system)))
        return not result.is_exception() and bool(eyes.supports_eye_gaze_interaction)

    def blend_mode(self) -> Any:
        """The first way of blending with the surroundings that the runtime prefers."""
        return xr.EnvironmentBlendMode(xr.enumerate_environment_blend_modes(self.instance, self.system, VIEWS)[0])

    def close(self) -> None:
        """Lets the runtime go. May be called twice, and after the runtime has died."""
        if self.instance is not None:
            instance, self.instance = self.instance, None
            forget(xr.destroy_instance, instance)


def available_extensions() -> frozenset[str]:
    """What the active runtime offers. Raises `DisplayError` without one."""
    try:
        properties = xr.enumerate_instance_extension_properties()
    except (xr.RuntimeUnavailableError, xr.FileAccessErrorError, xr.FileContentsInvalidError) as error:
        raise DisplayError(_no_runtime()) from error
    except xr.XrException as error:
        raise RuntimeAwayError(f"the OpenXR runtime does not answer ({reason(error)}): is it running?") from error
    return frozenset(entry.extension_name.decode() for entry in properties)


def _no_runtime() -> str:
    manifest = openxr_manifest.active_runtime()
    if manifest is None:
        return (
            "no OpenXR runtime is active: start your headset's (SteamVR, Meta, WiVRn, Monado) and make it the active"
            " one; 'artem-vr doctor' shows what is found"
        )
    return f"the OpenXR runtime of {manifest} cannot be loaded: install it again, or make another one active"


def reason(error: Exception) -> str:
    """What OpenXR says, as the middle of a line."""
    return str(error).strip().rstrip(".") or type(error).__name__


def forget(destroy: Any, handle: Any) -> None:
    """Destroys a handle whose runtime may be gone already: then nothing is left to free."""
    with contextlib.suppress(xr.XrException):
        destroy(handle)


def _packed_version() -> int:
    major, minor, patch = (int(part) for part in __version__.split(".")[:3])
    return major * 10_000 + minor * 100 + patch
