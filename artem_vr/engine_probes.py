"""The doctor's questions about what runs the networks. Each imports what it asks about only when it runs."""

from artem_vr.finding import Finding
from artem_vr.machine import has_nvidia_driver


def openvino() -> list[Finding]:
    """The default engine on processors."""
    import openvino as ov

    core = ov.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precision = "bf16" if "BF16" in capabilities else "f32"
    devices = ", ".join(f"{name}: {core.get_property(name, 'FULL_DEVICE_NAME')}" for name in core.available_devices)
    version = ov.__version__.split("-")[0]
    finding = Finding("engine", "openvino", "ok", f"{version}, {precision} on the processor ({devices})")
    if precision == "bf16":
        return [finding]
    detail = "the processor has no bfloat16 arithmetic: networks run in float32, about half as fast"
    return [finding, Finding("engine", "bfloat16", "warning", detail)]


def torch() -> list[Finding]:
    """The reference, and the GPUs that it can use."""
    import torch

    found = [Finding("engine", "torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")]
    if not torch.cuda.is_available():
        if not has_nvidia_driver():
            return [*found, Finding("GPU", "CUDA", "ok", "no NVIDIA GPU: networks run on the processor")]
        detail = "there is an NVIDIA GPU, but this torch cannot use it"
        advice = "update the NVIDIA driver, and reinstall torch with CUDA: see the install page of PyTorch"
        return [*found, Finding("GPU", "CUDA", "warning", detail, advice)]
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        detail = f"{device.name}, {device.total_memory / 2**30:.0f} GiB, compute {device.major}.{device.minor}"
        found.append(Finding("GPU", f"cuda:{index}", "ok", f"{detail}, CUDA {torch.version.cuda}"))
    return found


def interop() -> list[Finding]:
    """Whether pixels can stay on the GPU; asked only where there is one that torch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    from artem_vr import cuda_runtime, errors

    try:
        drawing = ", ".join(f"cuda:{index}" for index in cuda_runtime.devices_that_draw_headless())
    except errors.GraphicsError as error:
        detail, _, advice = str(error).rpartition(": ")
        return [Finding("GPU", "interop", "warning", f"{detail}: pixels are copied through host memory", advice)]
    return [Finding("GPU", "interop", "ok", f"OpenGL draws on {drawing}: pixels can stay there")]


def onnxruntime() -> list[Finding]:
    """The engine for other hardware."""
    from artem_vr.engines import onnx_providers
    from artem_vr.errors import EngineError

    try:
        devices = ", ".join(onnx_providers.listed_devices())
    except EngineError as error:
        detail, _, advice = str(error).rpartition(": ")
        return [Finding("engine", "onnxruntime", "warning", detail, advice)]
    version = onnx_providers.package().__version__
    return [Finding("engine", "onnxruntime", "ok", f"{version}, built for {devices}")]
