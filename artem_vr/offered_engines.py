"""Every engine that this machine can run a bank in, and why it cannot run the others. Import this module late."""

from contextlib import ExitStack
from dataclasses import dataclass, field

import torch

from artem_vr.errors import ArtemError, UsageError
from artem_vr.ports import Engine
from artem_vr.styles import StyleBank

PRECISIONS = {"cpu": ("bf16", "f32", "int8"), "cuda": ("f16", "bf16", "f32", "int8")}
"""What is tried on each device. No processor here computes in f16: there it is for GPUs."""


@dataclass(slots=True)
class Offered:
    """The engines that are there, open, and for each that is not a line that says why."""

    engines: list[Engine] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def open_offered(bank: StyleBank, stack: ExitStack, devices: tuple[str, ...] | None = None) -> Offered:
    """Opens all that `artem_vr.app` offers, in every precision; `stack` closes them. Devices: all there are."""
    from artem_vr.app import ENGINES

    offered = Offered()
    chosen = devices or (("cpu", "cuda") if torch.cuda.is_available() else ("cpu",))
    for device in chosen:
        for name in (engine for engine in ENGINES if engine != "auto"):
            for precision in PRECISIONS[device]:
                _try(offered, bank, stack, (name, device, precision))
    if "cuda" not in chosen and devices is None:
        offered.skipped.append("all engines on cuda: no NVIDIA GPU was found")
    return offered


def host_precisions() -> list[str]:
    """The floating-point precisions that this processor computes in."""
    import openvino as ov

    capabilities = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ["f32", "bf16"] if "BF16" in capabilities else ["f32"]


def _try(offered: Offered, bank: StyleBank, stack: ExitStack, which: tuple[str, str, str]) -> None:
    from artem_vr.app import open_engine

    name, device, precision = which
    what = f"{name} {precision} on {device}"
    if device == "cpu" and precision == "bf16" and "bf16" not in host_precisions():
        offered.skipped.append(f"{what}: this processor does not compute in bf16")
        return
    try:
        engine = open_engine(bank, name, device, precision)
    except UsageError:
        return  # the two do not go together anywhere
    except (ArtemError, ImportError) as error:
        offered.skipped.append(f"{what}: {error}")
        return
    if (engine.name, engine.device.split(":")[0], engine.precision) == which:
        stack.callback(engine.close)
        offered.engines.append(engine)
    else:
        offered.skipped.append(f"{what}: it runs in {engine.name} {engine.precision} on {engine.device} instead")
        engine.close()
