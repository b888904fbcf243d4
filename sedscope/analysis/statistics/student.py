"""Quantiles of Student's t for whole degrees of freedom, from the finite sums of its distribution function.

scipy has these quantiles, but it is no dependency of sedscope or of torch: users would download 35 MB more for the two
dozen lines below, which a test holds against the published table.
"""

from __future__ import annotations

import math
from functools import lru_cache

_HALVINGS = 60
"""Each halves the bracket of the angle: 60 leave less than float64's rounding of it."""


@lru_cache(maxsize=256)
def t_quantile(level: float, freedom: int) -> float:
    """Return the t at which P(|T| < t) = level.

    Args:
        level: Central share, between 0 and 1.
        freedom: Degrees of freedom, 1 or more.
    """
    # t = √ν tan(angle) maps the whole line of t to a bounded bracket, so that halving needs no first guess.
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central_share(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _central_share(angle: float, freedom: int) -> float:
    """Return P(|T| < √ν tan angle): Abramowitz & Stegun 26.7.3 (odd ν) and 26.7.4 (even ν)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for j in range(1, (freedom - odd) // 2 + 1):
        total += term
        term *= cosine**2 * ((2 * j) / (2 * j + 1) if odd else (2 * j - 1) / (2 * j))
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total
