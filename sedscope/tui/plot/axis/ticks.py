"""Places and texts of an axis's labels: 1-2-5 steps on a linear axis, decades (or 1-2-5 within few) on a log axis.

Labels of one axis are all different; ticks lie inside the span and ascend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sedscope.tui.plot.axis.scale import AxisRange, Scale, backward
from sedscope.tui.plot.figures import scientific


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in axis units."""

    at: float
    label: str


def ticks(span: AxisRange, scale: Scale, most: int, *, integers: bool = False) -> tuple[Tick, ...]:
    """Return at most `most` ticks; with `integers` only at whole numbers. An axis with room for none has none."""
    if most < 1:
        return ()
    if scale == "log":
        log_ticks = _log_ticks(span, most)
        if log_ticks:
            return log_ticks
    return _distinct(_linear_ticks(span, scale, most, integers))


def _linear_ticks(span: AxisRange, scale: Scale, most: int, integers: bool) -> list[Tick]:
    """Return multiples of a 1-2-5 step. On a log axis too narrow for decades the multiples are in data units."""
    low, high = (backward(span.low, scale), backward(span.high, scale)) if scale == "log" else (span.low, span.high)
    if not low < high:
        return []  # a log axis at the end of what floats hold
    step = _step(high / most - low / most, integers)
    while True:
        if math.isinf(step):
            return []
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            break
        step = _step(step * 1.5, integers)
    values = [k * step for k in range(first, last + 1) if scale == "linear" or k > 0]
    labels = _linear_labels(values, step)
    places = [math.log10(v) if scale == "log" else v for v in values]
    return [Tick(p, label) for p, label in zip(places, labels, strict=True) if span.low <= p <= span.high]


def _step(least: float, integers: bool) -> float:
    """Return the smallest of 1, 2, 5 × 10^n that is not below `least`; infinite where float64 has none."""
    least = max(least, 1.0) if integers else max(least, 1e-307)
    if least > 1e307:
        return math.inf
    power = math.floor(math.log10(least))
    for factor in (1, 2, 5, 10, 20):
        step = float(f"{factor}e{power}")
        if step >= least * (1 - 1e-12):
            return step
    raise AssertionError("a 1-2-5 step lies within every factor of ten")


def _linear_labels(values: list[float], step: float) -> list[str]:
    largest = max((abs(v) for v in values), default=0.0)
    if largest >= 1e6 or step < 1e-5:
        digits = 1 + max(0, math.floor(math.log10(max(largest, step))) - math.floor(math.log10(step)))
        return ["0" if v == 0 else scientific(v, digits) for v in values]
    if largest >= 1e4 and step >= 1e3:
        return ["0" if v == 0 else f"{round(v / 1000)}k" for v in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{v if v else 0.0:.{decimals}f}" for v in values]


def _log_ticks(span: AxisRange, most: int) -> tuple[Tick, ...]:
    """Return decades, thinned to fit; 2 and 5 between them where there is room. None where fewer than two fit."""
    first, last = math.ceil(span.low), math.floor(span.high)
    for factors in ((1, 2, 5), (1, 3)):
        fine = [Tick(*_power(f, n)) for n in range(first - 1, last + 1) for f in factors] if last - first < most else []
        fine = [tick for tick in fine if span.low <= tick.at <= span.high]
        if 2 <= len(fine) <= most:
            return tuple(fine)
    stride = max(1, math.ceil((last - first + 1) / most))
    decades = [n for n in range(first, last + 1) if n % stride == 0]
    return tuple(Tick(*_power(1, n)) for n in decades) if len(decades) >= 2 or most == 1 else ()


def _power(factor: int, exponent: int) -> tuple[float, str]:
    """Return a tick at factor × 10^exponent: plain between 0.001 and 9999, then 10k, 100k, then 1e6."""
    at = math.log10(factor) + exponent
    if exponent in (4, 5):
        return at, f"{factor * 10 ** (exponent - 3)}k"
    if 0 <= exponent <= 3:
        return at, str(factor * 10**exponent)
    if -3 <= exponent < 0:
        return at, f"{factor / 10**-exponent:.{-exponent}f}"
    return at, f"{factor}e{exponent}"


def _distinct(candidates: list[Tick]) -> tuple[Tick, ...]:
    """Leave out neighbours that the digits cannot tell apart: a wrong label is worse than none."""
    labels = [tick.label for tick in candidates]
    return tuple(candidates) if len(set(labels)) == len(labels) else tuple(candidates[:1])
