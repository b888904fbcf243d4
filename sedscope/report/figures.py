"""How a number looks in a table: three significant digits, an interval just as many as tell its ends apart."""

from __future__ import annotations

from math import floor, log10

PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e5
"""Outside this range a number is written with an exponent."""


def short(value: float, digits: int = 3) -> str:
    """A finite number to `digits` significant digits, without a trailing point."""
    if value == 0:
        return "0"
    if not PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{value:.{decimals}f}"


def span(low: float, high: float) -> str:
    """An interval, `80–101`; two digits suffice while they tell the ends apart."""
    for digits in (2, 3, 4):
        ends = short(low, digits), short(high, digits)
        if ends[0] != ends[1]:
            break
    return "–".join(ends)


def count(value: int) -> str:
    """A whole number with thousands apart."""
    return f"{value:,}"
