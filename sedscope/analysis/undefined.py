"""The named state of a quantity that does not exist: it carries a reason, and is neither NaN nor 0 nor a missing entry.

The code that computes a quantity decides when it is undefined; the faces decide how that is shown.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Undefined:
    """The state of a quantity that does not exist, in its value's place; check with `isinstance(value, Undefined)`."""

    reason: str
    """One readable clause, in lower case, with the numbers that decide: "rows at t = 75 hold NaN or Inf"."""

    def __bool__(self) -> bool:
        """Refuse a truth value, so that `if result:` cannot pass for a check."""
        raise TypeError(f"undefined ({self.reason}): compare with isinstance(value, Undefined)")
