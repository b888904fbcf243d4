"""The help page of the Why tab."""

from __future__ import annotations

from sedscope.tui.tabs.glossary_help import entries
from sedscope.tui.tabs.tab import TabHelp

PAGE = TabHelp(
    "Where the coupling of a source comes from and where it goes: the stages of the optimizer, the output beside the"
    " features, the blocks of the selection, the angles between sources. rows and probes are views of their own, v goes"
    " through them. s chooses the source, T the task; the step cursor chooses the checkpoint.",
    (
        (
            "Stages",
            "R̄ at every stage from the gradient to the displacement, at the checkpoint nearest to the cursor, or as a"
            " geometric mean over those where every stage is defined. × is the factor to the stage before, always a"
            " mean over the steps. The stage that loses most stands out. Bars are logarithmic and begin at 1.",
        ),
        *entries("R_logit", "R_matched", "energy"),
        (
            "Angles",
            "Mean principal angle between the top-K subspaces of two sources. 0°: the same subspace, 90°: nothing in"
            " common. The grey floor is one source on two different batches: no two sources are closer. ×: one of"
            " the subspaces is arbitrary.",
        ),
        (
            "Rows",
            "Cosines between the rows of the window at the cursor, with the participation ratio (Σσ²)²/Σσ⁴: how many"
            " directions share the window's energy.",
        ),
        (
            "Probes",
            "Coupling of each probe in units of the random baseline, laid out by its two integer labels; i shows all"
            " probes, those trained on, or the others.",
        ),
    ),
)
