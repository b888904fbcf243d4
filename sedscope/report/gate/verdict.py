"""The outcome of a check: passed or failed, with both sides and their intervals.

Decides how a verdict reads on the terminal and in the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sedscope.analysis.undefined import Undefined
from sedscope.report.document import ColumnHead, Section, Strong, Table, TableCell, Words
from sedscope.report.document import Paragraph as Line
from sedscope.report.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of one run."""

    run: str
    check: str
    """The check as it was written, printable; or the number that was compared with the baseline."""
    left: Estimate | Undefined
    right: Estimate | Undefined
    passed: bool
    """True where both sides exist and the relation holds."""

    @property
    def is_close(self) -> bool:
        """True where the sides' intervals overlap, so that the verdict could have been another one."""
        if not (isinstance(self.left, Estimate) and isinstance(self.right, Estimate)):
            return False
        ours, theirs = self.left.ends, self.right.ends
        if ours is None or theirs is None or (self.left.is_exact and self.right.is_exact):
            return False
        return ours[0] <= theirs[1] and theirs[0] <= ours[1]

    @property
    def sides(self) -> str:
        """`left 72.1 (65–80), right 106 (96–118)`; why a side is undefined."""
        sides = [f"{name} {_side(value)}" for name, value in (("left", self.left), ("right", self.right))]
        return ", ".join(sides) + ("; the intervals overlap" if self.is_close else "")

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'}  {self.run}  {self.check}\n        {self.sides}"


def _side(value: Estimate | Undefined) -> str:
    return f"undefined: {value.reason}" if isinstance(value, Undefined) else str(value)


def verdicts_section(verdicts: Sequence[Verdict], notes: Sequence[str] = ()) -> Section:
    """Return the checks as a section of the report."""
    failed = sum(not verdict.passed for verdict in verdicts)
    total = f"{len(verdicts)} check{'' if len(verdicts) == 1 else 's'}"
    summary: Words = (Strong(f"{failed} of {total} failed"),) if failed else (f"{total} passed.",)
    columns = (
        ColumnHead("run", "left"),
        ColumnHead("check", "left"),
        ColumnHead("left"),
        ColumnHead("right"),
        ColumnHead("verdict", "left"),
    )
    rows = tuple(
        (
            TableCell(verdict.run, is_name=True),
            TableCell(verdict.check, is_name=True),
            TableCell(_side(verdict.left)),
            TableCell(_side(verdict.right)),
            TableCell("passed" if verdict.passed else "FAILED", detail="intervals overlap" if verdict.is_close else ""),
        )
        for verdict in verdicts
    )
    remarks = tuple(Line((note,), "aside") for note in notes)
    return Section("Checks", "checks", (Line(summary), Table("verdicts", columns, rows), *remarks))
