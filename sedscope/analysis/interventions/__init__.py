"""Interventions beside their controls: what they did to the training. Scalars alone; no torch.

`compare_runs` is the door: opened runs in, a tree of frozen dataclasses out.

| module | decides |
|---|---|
| `treatment` | the intervention on a run, in words and as identity |
| `recipe` | what two trainings share: everything of the command but the seed |
| `outcome` | one run: milestones, accuracy, how far it was followed, norm kept |
| `averages` | means and quotients over seeds with their intervals |
| `speedup` | one pair: a quotient, or the bound that a run without a crossing leaves; all pairs of two groups |
| `reference_groups` | which other intervention a result must stand beside, and what the two say together |
| `cohorts` | which runs are compared with which |
| `comparison_results` | the tree, and the accuracy of a group over t with its band |
| `compare` | the order |
"""

from sedscope.analysis.interventions.compare import compare, compare_runs
from sedscope.analysis.interventions.comparison_results import (
    Cohort,
    InterventionComparison,
    TaskComparison,
    TreatmentGroup,
)
from sedscope.analysis.interventions.outcome import Outcome, outcome_of

__all__ = [
    "Cohort",
    "InterventionComparison",
    "Outcome",
    "TaskComparison",
    "TreatmentGroup",
    "compare",
    "compare_runs",
    "outcome_of",
]
