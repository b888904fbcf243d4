"""What interventions did to the training: runs beside their controls. Scalars alone; no torch.

`compare_runs` is the door: opened runs in, a tree of frozen dataclasses out.

| module | decides |
|---|---|
| `treatment` | what was done to a run, in words and as identity |
| `recipe` | what two trainings share: everything of the command but the seed |
| `outcome` | what one run has to say: milestones, accuracy, how far it was followed, norm kept |
| `survival` | Kaplan–Meier, restricted mean; runs that never got there |
| `student` | quantiles of Student's t |
| `averages` | means and quotients over seeds with their intervals |
| `ratios` | one pair: a quotient, or the bound that a run without a crossing leaves |
| `speedup` | all pairs of two groups |
| `beside` | which other intervention a result must stand beside, and what the two say together |
| `curves` | accuracy of a group over t, with its band |
| `norm` | the share of the norm that was let through |
| `cohorts` | which runs are compared with which |
| `results` | the tree |
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
