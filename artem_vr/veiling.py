"""How bright the next picture will be, before it is drawn, and the veil that it needs therefore."""

from dataclasses import dataclass

from artem_vr.brightness import GROUND_LUMA, BrightnessLimiter, LumaMeter, Veil
from artem_vr.frame import GlFrame, PaintedFrame, TensorFrame

_UNSEEN_LUMA = 0.5
"""What a picture is taken for that an asynchronous bridge has not brought yet: the very first one, in the dark."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture will be made of.

    `source` are the newest pixels of network size, `painted` is what is laid over them. `paint_luma` is the mean luma
    of what came of that, where it is known; `split` says that half of it is shown as it was painted. `is_drawn` tells
    pictures that are drawn for the head from others: a film may flash by itself, and is not taken for a turn of it.
    """

    frame: GlFrame
    source: TensorFrame | None
    painted: PaintedFrame | None
    paint_luma: float | None
    strength: float
    split: bool
    is_drawn: bool


class Veiling:
    """Asks a limiter for each frame's veil, and keeps the meters that it needs."""

    def __init__(self, limiter: BrightnessLimiter) -> None:
        self._limiter = limiter
        self._source_meter, self._paint_meter = LumaMeter(), LumaMeter()
        self._seen: float | None = None

    def veil(self, shown: Shown, time: float, clear: bool) -> Veil:
        """The veil at a `time` in seconds; `clear` while a person asks for the plain world."""
        still_to_come = shown.painted is None and shown.strength > 0
        luma = self._mean_luma(shown)
        return self._limiter.veil(luma, time, clear, dark=still_to_come, turned=self._turned(shown))

    def _turned(self, shown: Shown) -> float:
        """How much the plain world's mean luma has changed since the last frame, where it is drawn for the head."""
        if shown.source is None or not shown.is_drawn:
            return 0.0
        seen = self._source_luma(shown.source)
        before, self._seen = self._seen, seen
        return 0.0 if before is None else abs(seen - before)

    def _source_luma(self, source: TensorFrame) -> float:
        return self._source_meter.read(source.pixels_EHWC, source.eye_count)

    def _mean_luma(self, shown: Shown) -> float:
        """The mean luma that both eyes together will have, as the network-sized pixels foretell it.

        Of foveated ones those of the whole eyes: the others would count their middle again.
        """
        strength = shown.strength if shown.painted is not None else 0.0
        luma = 0.0
        if strength < 1:
            luma += (1 - strength) * (self._source_luma(shown.source) if shown.source is not None else _UNSEEN_LUMA)
        if strength > 0 and shown.painted is not None:
            # Asked for each time, for on a GPU it answers some frames later.
            luma_then = self._paint_meter.read(shown.painted.painted_EHWC, shown.painted.source.eye_count)
            settled = luma_then if shown.paint_luma is None else shown.paint_luma
            luma += strength * ((settled + luma_then) / 2 if shown.split else settled)
        if shown.frame.content is None:
            return luma
        width, height = shown.frame.color[0].size
        share = shown.frame.content[2] * shown.frame.content[3] / (width * height)
        return share * luma + (1 - share) * GROUND_LUMA
