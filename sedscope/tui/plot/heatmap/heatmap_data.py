"""Data of a heatmap: a matrix with names, and the range that its colours cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from sedscope.tui.plot.axis.scale import AxisRange, Floats, Scale, forward
from sedscope.tui.plot.figures import position_text

LEVELS = 16
UNDEFINED = -1
"""The level of a cell whose value the scale cannot show."""


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A matrix of R rows and C columns.

    Raises:
        UsageError: values is not a matrix, or labels or x are not as many as its rows or columns.
    """

    values: Floats
    """[R, C]; what is not finite is drawn as undefined."""
    rows: tuple[str, ...] = ()
    """[R] names, or empty."""
    columns: tuple[str, ...] = ()
    """[C] names, or empty: then x names them."""
    x: Floats | None = None
    """[C] ascending places of the columns (steps, say), for a cursor shared with plots."""
    title: str = ""
    row_title: str = ""
    column_title: str = ""
    scale: Scale = "linear"
    low: float | None = None
    """Value of the lowest colour, None for the 2nd percentile."""
    high: float | None = None
    """Value of the highest colour, None for the 98th percentile."""

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 2:
            raise UsageError(f"Heatmap.values: must have two dimensions, has {values.ndim}")
        object.__setattr__(self, "values", values)
        if self.x is not None:
            object.__setattr__(self, "x", np.asarray(self.x, dtype=np.float64))
        for name, count in (("rows", values.shape[0]), ("columns", values.shape[1]), ("x", values.shape[1])):
            given = getattr(self, name)
            if given is not None and len(given) not in ((0, count) if name != "x" else (count,)):
                raise UsageError(f"Heatmap.{name}: must be {count} long, is {len(given)}")

    def row_name(self, row: int) -> str:
        """Name of a row, its number where it has none."""
        return self.rows[row] if self.rows else str(row)

    def column_name(self, column: int) -> str:
        """Name of a column: its label, else its x, else its number."""
        if self.columns:
            return self.columns[column]
        return str(column) if self.x is None else position_text(float(self.x[column]))

    @cached_property
    def placed(self) -> Floats:
        """[R, C] values in units of the scale, NaN where it cannot show them."""
        return forward(self.values, self.scale)

    @cached_property
    def ends(self) -> tuple[float, float] | None:
        """Lowest and highest colour in units of the scale; None where nothing can be shown."""
        finite = self.placed[np.isfinite(self.placed)]
        if not finite.size:
            return None
        # Percentiles, since one outlier would leave all other cells one colour.
        # Halved, since the difference of two percentiles can overflow
        low, high = (float(2 * np.percentile(finite / 2, p)) for p in (2, 98))
        wished = [forward(end, self.scale) for end in (self.low, self.high) if end is not None]
        if self.low is not None and np.isfinite(wished[0]):
            low = float(wished[0])
        if self.high is not None and np.isfinite(wished[-1]):
            high = float(wished[-1])
        return (low, high) if low <= high else (high, low)


def levels(placed: Floats, ends: tuple[float, float] | None) -> NDArray[np.int8]:
    """Return colour levels 0 … 15 of values in units of the scale; one value alone stands in the middle."""
    result = np.full(placed.shape, UNDEFINED, dtype=np.int8)
    finite = np.isfinite(placed)
    if ends is None or not finite.any():
        return result
    low, high = ends
    share = AxisRange(low, high).fractions(placed[finite]) if high / 2 > low / 2 else np.full(int(finite.sum()), 0.5)
    result[finite] = np.clip(share * LEVELS, 0, LEVELS - 1).astype(np.int8)
    return result
