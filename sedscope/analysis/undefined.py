"""The named state of a quantity that does not exist: it carries a reason, and is neither NaN nor 0 nor a missing entry.

What counts as undefined is decided where the quantity is computed; how it is shown is decided by the faces.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Undefined:
    """Stands in the place of a result. Check with `isinstance(value, Undefined)`."""

    reason: str
    """One readable clause, in lower case, with the numbers that decide: "rows at t = 75 hold NaN or Inf"."""

    def __bool__(self) -> bool:
        """Refused, so that `if result:` cannot pass for a check."""
        raise TypeError(f"undefined ({self.reason}): compare with isinstance(value, Undefined)")
