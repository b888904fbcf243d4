"""Turns of phrase that several sentences share."""

from __future__ import annotations

from sedscope.analysis.result_view.number_text import between, signed
from sedscope.report.estimate import Estimate
from sedscope.report.finding.case import Contrast


def times(value: float) -> str:
    """Return `14×`."""
    return f"{signed(value, 2)}×"


def factor_words(factor: Estimate) -> str:
    """Return `14× (11–17)`."""
    return times(factor.value) + ("" if factor.ends is None else f" ({between(factor.ends)})")


def over(contrast: Contrast) -> str:
    """Return the range over checkpoints; empty where there is one alone."""
    if contrast.n < 2:
        return ""
    return f"; over {checkpoints(contrast.n)} {times(contrast.lowest)} to {times(contrast.highest)}"


def checkpoints(n: int) -> str:
    """Return `7 checkpoints`."""
    return f"{n} checkpoint{'' if n == 1 else 's'}"


def with_sign(value: float) -> str:
    """Return `+0.21`."""
    return f"{'+' if value > 0 else ''}{signed(value, 2)}"
