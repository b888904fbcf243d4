"""The outcome of a check: passed or failed, with both sides and their intervals.

Decides how a verdict reads on the terminal, in the report, and as JUnit XML, which CI systems show beside a test run:
one suite per run, one case per check; a run that could not be analysed is an error. No time and no host is written, so
that the same verdicts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sedscope.analysis.undefined import Undefined
from sedscope.report.document import ColumnHead, Section, Strong, Table, TableCell, Words
from sedscope.report.document import Paragraph as Line
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Failure


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
    remarks: tuple[str, ...] = ()
    """The verdicts, in the words of every face, on the gradient sources that the check names."""

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
        lines = (f"{'passed' if self.passed else 'FAILED'}  {self.run}  {self.check}", self.sides)
        return "\n        ".join((*lines, *(() if self.passed else self.remarks)))


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
    failing = [remark for verdict in verdicts if not verdict.passed for remark in verdict.remarks]
    remarks = tuple(Line((note,), "aside") for note in dict.fromkeys((*failing, *notes)))
    return Section("Checks", "checks", (Line(summary), Table("verdicts", columns, rows), *remarks))


def render_junit(verdicts: Sequence[Verdict], failures: Sequence[Failure]) -> str:
    """Return the file of JUnit XML as text, ending in a newline."""
    root = Element("testsuites", name="sedscope report")
    for run in dict.fromkeys(verdict.run for verdict in verdicts):
        _suite(root, run, [verdict for verdict in verdicts if verdict.run == run])
    for failure in failures:
        suite = SubElement(root, "testsuite", _counts(failure.path, 1, errors=1))
        case = SubElement(suite, "testcase", name="analysed", classname=failure.path, time="0")
        SubElement(case, "error", message=failure.reason, type=f"status {failure.status}")
    failed = sum(not verdict.passed for verdict in verdicts)
    totals = _counts("", len(verdicts) + len(failures), failures=failed, errors=len(failures))
    root.attrib.update({name: value for name, value in totals.items() if name in ("tests", "failures", "errors")})
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, run: str, verdicts: Sequence[Verdict]) -> None:
    failed = sum(not verdict.passed for verdict in verdicts)
    suite = SubElement(root, "testsuite", _counts(run, len(verdicts), failures=failed))
    for verdict in verdicts:
        case = SubElement(suite, "testcase", name=verdict.check, classname=run, time="0")
        if not verdict.passed:
            SubElement(case, "failure", message=verdict.sides, type="check").text = str(verdict)
        else:
            SubElement(case, "system-out").text = verdict.sides


def _counts(name: str, tests: int, *, failures: int = 0, errors: int = 0) -> dict[str, str]:
    numbers = {"tests": tests, "failures": failures, "errors": errors, "skipped": 0}
    return {"name": name, "time": "0"} | {key: str(value) for key, value in numbers.items()}
