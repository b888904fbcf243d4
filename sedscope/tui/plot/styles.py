"""Style keys to terminal styles, for a background, a foreground and a colour mode.

The one place where the text of the pure layer meets colours. Every style carries foreground and background, so that no
segment is ever without one (Textual's NO_COLOR filter needs that).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from rich.style import Style
from textual.color import Color

from sedscope.tui.plot import palette
from sedscope.tui.plot.data import Look

_GROUND = 0.2
"""Strength of a band's tint behind its curve."""

_STRENGTH = {
    "plot": 1.0, "title": 1.0, "value": 1.0, "name": 0.85, "chosen": 1.0, "message": 0.75, "note": 0.7,
    "tick": 0.65, "label": 0.55, "moment": 0.6, "rule": 0.55, "cursor": 0.6, "axis": 0.35, "aside": 0.4,
    "shade": 0.9, "undefined": 0.6, "grid": 0.2, "cave": 0.0, "ground": _GROUND,
    "series": 1.0, "letter": 1.0, "mark": 1.0, "faint": 0.42, "band": 0.5,
}  # fmt: skip
"""Strength with which a colour stands out from the background: 1 as it is, 0 not at all."""

_BOLD = frozenset({"title", "value", "chosen", "letter", "mark"})
_LEAST_CONTRAST = 3.0
"""WCAG's least contrast for graphics."""


@dataclass(frozen=True)
class Paint:
    """The colours that styles depend on."""

    background: Color
    foreground: Color
    colours: str
    """A `Look.colours`."""
    _styles: dict[str, Style] = field(default_factory=dict, compare=False, repr=False)

    def style(self, key: str) -> Style:
        """Return the style of a key."""
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = _style(self, key)
        return style


def paint(background: Color, foreground: Color, look: Look) -> Paint:
    """Return the paint for a widget's colours; a foreground with transparency is laid on its background."""
    if foreground.a < 1 and not (_indexed(background) or _indexed(foreground)):
        foreground = background.blend(foreground, foreground.a, 1.0)
    return Paint(background, foreground, look.colours)


def _style(paint: Paint, key: str) -> Style:
    lit = key.endswith(".lit")
    key, _, ground = key.removesuffix(".lit").partition("/")
    role, *numbers = key.split(".")
    if role == "heat":
        style = _heat(paint, numbers, lit)
    elif paint.colours == "sixteen" or _indexed(paint.background) or _indexed(paint.foreground):
        style = _sixteen(paint, role, numbers)
    else:
        style = _full(paint, role, numbers)
        if ground:
            style += Style(bgcolor=_hued(paint, int(ground), _GROUND).rich_color)
    if lit:
        style += Style(bold=True, reverse=role in ("shade", "undefined") or (role == "heat" and len(numbers) == 1))
    return style


def _indexed(colour: Color) -> bool:
    """Return whether a colour is one that the terminal's own theme decides."""
    return colour.ansi is not None


def _full(paint: Paint, role: str, numbers: list[str]) -> Style:
    strength = _STRENGTH.get(role, 1.0)
    colour = _hued(paint, int(numbers[0]), strength) if numbers else _grey(paint, strength)
    return Style(color=colour.rich_color, bgcolor=paint.background.rich_color, bold=role in _BOLD)


def _grey(paint: Paint, strength: float) -> Color:
    return paint.background.blend(paint.foreground, strength, 1.0)


def _hued(paint: Paint, hue: int, strength: float) -> Color:
    """Return a series colour at a strength; without colours a grey."""
    if paint.colours == "none":
        return _grey(paint, strength)
    colour = _legible(Color.parse(palette.OKABE_ITO[hue]), paint.background, paint.foreground)
    return paint.background.blend(colour, strength, 1.0)


def _sixteen(paint: Paint, role: str, numbers: list[str]) -> Style:
    faint = _STRENGTH.get(role, 1.0) < 0.5 and not numbers
    name = palette.SIXTEEN[int(numbers[0])] if numbers else "bright_black" if faint else "default"
    if paint.colours == "none":
        name = "default"
    dim = bool(numbers) and role in ("faint", "band")
    return Style(color=name, bgcolor=paint.background.rich_color, bold=role in _BOLD, dim=dim)


def _heat(paint: Paint, numbers: list[str], lit: bool) -> Style:
    """Return a level's style: of one the background, with black or white text; of two the upper half on the lower.

    Under the cursor two levels become one, so that its mark can be seen.
    """
    if lit and len(numbers) == 2:
        numbers = [next((n for n in numbers if n.isdigit()), "0")]
    if len(numbers) == 1:
        ground = _level(paint, numbers[0])
        return Style(color=_ink(paint, int(numbers[0])), bgcolor=ground)
    return Style(color=_level(paint, numbers[0]), bgcolor=_level(paint, numbers[1]))


def _level(paint: Paint, name: str) -> str:
    """Return the colour of a level; of an undefined or missing half cell the background's (nearly)."""
    if paint.colours == "sixteen":
        count = len(palette.SIXTEEN_LEVELS)
        return "default" if not name.isdigit() else palette.SIXTEEN_LEVELS[int(name) * count // len(palette.CIVIDIS)]
    if name.isdigit():
        return palette.CIVIDIS[int(name)]
    if _indexed(paint.background):
        return "default"
    return paint.background.blend(paint.foreground, 0.12 if name == "none" else 0.0, 1.0).hex6


def _ink(paint: Paint, level: int) -> str:
    bright = level >= 8
    if paint.colours == "sixteen":
        return "black" if bright else "bright_white"
    return "#101010" if bright else "#FFFFFF"


@cache
def _legible(colour: Color, background: Color, foreground: Color) -> Color:
    """Return the colour, moved towards the foreground until it can be seen on the background (yellow on white)."""
    for share in range(10):
        moved = colour.blend(foreground, share / 10, 1.0)
        if _contrast(moved, background) >= _LEAST_CONTRAST:
            return moved
    return foreground


def _contrast(first: Color, second: Color) -> float:
    """Return the contrast ratio, 1 to 21 (WCAG 2.2, relative luminance)."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
