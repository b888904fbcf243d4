"""Reasons why a cell holds no number, numbered once per run and explained below its tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.text import Text

FLAT = "~"
NONE = "—"


@dataclass
class Footnotes:
    """Reasons, each numbered once, in the order in which the reader meets them."""

    numbers: dict[str, int] = field(default_factory=dict)
    flat: bool = False

    def mark(self, reason: str) -> Text:
        """What stands in the place of the number."""
        number = self.numbers.setdefault(reason, len(self.numbers) + 1)
        return Text.assemble(NONE, (f" [{number}]", "dim"))

    def lines(self) -> Iterable[tuple[str, str]]:
        """Mark and explanation of each note, for below the table."""
        if self.flat:
            yield FLAT, "flat spectrum: which directions are the top K is arbitrary there"
        for reason, number in self.numbers.items():
            yield f"[{number}]", f"undefined: {reason}"
