"""The share of the norm that an intervention let through.

Decides that unmodified steps before it began do not count, and that a run's share is the median over its other steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.undefined import Undefined


def median_share(norm_kept: Floats | None, treatment: Treatment) -> float | Undefined:
    """Return the median of norm after / norm before projection over the steps since the first that was changed.

    Args:
        norm_kept: `norm_kept` of every optimizer step; None where it was not recorded.
        treatment: The intervention; a control lets everything through.
    """
    if not treatment.acts:
        return Undefined("nothing is projected in a control")
    # The recorder writes finite shares alone, but a run is foreign.
    finite = np.empty(0) if norm_kept is None else norm_kept[np.isfinite(norm_kept)]
    if len(finite) == 0:
        return Undefined("norm_kept was not recorded")
    changed = np.flatnonzero(finite < 1.0)
    if len(changed) == 0:
        return Undefined("no step was changed")
    return float(np.median(finite[changed[0] :]))


def shares(values: Sequence[float | Undefined]) -> tuple[float, float, float] | Undefined:
    """Return the least, median and largest share of several runs; Undefined where none has one."""
    defined = [value for value in values if not isinstance(value, Undefined)]
    if not defined:
        return next((value for value in values if isinstance(value, Undefined)), Undefined("there is no run"))
    return min(defined), float(np.median(defined)), max(defined)
