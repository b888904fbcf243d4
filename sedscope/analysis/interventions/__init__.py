"""Interventions beside their controls: what they did to the training. Scalars alone; no torch.

`compare_runs` is the door: opened runs in, a tree of frozen dataclasses out.

| module | decides |
|---|---|
| `treatment` | the intervention on a run, in words and as identity |
| `outcome` | one run: recipe and seed, milestones, accuracy, how far it was followed, norm kept |
| `averages` | means and quotients over seeds with their intervals |
| `speedup` | one pair: a quotient or its bound; all pairs of two groups; the group that a result must stand beside |
| `cohorts` | which runs are compared with which |
| `compare` | the tree of results, accuracy over t with its band, and the order of the steps |
"""

from sedscope.analysis.interventions.compare import (
    Cohort,
    InterventionComparison,
    TaskComparison,
    TreatmentGroup,
    compare,
    compare_runs,
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
