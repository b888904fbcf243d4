"""Colours and letters: Okabe–Ito for series, cividis at 16 levels for heatmaps, and their stand-ins in 16 colours.

Plain numbers and names; what a terminal makes of them is decided in `styles`.
Sources: Okabe & Ito 2002, "Color Universal Design"; cividis: Nuñez, Anderton & Renslow 2018,
doi 10.1371/journal.pone.0199239.
"""

from __future__ import annotations

OKABE_ITO = ("#56B4E9", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2", "#999999")
"""Series colours A–H; grey stands for the black of the original, which a dark terminal would swallow."""

SIXTEEN = (
    "bright_cyan",
    "bright_yellow",
    "bright_green",
    "bright_red",
    "bright_magenta",
    "yellow",
    "bright_blue",
    "white",
)
"""Series colours A–H in a terminal of 16 colours."""

CIVIDIS = (
    "#00224E", "#0B2D62", "#1A396F", "#33456D", "#46516C", "#575D6D", "#666971", "#757574",
    "#858277", "#958F76", "#A59C74", "#B7AA6D", "#C9B865", "#DBC759", "#EDD749", "#FEE838",
)  # fmt: skip
"""Heatmap levels, low to high."""

SIXTEEN_LEVELS = ("black", "blue", "bright_black", "yellow", "bright_yellow")
"""Heatmap levels in 16 colours, low to high."""

SHADES = " ░▒▓█"
"""Heatmap levels without colours, low to high."""

ASCII_SHADES = " .:*#"


def letter(colour: int) -> str:
    """Return the letter of a series beside its colour: A, B, …; after Z they start again."""
    return chr(ord("A") + colour % 26)


def hue(colour: int) -> int:
    """Place in the palette of eight."""
    return colour % len(OKABE_ITO)
