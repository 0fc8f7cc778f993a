"""The pipeline as the classic tutorials write it, and what is usually done about it, one remedy on top of the other.

A camera's frame is read in the loop, turned from BGR to RGB, made float32 and divided by 255 on the host, laid out as
CHW, run through the published transformer network (Johnson et al. 2016: 32, 64 and 128 channels) in eager float32,
brought back, clipped and cast to bytes on the host, and shown; with two eyes one after the other.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from simulated_camera import NewestFrame, Picture, SimulatedCamera
from torch import Tensor

from artem_vr.memory_traffic import settle
from artem_vr.nets import johnson

STAGES = ("wait", "capture", "to tensor", "network", "back", "show")


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder: its name, what was done last, and all that is done by then."""

    key: str
    title: str
    bytes_up: bool = False
    bytes_down: bool = False
    camera_thread: bool = False
    half: bool = False
    channels_last: bool = False
    both_eyes: bool = False
    inference_mode: bool = False


def ladder() -> list[Step]:
    """The naive pipeline, then each remedy on top of those before."""
    remedies = (
        ("bytes_up", "bytes go up, converted on the device"),
        ("bytes_down", "clamped and cast on the device"),
        ("camera_thread", "camera on a thread of its own"),
        ("half", "half precision"),
        ("channels_last", "channels last"),
        ("both_eyes", "both eyes in one batch"),
        ("inference_mode", "inference mode"),
    )
    steps = [Step("naive", "naive")]
    for key, title in remedies:
        steps.append(replace(steps[-1], key=key, title=f"+ {title}", **{key: True}))
    return steps


class TutorialPipeline:
    """One rung at work on as many eyes as there are cameras, on a device of PyTorch's. Weights are random."""

    def __init__(self, step: Step, cameras: Sequence[SimulatedCamera], device: str, width: int = 32) -> None:
        self._step, self._cameras, self._device = step, cameras, device
        self._dtype = {False: torch.float32, True: torch.float16 if device != "cpu" else torch.bfloat16}[step.half]
        config = johnson.JohnsonConfig(width=width)
        self._network = johnson.Johnson(config).eval().to(device, self._dtype)
        if step.channels_last:
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._style_1D = johnson.initial_style(config)[None].to(device, self._dtype)
        self._no_gradients: Callable[[], Any] = torch.inference_mode if step.inference_mode else torch.no_grad
        self._thread = NewestFrame(cameras) if step.camera_thread else None
        self._screen: dict[int, Picture] = {}
        self._stages: dict[str, float] = {}

    @property
    def precision(self) -> str:
        """In what the network computes."""
        return {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}[self._dtype]

    def frame(self) -> dict[str, float]:
        """One frame of all eyes; returns the milliseconds of each stage, all eyes together."""
        self._stages = dict.fromkeys(STAGES, 0.0)
        eyes = range(len(self._cameras))
        threaded = self._newest()
        with self._no_gradients():
            for batch in [list(eyes)] if self._step.both_eyes else [[eye] for eye in eyes]:
                pictures = [threaded[eye] for eye in batch] if threaded else [self._capture(eye) for eye in batch]
                self._paint_and_show(batch, pictures)
        return self._stages

    def close(self) -> None:
        """Ends the cameras' thread."""
        if self._thread is not None:
            self._thread.close()

    def _newest(self) -> list[Picture]:
        if self._thread is None:
            return []
        with self._stage("wait"):
            return self._thread.read()

    def _capture(self, eye: int) -> Picture:
        with self._stage("wait"):
            self._cameras[eye].wait()
        with self._stage("capture"):
            return self._cameras[eye].decode()

    def _paint_and_show(self, batch: list[int], pictures: list[Picture]) -> None:
        with self._stage("to tensor"):
            tensor_NCHW = self._to_tensor(pictures)
            settle(self._device)
        with self._stage("network"):
            painted_NCHW = self._network(tensor_NCHW, self._style_1D.expand(len(batch), -1))
            settle(self._device)
        with self._stage("back"):
            painted = self._back(painted_NCHW)
        with self._stage("show"):
            for eye, picture in zip(batch, painted, strict=True):
                self._show(eye, picture)

    def _to_tensor(self, pictures: list[Picture]) -> Tensor:
        if self._step.bytes_up:
            bgr_NHWC = torch.from_numpy(np.stack(pictures)).to(self._device)
            tensor_NCHW = bgr_NHWC.flip(-1).permute(0, 3, 1, 2).to(self._dtype).div(255)
        else:
            rgb_HWC = cv2.cvtColor(pictures[0], cv2.COLOR_BGR2RGB)
            float_CHW = np.ascontiguousarray((rgb_HWC.astype(np.float32) / 255).transpose(2, 0, 1))
            tensor_NCHW = torch.from_numpy(float_CHW).unsqueeze(0).to(self._device, self._dtype)
        layout = torch.channels_last if self._step.channels_last else torch.contiguous_format
        return tensor_NCHW.contiguous(memory_format=layout)

    def _back(self, painted_NCHW: Tensor) -> list[Picture]:
        if self._step.bytes_down:
            painted_NHWC = painted_NCHW.clamp(0, 1).mul(255).to(torch.uint8).permute(0, 2, 3, 1)
            return list(painted_NHWC.contiguous().cpu().numpy())
        painted = painted_NCHW.float().cpu().numpy().transpose(0, 2, 3, 1)
        return [np.clip(picture * 255, 0, 255).astype(np.uint8) for picture in painted]

    def _show(self, eye: int, rgb_HWC: Picture) -> None:
        # There is no window here: colours are turned for imshow, which copies the picture first of all.
        bgr_HWC = cv2.cvtColor(np.ascontiguousarray(rgb_HWC), cv2.COLOR_RGB2BGR)
        screen = self._screen.setdefault(eye, np.empty_like(bgr_HWC, np.uint8))
        np.copyto(screen, bgr_HWC)

    @property
    def shown(self) -> dict[int, Picture]:
        """What each eye saw last, BGR."""
        return self._screen

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._stages[name] += (time.perf_counter() - started) * 1e3
