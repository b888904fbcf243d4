"""Means of neighbouring samples, for columns of dots and for cells of a heatmap alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sedscope.tui.plot.axis.scale import Floats

_LARGEST = np.finfo(np.float64).max


def means(values: Floats, starts: NDArray[np.int64] | NDArray[np.intp], axis: int = 0) -> Floats:
    """Return the means of the finite values of each group along an axis, NaN where a group has none.

    Args:
        values: Any shape.
        starts: [G] first index of each group, ascending from 0.
        axis: The axis that becomes G long.
    """
    finite = np.isfinite(values)
    counts = np.add.reduceat(finite.astype(np.float64), starts, axis=axis)
    sizes = np.diff(np.append(starts, values.shape[axis]))
    shares = np.repeat(np.maximum(counts, 1), sizes, axis=axis)
    with np.errstate(over="ignore"):  # divided first, and held: even so the last bits can carry a sum over the edge
        sums = np.add.reduceat(np.where(finite, values, 0.0) / shares, starts, axis=axis)
    return np.where(counts > 0, np.clip(sums, -_LARGEST, _LARGEST), np.nan)
