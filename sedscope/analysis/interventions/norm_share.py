"""The share of the norm that an intervention let through.

Decides that unmodified steps before it began do not count, and that a run's share is the median over its other steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.arrays import Floats
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.analysis.undefined import Undefined


def median_share(kept: Floats | None, treatment: Treatment) -> float | Undefined:
    """Median of kept norm / whole norm over the steps since the first that was changed.

    Args:
        kept: `norm_kept` of every optimizer step; None where it was not recorded.
        treatment: What was done; a control lets everything through.
    """
    if not treatment.acts:
        return Undefined("nothing is projected in a control")
    kept = None if kept is None else kept[np.isfinite(kept)]  # a run is foreign: the recorder writes no other
    if kept is None or len(kept) == 0:
        return Undefined("norm_kept was not recorded")
    changed = np.flatnonzero(kept < 1.0)
    if len(changed) == 0:
        return Undefined("no step was changed")
    return float(np.median(kept[changed[0] :]))


def shares(values: Sequence[float | Undefined]) -> tuple[float, float, float] | Undefined:
    """Least, median and largest share of several runs; Undefined where none has one."""
    known = [one for one in values if not isinstance(one, Undefined)]
    if not known:
        return next((one for one in values if isinstance(one, Undefined)), Undefined("there is no run"))
    return min(known), float(np.median(known)), max(known)
