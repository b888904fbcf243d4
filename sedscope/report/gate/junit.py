"""Verdicts as JUnit XML, which CI systems show beside a test run.

Decides: one suite per run, one case per check; a run that could not be analysed is an error. No time and no host is
written, so that the same verdicts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sedscope.report.failure import Failure
from sedscope.report.gate.verdict import Verdict


def render_junit(verdicts: Sequence[Verdict], failures: Sequence[Failure]) -> str:
    """Return the file as text, ending in a newline."""
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
