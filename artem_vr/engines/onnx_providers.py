"""Where ONNX Runtime can run a network: its execution providers, and which of them really work on this machine.

ONNX Runtime falls back to the processor without a word that a program could hear. So a provider counts only when a
convolution, in the precision that is wanted, was put on it in a session that has no other place for it.
"""

import contextlib
import importlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artem_vr.errors import EngineError, unknown_name
from artem_vr.machine import processor

OPSET = 18
"""The version of the operators that graphs are made of."""
HOST = "CPUExecutionProvider"
_FORMAT = 10  # of ONNX files with that version: older runtimes refuse newer ones
_NUMPY = {"f32": np.float32, "f16": np.float16}
_QUIET = 4  # fatal errors alone: any other comes as an exception too


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of hardware: its name, ONNX Runtime's providers for it (the better first) and what to install for them.

    `memory` is ONNX Runtime's name of the device's memory, where pictures can be put there in advance; "" where it
    copies them itself. `precisions` are what it computes in, the better first, and `options` the providers'.
    """

    device: str
    title: str
    providers: tuple[str, ...]
    advice: str
    memory: str = ""
    options: dict[str, str] = field(default_factory=dict)
    precisions: tuple[str, ...] = ("f16", "f32")


PLACES = (
    Place(
        "cuda",
        "CUDA",
        ("CUDAExecutionProvider",),
        "with an NVIDIA driver, pip uninstall onnxruntime, then pip install onnxruntime-gpu",
        "cuda",
        {"use_tf32": "0"},  # its numbers have 10 bits where those of f32 have 23
    ),
    Place(
        "rocm",
        "ROCm",
        ("MIGraphXExecutionProvider", "ROCMExecutionProvider"),
        "with ROCm, pip uninstall onnxruntime, then pip install onnxruntime-migraphx",
    ),
    Place(
        "directml",
        "DirectML",
        ("DmlExecutionProvider",),
        "on Windows, pip uninstall onnxruntime, then pip install onnxruntime-directml",
        "dml",
    ),
    Place(
        "coreml",
        "CoreML",
        ("CoreMLExecutionProvider",),
        "on a Mac, pip install --force-reinstall onnxruntime",
        options={"ModelFormat": "MLProgram"},  # the older format computes in half precision where it likes
    ),
    Place("cpu", "processor", (HOST,), "pip install --force-reinstall onnxruntime", precisions=("f32",)),
)
"""In the order in which `auto` tries them."""
DEVICES = ("auto", *(place.device for place in PLACES))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A place that works here, the provider that does, and the precision."""

    place: Place
    provider: str
    precision: str

    @property
    def on_processor(self) -> bool:
        """True for the processor."""
        return self.provider == HOST


def package(name: str = "onnxruntime") -> Any:
    """A package of the extra `onnx`. Raises `EngineError` where it is missing or does not load."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise EngineError(
            f"the onnxruntime engine needs the package {missing}: pip install 'artem-vr[onnx]'"
        ) from error
    except ImportError as error:
        said = " ".join(str(error).split())[:200]
        raise EngineError(f"{name} does not load ({said}): pip install --force-reinstall {name}") from error
    if module.__file__ is None:  # a folder that an uninstallation has left behind
        raise EngineError(f"{name} is not complete: pip install --force-reinstall {name}")
    return module


def listed_devices() -> list[str]:
    """The devices that this ONNX Runtime was built for, which need not work here. Raises `EngineError` as `package`."""
    listed = package().get_available_providers()
    return [place.device for place in PLACES if any(provider in listed for provider in place.providers)]


def choose(device: str = "auto", precision: str = "auto") -> Chosen:
    """The place that was asked for, or with `auto` the best that works. `precision` auto is f16 but on processors.

    Raises `EngineError` for unknown names, and where what was asked for is not there.
    """
    if device not in DEVICES:
        raise EngineError(unknown_name("device", device, DEVICES))
    if precision not in {"auto", "f32", "f16"}:
        raise EngineError(f"the onnxruntime engine has no precision '{precision}': choose auto or f32, or f16 on a GPU")
    if device == "cpu" and precision == "f16":
        raise EngineError("ONNX Runtime does not compute in f16 on processors: choose precision auto or f32")
    runtime = package()
    runtime.set_default_logger_severity(_QUIET)
    runtime.disable_telemetry_events()
    listed = runtime.get_available_providers()
    for chosen in _candidates(device, precision):
        if chosen.provider in listed and (chosen.on_processor or _works(runtime, chosen)):
            return chosen
    raise EngineError(_absence(device, precision, listed))


def open_session(runtime: Any, graph: bytes, chosen: Chosen, threads: int | None = None) -> Any:
    """A session that runs on the chosen place: what that cannot do, and only that, on the processor.

    Raises `EngineError` when ONNX Runtime has fallen back to the processor, and what ONNX Runtime raises.
    """
    others = [] if chosen.on_processor else [HOST]
    session = _session(runtime, graph, _session_options(runtime, threads), chosen, others)
    if session.get_providers()[0] != chosen.provider:
        raise EngineError(
            f"ONNX Runtime cannot run this network on {chosen.place.title}: choose another device, or engine auto"
        )
    return session


def _candidates(device: str, precision: str) -> Iterator[Chosen]:
    for place in PLACES:
        for number in place.precisions:
            if device in ("auto", place.device) and precision in ("auto", number):
                yield from (Chosen(place, provider, number) for provider in place.providers)


def _absence(device: str, precision: str, listed: Sequence[str]) -> str:
    if device == "auto":
        return f"ONNX Runtime has no GPU here that computes in {precision}: choose precision auto or f32"
    place = next(place for place in PLACES if place.device == device)
    if any(provider in listed for provider in place.providers):
        return (
            f"ONNX Runtime has {place.title}, but it does not start here: update the driver and the libraries that it "
            "needs, or leave out --device"
        )
    return f"this ONNX Runtime has no {place.title}: {place.advice}; or leave out --device"


def _session_options(runtime: Any, threads: int | None) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = _QUIET
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.inter_op_num_threads = 1
    # A number, for without one threads are pinned to cores, and the render thread shares these.
    options.intra_op_num_threads = threads or processor().cores
    # Threads that spin while they wait take it from others (measured on two busy cores: 132 ms of them, not 84).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _session(runtime: Any, graph: bytes, options: Any, chosen: Chosen, others: Sequence[str] = ()) -> Any:
    if chosen.place.device == "directml":
        options.enable_mem_pattern = False  # it demands that
    providers = [(chosen.provider, dict(chosen.place.options)), *((name, {}) for name in others)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a provider that is not there: callers look which one it became
        return runtime.InferenceSession(graph, options, providers=providers, enable_fallback=0)


def _works(runtime: Any, chosen: Chosen) -> bool:
    """True when the provider takes a convolution in this precision, with no other place for it to go."""
    if chosen.place.device == "cuda" and hasattr(runtime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            runtime.preload_dlls()  # CUDA's and cuDNN's libraries, from where pip has put them
    options = _session_options(runtime, 1)
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    graph = one_convolution(chosen.precision)
    try:
        session = _session(runtime, graph, options, chosen)
    except Exception:  # ONNX Runtime's exceptions have no root of their own, and drivers fail in every way
        return False
    return bool(session.get_providers()[0] == chosen.provider)


def one_convolution(precision: str) -> bytes:
    """The smallest graph that shows whether a provider can do our work: `x` to `y`, both (1, 4, 8, 8)."""
    onnx = package("onnx")
    weight = onnx.numpy_helper.from_array(np.ones((4, 4, 3, 3), _NUMPY[precision]), "weight")
    number = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(_NUMPY[precision]))
    ends = [onnx.helper.make_tensor_value_info(name, number, [1, 4, 8, 8]) for name in ("x", "y")]
    node = onnx.helper.make_node("Conv", ["x", "weight"], ["y"], pads=[1, 1, 1, 1])
    graph = onnx.helper.make_graph([node], "one", ends[:1], ends[1:], [weight])
    versions = [onnx.helper.make_opsetid("", OPSET)]
    return bytes(onnx.helper.make_model(graph, opset_imports=versions, ir_version=_FORMAT).SerializeToString())
