"""Reasons why cells hold no number, numbered in the order in which the reader meets them."""

from __future__ import annotations

from dataclasses import dataclass, field

NOTHING = "—"
"""Stands in the place of a number that does not exist."""
FLAT = "~"
"""Stands beside a number of a subspace that is arbitrary."""
FLAT_MEANING = "flat spectrum: which directions are the top K is arbitrary there"


@dataclass
class Footnotes:
    """The reasons below one table or one run, each numbered once."""

    numbers: dict[str, int] = field(default_factory=dict)
    """Number of each reason, from 1."""
    has_flat: bool = False
    """True once a cell carries the sign of a flat spectrum, which then needs an explanation."""

    def number(self, reason: str) -> int:
        """Return the number of a reason, a new one where it was not met before."""
        return self.numbers.setdefault(reason, len(self.numbers) + 1)
