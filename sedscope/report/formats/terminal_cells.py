"""Values of the result as text on the terminal, and the notes below that say why a cell holds no number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from sedscope.analysis.result_view.footnotes import FLAT, FLAT_MEANING, NOTHING, Footnotes
from sedscope.analysis.result_view.result_column import Value
from sedscope.analysis.undefined import Undefined


@dataclass
class TerminalNotes(Footnotes):
    """The notes of one run on the terminal."""

    def mark(self, reason: str) -> Text:
        """Return what stands in the place of a number that does not exist."""
        return Text.assemble(NOTHING, (f" [{self.number(reason)}]", "dim"))

    def cell(self, value: Value, *, empty: str = NOTHING, style: str = "") -> Text:
        """Return `92.1 80–101 ~`: the value, its interval, and the sign of a flat spectrum.

        Args:
            value: As a column read it.
            empty: Stands where there is nothing to show.
            style: The value's, in rich's words.
        """
        if value is None:
            return Text(empty)
        if isinstance(value, Undefined):
            return self.mark(value.reason)
        self.has_flat |= value.is_flat
        ends = f" {value.ends_text}" if value.ends_text else ""
        return Text.assemble((value.text, style), (ends, "dim"), f" {FLAT}" if value.is_flat else "")

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield sign and explanation of each note."""
        if self.has_flat:
            yield FLAT, FLAT_MEANING
        for reason, number in self.numbers.items():
            yield f"[{number}]", f"undefined: {reason}"


def frame() -> Table:
    """Return an empty table without lines."""
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=True)
