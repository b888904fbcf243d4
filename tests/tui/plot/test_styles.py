"""Style keys as colours: seen on dark and light backgrounds, named in 16 colours, none without colours."""

from __future__ import annotations

import pytest
from textual.color import Color

from sedscope.tui.plot.data import Look
from sedscope.tui.plot.palette import CIVIDIS, SIXTEEN
from sedscope.tui.plot.styles import paint

DARK, LIGHT = Color.parse("#121212"), Color.parse("#F4F4F4")


def luminance(colour: tuple[int, int, int]) -> float:
    parts = [c / 255 for c in colour]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(style) -> float:
    one, other = (luminance(c.get_truecolor()) for c in (style.color, style.bgcolor))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize(("back", "front"), [(DARK, LIGHT), (LIGHT, DARK)])
def test_curves_can_be_seen_and_told_apart(back: Color, front: Color) -> None:
    style = paint(back, front, Look()).style
    curves = [style(f"series.{hue}") for hue in range(8)]
    assert all(contrast(s) >= 3 for s in curves)
    assert len({s.color for s in curves}) == 8
    assert all(contrast(style(f"faint.{hue}")) < contrast(style(f"series.{hue}")) for hue in range(8))
    assert all(contrast(style(key)) >= 3 for key in ("tick", "label", "value", "name", "note"))


def test_numbers_can_be_read_on_every_level() -> None:
    style = paint(DARK, LIGHT, Look()).style
    assert all(contrast(style(f"heat.{level}")) >= 3.5 for level in range(16))


def test_levels_are_cividis_in_rising_lightness() -> None:
    style = paint(DARK, LIGHT, Look()).style
    grounds = [style(f"heat.{level}").bgcolor.get_truecolor() for level in range(16)]
    assert [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in grounds] == list(CIVIDIS)
    assert sorted(map(luminance, grounds)) == list(map(luminance, grounds))


def test_sixteen_colours_are_the_terminals_own() -> None:
    style = paint(DARK, LIGHT, Look(colours="sixteen")).style
    assert [style(f"series.{hue}").color.name for hue in range(8)] == list(SIXTEEN)


def test_without_colours_only_greys() -> None:
    style = paint(DARK, LIGHT, Look(colours="none")).style
    for key in ("series.0", "faint.3", "letter.5", "shade", "cursor", "series.2.lit", "title"):
        triplet = style(key).color.get_truecolor()
        assert len(set(triplet)) == 1
