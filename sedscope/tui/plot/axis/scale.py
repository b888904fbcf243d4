"""Linear and log axes: data units to axis units (log10 on a log axis), and axis units to a fraction of the screen.

Every other module computes in axis units, so that zoom, ticks and means are written once for both scales.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scale: TypeAlias = Literal["linear", "log"]
Floats: TypeAlias = NDArray[np.float64]

_FAR = 1e12
"""Spans beyond which a place is held; a line to it leaves the view at the same angle to the eye."""
_NARROWEST = 1e-12
"""Least width of a span, relative to its largest end: below it neighbouring dots would be the same float."""


def forward(values: Any, scale: Scale) -> Floats:
    """Convert data units to axis units; what the axis cannot show (non-finite, on a log axis ≤ 0) becomes NaN."""
    values = np.asarray(values, dtype=np.float64)
    shown = np.isfinite(values) & ((values > 0) if scale == "log" else True)
    clean = np.where(shown, values, 1.0)
    return np.where(shown, np.log10(clean) if scale == "log" else clean, np.nan)


def backward(value: float, scale: Scale) -> float:
    """Convert axis units to data units; a power of ten beyond float64 is held at its largest finite value."""
    if scale == "linear":
        return float(value)
    return float(10.0 ** min(max(value, -323.0), 308.25))


@dataclass(frozen=True)
class AxisRange:
    """A stretch of one axis, in axis units; both ends finite and `low < high`."""

    low: float
    high: float

    def fractions(self, values: Any) -> Floats:
        """Return fractions of the range: 0 at `low`, 1 at `high`, held at ±1e12; NaN stays NaN."""
        half = self.high / 2 - self.low / 2  # since high − low can overflow
        with np.errstate(over="ignore"):
            fractions: Floats = (np.asarray(values, dtype=np.float64) / 2 - self.low / 2) / half
        return np.clip(fractions, -_FAR, _FAR)

    def at(self, fraction: float) -> float:
        """Return the axis value at a fraction of the range."""
        return self.low * (1 - fraction) + self.high * fraction


def usable_range(low: float, high: float, scale: Scale) -> AxisRange:
    """Return a usable range around two finite axis values: ends in order, and far enough apart to tell dots apart."""
    low, high = min(low, high), max(low, high)
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > max(size * _NARROWEST, 1e-300):
        return AxisRange(low, high)
    room = 0.3 if scale == "log" else (size * 0.1 if size > 1e-290 else 1.0)
    limit = np.finfo(np.float64).max
    return AxisRange(max(low - room, -limit), min(high + room, limit))
