"""What `?` says on the Coupling tab."""

from __future__ import annotations

from sedscope.tui.tab import TabHelp

PAGE = TabHelp(
    "How strongly the spectral directions of each source move the features of one task, at every analysed checkpoint,"
    " in units of a random direction. rank-90 stands beneath on the same steps, the peak and the end of every source"
    " beside it. A coarse picture comes first and is refined in place; x cancels.",
    (
        (
            "R_k, R̄",
            "A(v_k), how far the centroids move along the k-th direction of the window, divided by the median over"
            " random directions; R̄ is its mean over k = 1 … K. 1 means: no more than a random direction. Never compare"
            " R across selections or models. The tinted band is a 95 % interval over probes and random directions.",
        ),
        (
            "controls",
            "Gradients that know less: with shuffled labels, of random cotangents, of random mixtures of examples. R̄"
            " does not see labels: a curve inside this grey band owes its height to being a gradient of this network,"
            " not to the task.",
        ),
        (
            "× and faint stretches",
            "×: the spectrum is flat there, so which K directions are on top is arbitrary. Faint: the window is short"
            " of W rows; such windows count for neither peak nor final.",
        ),
        (
            "rank-90",
            "The least number of principal components of the centroids that hold 90 % of their variance.",
        ),
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
