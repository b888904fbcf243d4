"""Quotients, bounds and steps of a comparison as text: `3.5×`, `> 2.4×`, `≥ 3,367`.

Decides how a number looks that only a restricted mean gives, and that one seed is said to have no interval.
"""

from __future__ import annotations

from sedscope.analysis.interventions.averages import Average
from sedscope.analysis.interventions.speedup import QuotientBounds
from sedscope.analysis.result_view.number_text import between, count, times
from sedscope.analysis.undefined import Undefined


def ratio_text(ratio: QuotientBounds) -> str:
    """Return `3.46×`; `> 2.4×` or `< 0.66×` where that is all that is known."""
    if ratio.exact is not None:
        return times(ratio.exact)
    if ratio.low is not None:
        return f"> {times(ratio.low)}"
    return "not bounded" if ratio.high is None else f"< {times(ratio.high)}"


def interval_text(average: Average) -> str:
    """Return `n = 3, 2.9–4.1`; with the horizon where the quotient is one of restricted means."""
    ends = "no interval" if isinstance(average.ends, Undefined) else between(average.ends)
    horizon = "" if average.horizon is None else f", restricted to t = {steps(average.horizon)}"
    return f"n = {average.n}, {ends}{horizon}"


def steps(value: float) -> str:
    """Return a step, or a mean of steps."""
    return count(round(value))
