"""A number's text: three significant digits, an interval as many as tell its ends apart."""

from __future__ import annotations

from math import floor, inf, log10

Ends = tuple[float, float]
"""The low and high end of an interval."""
PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e5
"""Outside this range a number is written with an exponent."""


def short(value: float, digits: int = 3) -> str:
    """Return a finite number to `digits` significant digits, without a trailing point."""
    if value == 0:
        return "0"
    if not PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        return f"{value:.{digits - 1}e}"
    # Rounded first: 99.96 has one decimal more than what it rounds to.
    decimals = max(0, digits - 1 - floor(log10(abs(float(f"{value:.{digits - 1}e}")))))
    return f"{value:.{decimals}f}"


def span(low: float, high: float) -> str:
    """Return an interval as `80–101`; two digits suffice while they tell the ends apart."""
    for digits in (2, 3, 4):
        ends = short(low, digits), short(high, digits)
        if ends[0] != ends[1]:
            break
    return "–".join(ends)


def count(value: int) -> str:
    """Return a whole number with thousands apart and a true minus sign."""
    return f"{value:,}".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """Return a number to `digits` significant digits, with a true minus sign."""
    text = short(value, digits)
    return f"−{text[1:]}" if text.startswith("-") else text


def times(value: float, digits: int = 3) -> str:
    """Return a factor as `3.46×`."""
    return f"{signed(value, digits)}×"


def between(ends: Ends) -> str:
    """Return an interval as `11–17`; a word stands between ends with signs, and `≥ 11` for one without upper end."""
    if ends[1] == inf:
        return f"≥ {signed(ends[0], 2)}"
    return span(*ends) if ends[0] >= 0.0 else f"{signed(ends[0], 2)} to {signed(ends[1], 2)}"
