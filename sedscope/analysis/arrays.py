"""Names of the array types that the mathematics passes around."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
"""float64: everything that is reported, whatever the rows' dtype."""
Ints: TypeAlias = npt.NDArray[np.int64]
"""int64: steps and indices."""
Rows: TypeAlias = npt.NDArray[Any]
"""float32 or float64, as a run stores them."""
