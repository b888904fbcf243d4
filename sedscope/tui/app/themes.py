"""The viewer's own two themes; Textual's stand beside them.

Decides the default. Series and heatmap colours belong to `plot.palette` and stay the same in every theme.
"""

from __future__ import annotations

from textual.theme import Theme

DEFAULT_THEME = "sedscope"

THEMES = (
    Theme(
        name=DEFAULT_THEME,
        dark=True,
        primary="#56B4E9",
        secondary="#CC79A7",
        accent="#E69F00",
        warning="#E69F00",
        error="#F0714A",
        success="#2FBF8F",
        foreground="#D7DCE2",
        background="#0F1318",
        surface="#141A21",
        panel="#1C242D",
        variables={"border": "#33404D", "border-blurred": "#26303A", "footer-key-foreground": "#56B4E9"},
    ),
    Theme(
        name="sedscope-light",
        dark=False,
        primary="#0068A8",
        secondary="#A3487A",
        accent="#9A5B00",
        warning="#9A5B00",
        error="#B83A0A",
        success="#00734F",
        foreground="#20262D",
        background="#FBFAF7",
        surface="#F2F0EA",
        panel="#E6E3DA",
        variables={"border": "#BDB8AA", "border-blurred": "#D8D4C8", "footer-key-foreground": "#0068A8"},
    ),
)
