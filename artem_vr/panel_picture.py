"""The picture of a headset's panel: what is painted and how, in letters that can be read at arm's length."""

import importlib.util
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from artem_vr.frame import Size

_DESIGN: Size = (768, 432)
"""The size that all lengths below are for."""

_GROUND = (13, 14, 17, 226)
_BRIGHT, _SOFT, _FAINT = (255, 255, 255, 255), (196, 201, 209, 255), (72, 76, 84, 255)
_ACCENT, _INK = (255, 186, 84, 255), (24, 18, 8, 255)

_EDGE = 24.0
_CORNER = 30.0
_THUMBNAIL = 152.0
_GAP = 22.0
_TITLE, _SMALLEST_TITLE = 44.0, 34.0
_NORMAL, _SMALL = 29.0, 26.0
"""Sizes of letters. A headset shows about as many pixels over the panel as it has: smaller ones would be guesses."""
_TITLE_AT, _ARTIST_AT, _BAR_AT, _BLEND_AT = 44.0, 85.0, 124.0, 160.0
_FIGURES_AT, _HINTS_AT = 206.0, 232.0
_LEADING = 1.32
_LONGEST = 120  # letters of any line that are looked at: none of them has room for more
_FINE = 4
"""Shapes are drawn so many times as large and then shrunk, for smooth edges."""


@dataclass(frozen=True, slots=True)
class PanelState:
    """What the panel tells.

    `blend`, from -1 to 1, is how much of the style `blend_title` is mixed in (its sign says from which side), and
    `strength`, from 0 to 1, how much paint there is. `plain` means that the unpainted world is shown. The rates are
    pictures a second; `age_ms` is how old the paint is, None when there is none, and `budget` how it is painted,
    if something chooses that; it stands where a blend would. `thumbnail` is uint8 RGB (H, W, 3),
    which two states need not share to be equal. `hint_lines` are a button and, after a tab, what it does. `notice` is
    more urgent than the figures and takes their place.
    """

    title: str
    artist: str = ""
    blend_title: str = ""
    blend: float = 0.0
    strength: float = 1.0
    plain: bool = False
    shown_fps: float = 0.0
    painted_fps: float = 0.0
    age_ms: float | None = None
    budget: str = ""
    thumbnail: NDArray[np.uint8] | None = field(default=None, compare=False)
    hint_lines: tuple[str, ...] = ()
    notice: str = ""


def draw_panel(state: PanelState, size: Size = _DESIGN) -> NDArray[np.uint8]:
    """The panel as uint8 RGBA (h, w, 4), top row first, colours not multiplied by alpha.

    Titles that are too long are set smaller, then end in an ellipsis. Hints go into two columns where they would not
    fit into one. The layout is made for `size` 768x432 and scaled to others.
    """
    canvas = _Canvas(size)
    left = _EDGE
    if state.thumbnail is not None:
        canvas.picture(state.thumbnail, _EDGE, _EDGE, _THUMBNAIL)
        left += _THUMBNAIL + _GAP
    _draw_style(canvas, state, left)
    if state.notice:
        canvas.shape((_EDGE, _FIGURES_AT - 21, canvas.right, _FIGURES_AT + 21), 14, _ACCENT)
        canvas.text(state.notice, _EDGE + 16, _FIGURES_AT, canvas.right - _EDGE - 32, (_NORMAL, _SMALL), _INK)
    else:
        canvas.text(_figures(state), _EDGE, _FIGURES_AT, canvas.right - _EDGE, (_SMALL,), _SOFT)
    _draw_hints(canvas, state.hint_lines)
    return canvas.pixels()


def _draw_style(canvas: "_Canvas", state: PanelState, left: float) -> None:
    room = canvas.right - left
    canvas.text(state.title, left, _TITLE_AT, room, (_TITLE, (_TITLE + _SMALLEST_TITLE) / 2, _SMALLEST_TITLE), _BRIGHT)
    canvas.text(state.artist, left, _ARTIST_AT, room, (_NORMAL, _SMALL), _SOFT)
    strength = min(1.0, max(0.0, state.strength))
    percent = f"{round(100 * strength)} %"
    end = canvas.right - 108
    canvas.shape((left, _BAR_AT - 9, end, _BAR_AT + 9), 9, _FAINT)
    if strength > 0:
        # Never narrower than round, or a little paint would look like a fault.
        filled = max(18.0, (end - left) * strength)
        canvas.shape((left, _BAR_AT - 9, left + filled, _BAR_AT + 9), 9, _SOFT if state.plain else _ACCENT)
    canvas.text(percent, end + 14, _BAR_AT, 94, (_SMALL,), _SOFT if state.plain else _BRIGHT)
    if state.plain:
        canvas.text("the plain world is shown", left, _BLEND_AT, room, (_SMALL,), _ACCENT)
    elif round(100 * state.blend):
        share = f" {round(100 * min(1.0, abs(state.blend)))} %"
        name = canvas.fitted("+ " + state.blend_title, room - canvas.length(share, _SMALL), (_SMALL,))[0]
        canvas.text(name + share, left, _BLEND_AT, room, (_SMALL,), _ACCENT)
    elif state.budget:
        canvas.text(state.budget, left, _BLEND_AT, room, (_SMALL,), _SOFT)


def _figures(state: PanelState) -> str:
    shown = f"{round(state.shown_fps)} shown"
    if state.plain or state.age_ms is None:
        return f"{shown} a second"
    return f"{shown} / {round(state.painted_fps)} painted a second, paint {round(state.age_ms)} ms old"


def _draw_hints(canvas: "_Canvas", lines: tuple[str, ...]) -> None:
    line_height = _SMALL * _LEADING
    rows = max(1, int((canvas.bottom - _HINTS_AT + 6) / line_height))
    columns = max(1, -(-len(lines) // rows))
    width = (canvas.right - _EDGE + _GAP) / columns
    for column in range(columns):
        part = [line.partition("\t") for line in lines[column * rows : (column + 1) * rows]]
        left = _EDGE + column * width
        keys = max((canvas.length(key, _SMALL) for key, tab, _ in part if tab), default=0.0)
        keys = min(keys, width / 2)
        for row, (key, tab, meaning) in enumerate(part):
            middle = _HINTS_AT + (row + 0.5) * line_height
            room = width - _GAP
            canvas.text(key, left, middle, keys if tab else room, (_SMALL,), _BRIGHT if tab else _SOFT)
            canvas.text(meaning, left + keys + 18, middle, room - keys - 18, (_SMALL,), _SOFT)


class _Canvas:
    """A panel under way. Lengths are those of the design."""

    def __init__(self, size: Size) -> None:
        self._scale = min(size[0] / _DESIGN[0], size[1] / _DESIGN[1])
        self.right = size[0] / self._scale - _EDGE
        self.bottom = size[1] / self._scale - _EDGE + 4
        # Its colour everywhere: where it is filtered, nothing else may come in from outside.
        self._image = Image.new("RGBA", size, (*_GROUND[:3], 0))
        self.shape((0, 0, size[0] / self._scale, size[1] / self._scale), _CORNER, _GROUND)
        self._draw = ImageDraw.Draw(self._image)

    def shape(self, box: tuple[float, float, float, float], corner: float, color: tuple[int, int, int, int]) -> None:
        """A rounded rectangle: left, top, right, bottom."""
        left, top, right, bottom = (round(edge * self._scale) for edge in box)
        mask = _rounded((max(1, right - left), max(1, bottom - top)), corner * self._scale)
        self._image.paste(color, (left, top), mask)

    def picture(self, rgb_HWC: NDArray[np.uint8], left: float, top: float, side: float) -> None:
        """A picture in a rounded square."""
        length = max(1, round(side * self._scale))
        square = Image.fromarray(np.ascontiguousarray(rgb_HWC)).resize((length, length), Image.Resampling.LANCZOS)
        mask = _rounded((length, length), 12 * self._scale)
        self._image.paste(square.convert("RGBA"), (round(left * self._scale), round(top * self._scale)), mask)

    def length(self, text: str, letters: float) -> float:
        """How long a line is."""
        return float(self._font(letters).getlength(_drawable(text))) / self._scale

    def fitted(self, text: str, room: float, letters: tuple[float, ...]) -> tuple[str, float]:
        """The text and the first of these sizes of letters with which it fits; shortened if it is the last."""
        for size in letters:
            if self.length(text, size) <= room:
                return text, size
        kept = min(len(text), _LONGEST)
        while kept and self.length(text[:kept].rstrip() + "…", letters[-1]) > room:
            kept -= 1
        return (text[:kept].rstrip() + "…" if kept else ""), letters[-1]

    def text(
        self,
        text: str,
        left: float,
        middle: float,
        room: float,
        letters: tuple[float, ...],
        color: tuple[int, int, int, int],
    ) -> None:
        """A line of text, as `fitted` sets it."""
        shown, size = self.fitted(" ".join(text.split()), room, letters)
        at = left * self._scale, middle * self._scale
        self._draw.text(at, _drawable(shown), font=self._font(size), fill=color, anchor="lm")

    def _font(self, letters: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        return _font(max(1, round(letters * self._scale)))

    def pixels(self) -> NDArray[np.uint8]:
        """The finished picture."""
        return np.array(self._image, np.uint8)


@lru_cache(maxsize=32)
def _rounded(size: Size, corner: float) -> Image.Image:
    """How much of each pixel a rounded rectangle of this size covers."""
    fine = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    box = 0, 0, size[0] * _FINE - 1, size[1] * _FINE - 1
    ImageDraw.Draw(fine).rounded_rectangle(box, radius=corner * _FINE, fill=255)
    return fine.resize(size, Image.Resampling.BOX)


@lru_cache(maxsize=16)
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    file = _font_file()
    return ImageFont.load_default(size=height) if file is None else ImageFont.truetype(str(file), height)


@lru_cache(maxsize=1)
def _font_file() -> Path | None:
    """DejaVu Sans, which comes with matplotlib and knows the letters of most of Europe; Pillow's own knows ASCII."""
    found = importlib.util.find_spec("matplotlib")  # not imported: that takes a tenth of a second
    for folder in (found.submodule_search_locations if found else None) or ():
        file = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if file.is_file():
            return file
    return None


def _drawable(text: str) -> str:
    """Without accents, where the font has none: a plain letter is better than a box."""
    if _font_file() is not None:
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
