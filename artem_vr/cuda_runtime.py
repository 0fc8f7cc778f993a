"""CUDA's runtime functions, which torch offers in part only: those about OpenGL come from `cuda.bindings`."""

from importlib import import_module
from typing import Any

from artem_vr.errors import GraphicsError

_RUNTIME = "cuda.bindings.runtime"
_MOST_DEVICES = 16


def load_runtime() -> Any:
    """The module of CUDA's runtime functions. Raises `GraphicsError` where it is not installed."""
    try:
        return import_module(_RUNTIME)
    except (ImportError, RuntimeError, OSError) as error:  # the latter two where the libraries do not go together
        raise GraphicsError(f"{_RUNTIME} cannot be imported: {bindings_advice()}") from error


def bindings_advice() -> str:
    """What to install: the bindings of the CUDA that torch was built with, for the driver may know no newer one."""
    import torch

    version = torch.version.cuda
    wanted = f'"cuda-bindings=={version.split(".")[0]}.*"' if version else "cuda-bindings"
    return f"python -m pip install {wanted}"


def checked(runtime: Any, doing: str, result: tuple[Any, ...]) -> Any:
    """What a function of the runtime returned behind its error code: nothing, one value, or a tuple of them.

    Raises `GraphicsError` for any error.
    """
    error, *values = result
    if int(error) != 0:
        text = getattr(runtime.cudaGetErrorString(error)[1], "decode", lambda: "unknown error")()
        name = getattr(error, "name", error)
        raise GraphicsError(f"CUDA failed {doing} ({name}, {text}): update the NVIDIA driver, and let it draw OpenGL")
    return values[0] if len(values) == 1 else tuple(values) or None


def devices_that_draw(runtime: Any) -> list[int]:
    """The CUDA devices that the current OpenGL context draws with. Raises `GraphicsError` where there is none."""
    every = runtime.cudaGLDeviceList.cudaGLDeviceListAll
    count, devices = checked(runtime, "to find OpenGL's device", runtime.cudaGLGetDevices(_MOST_DEVICES, every))
    return [int(device) for device in devices[: int(count)]]


def devices_that_draw_headless() -> list[int]:
    """The CUDA devices that a context without a window draws with. Raises `GraphicsError`."""
    from artem_vr.gl.context import create_headless_context

    runtime = load_runtime()
    ctx = create_headless_context()
    try:
        return devices_that_draw(runtime)
    finally:
        ctx.release()
