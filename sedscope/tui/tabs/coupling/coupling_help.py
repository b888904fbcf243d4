"""The help page of the Coupling tab."""

from __future__ import annotations

from sedscope.tui.tabs.glossary_help import entries
from sedscope.tui.tabs.tab import TabHelp

PAGE = TabHelp(
    "How strongly the spectral directions of each source move the features of one task, at every analysed checkpoint,"
    " in units of a random direction. rank-90 stands beneath on the same steps, the peak and the end of every source"
    " beside it. A coarse picture comes first and is refined in place; x cancels.",
    (
        *entries("R", "control_band"),
        (
            "× and faint stretches",
            "×: the spectrum is flat there, so which K directions are on top is arbitrary. Faint: the window is short"
            " of W rows; such windows count for neither peak nor final.",
        ),
        *entries("peak", "interval", "rank90"),
        (
            "W, K",
            "Rows of a window and directions of its basis. The first other value is measured once, as coupling Gram"
            " matrices of whole windows; after that every W and K up to that size is drawn at once.",
        ),
        (
            "ceiling",
            "The strongest coupling of any direction in the window's span: no v_k can exceed it. Choose one source with"
            " s, then e.",
        ),
        (
            "alignment, centroid, method",
            "trailing: the window at t ends at t; leading: it starts there. target: features are gradients of the"
            " target's logit; sum: of all logits together. exact: a derivative; central: a difference.",
        ),
    ),
)
