"""A picture with detail at every scale, as natural ones have, that can be shifted exactly: it repeats at its edges."""

import numpy as np

SIDE = 192


def pink_picture(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Float32 RGB (side, side, 3) in [0, 1]: noise whose amplitude falls as one over the frequency."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    amplitude = np.where(frequency > 0, 1 / np.maximum(frequency, 1 / side), 0) * (frequency < 0.35)
    waves = np.fft.fft2(random.standard_normal((3, side, side))) * amplitude
    picture = np.fft.ifft2(waves).real.transpose(1, 2, 0)
    return np.clip(0.5 + 0.15 * picture / picture.std(), 0, 1).astype(np.float32)


def shifted(picture_HWC: np.ndarray, right: float, down: float) -> np.ndarray:
    """The picture moved by fractions of pixels, by the shift theorem."""
    side = len(picture_HWC)
    turn = np.fft.fftfreq(side)[:, None] * down + np.fft.fftfreq(side)[None] * right
    waves = np.fft.fft2(picture_HWC, axes=(0, 1)) * np.exp(-2j * np.pi * turn)[..., None]
    return np.fft.ifft2(waves, axes=(0, 1)).real.astype(np.float32)


def blurred(picture_HWC: np.ndarray, sigma: float) -> np.ndarray:
    """The picture in a Gaussian blur of `sigma` pixels, over its edges as well."""
    frequency = np.hypot(np.fft.fftfreq(len(picture_HWC))[:, None], np.fft.fftfreq(len(picture_HWC))[None])
    waves = np.fft.fft2(picture_HWC, axes=(0, 1)) * np.exp(-2 * (np.pi * sigma * frequency) ** 2)[..., None]
    return np.fft.ifft2(waves, axes=(0, 1)).real.astype(np.float32)
