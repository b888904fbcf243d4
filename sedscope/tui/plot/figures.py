"""Numbers as people read them in a legend, a cell or a read-out; axis ticks have their own labels in `ticks`."""

from __future__ import annotations

import math

_PLAIN_TO = 1e6
_SMALL = "₀₁₂₃₄₅₆₇₈₉"


def readable(value: float, digits: int = 3, *, plain_integers: bool = True) -> str:
    """Write a number with about `digits` significant digits, between 0.001 and 1e6 without an exponent: 72.1, 1.2e-7.

    A whole number is written without decimals, unless `plain_integers` is false (beside numbers that have them).
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= _PLAIN_TO or size < 1e-3:
        return scientific(value, digits)
    if plain_integers and value == round(value):
        return str(round(value))
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:.{decimals}f}"


def scientific(value: float, digits: int = 3) -> str:
    """Write a number in short scientific notation: 1e6, 1.23e-7."""
    mantissa, exponent = f"{value:.{max(0, digits - 1)}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def position_text(x: float) -> str:
    """Write a position on the x axis: a whole step in full, whatever its size."""
    if math.isfinite(x) and x == round(x) and abs(x) <= 2**53:
        return str(int(x))
    return readable(x, 5)


def subscript(number: int) -> str:
    """Write a number in subscript digits: ₁₂ for 12."""
    return "".join(_SMALL[int(digit)] for digit in str(number))
