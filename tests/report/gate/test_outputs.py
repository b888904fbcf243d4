"""What a gate writes and reads: JUnit, an earlier report, a step summary."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_samples import HOSTILE

from recorders.errors import InputOutputError, RefusedError, UsageError
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.document import Document, Paragraph, Section
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Failure
from sedscope.report.formats.report_json import render_json
from sedscope.report.formats.step_summary import LIMIT, append_summary, shortened, summary_wanted
from sedscope.report.gate.baseline import GateAnswer, compare_reports, parse_change, read_report
from sedscope.report.gate.gate import Gate
from sedscope.report.gate.verdict import Verdict, render_junit

PASSED = Verdict("a", "1 < 2", Estimate.exact(1.0), Estimate.exact(2.0), passed=True)
FAILED = Verdict(HOSTILE, HOSTILE, Undefined(HOSTILE), Estimate.exact(2.0), passed=False)


def test_junit_counts_what_it_holds() -> None:
    text = render_junit([PASSED, FAILED], [Failure("runs/bad", "not a run", 3)])
    root = ElementTree.fromstring(text)
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        "testsuites",
        "3",
        "1",
        "1",
    )
    for suite in root:
        assert suite.tag == "testsuite"
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
        for case in cases:
            assert {"name", "classname", "time"} == set(case.attrib)
            assert {child.tag for child in case} <= {"failure", "error", "system-out"}
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["1 < 2", HOSTILE, "analysed"]
    assert root[1].attrib["name"] == HOSTILE
    assert f"undefined: {HOSTILE}" in root[1][0][0].attrib["message"]
    assert render_junit([PASSED], []) == render_junit([PASSED], [])


def as_json(*runs: RunAnalysis) -> Any:
    return json.loads(render_json(list(runs), (), runs[0].settings))


def compared(old: RunAnalysis, new: RunAnalysis, allowed: float = 0.1) -> GateAnswer:
    return compare_reports(as_json(old), as_json(new), allowed)


def scaled(run: RunAnalysis, factor: float) -> RunAnalysis:
    series = run.coupling[0]
    final = replace(series.final, value=series.final.value * factor)  # type: ignore[union-attr, type-var]
    return replace(run, coupling=(replace(series, final=final), *run.coupling[1:]))


def test_the_same_report_passes(evidence: RunAnalysis) -> None:
    found = compared(evidence, evidence, 0.0)
    assert all(one.passed for one in found.verdicts)
    assert len(found.verdicts) == 2 * 5 + 1 + 2
    assert found.notes == ()


@pytest.mark.parametrize(("factor", "passed"), [(1.09, True), (0.91, True), (1.11, False), (0.89, False)])
def test_a_change_beyond_what_is_allowed_fails(evidence: RunAnalysis, factor: float, passed: bool) -> None:
    found = compared(evidence, scaled(evidence, factor))
    failed = [one for one in found.verdicts if not one.passed]
    assert (failed == []) == passed
    for one in failed:
        assert one.check.startswith(
            'final(rbar, source="fixed_gradient/add", task="add", window=20, rank=3) within 10 %'
        )
        assert one.sides.startswith("left ") and "right 72.0 (65–79)" in one.sides


def test_what_is_gone_fails_and_what_is_new_is_noted(evidence: RunAnalysis) -> None:
    fewer = replace(evidence, coupling=evidence.coupling[1:])
    found = compared(evidence, fewer)
    assert [one.sides.split(",")[0] for one in found.verdicts if not one.passed] == [
        "left undefined: it is not in this report"
    ] * 2
    found = compared(fewer, evidence)
    assert all(one.passed for one in found.verdicts)
    assert len(found.notes) == 2
    found = compared(evidence, replace(evidence, name="other"))
    assert [one.passed for one in found.verdicts] == [False]
    assert found.notes == ("other: not in the baseline",)


def test_runs_of_one_name_are_told_apart_by_their_order(evidence: RunAnalysis) -> None:
    both = as_json(evidence, scaled(evidence, 3.0))
    found = compare_reports(both, both, 0.0)
    assert all(one.passed for one in found.verdicts)
    assert {one.run for one in found.verdicts} == {"add", "add (2)"}


def test_undefined_in_both_is_no_change_and_in_one_it_is(four_tasks: RunAnalysis) -> None:
    assert all(one.passed for one in compared(four_tasks, four_tasks).verdicts)
    grokked = replace(four_tasks, metrics=(*four_tasks.metrics[:2], replace(four_tasks.metrics[0], task="mul"),
                                           four_tasks.metrics[3]))  # fmt: skip
    (failed,) = [one for one in compared(four_tasks, grokked).verdicts if not one.passed]
    assert failed.check.startswith('grok_step(task="mul")')
    assert "right undefined: test accuracy of mul never reached" in failed.sides


def test_other_settings_are_not_compared(evidence: RunAnalysis) -> None:
    other = replace(evidence, settings=Settings(random=5))
    (verdict,) = compared(evidence, other).verdicts
    assert not verdict.passed
    assert "made with other settings: random 20 there, 5 here" in verdict.sides


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, InputOutputError, "No such file or directory"),
        (b"{", RefusedError, "a report.json is required, found no JSON"),
        (b"[" * 100_000, RefusedError, "a report.json is required, found no JSON"),
        (b"\xff\xfe", RefusedError, "a report.json is required, found no JSON"),
        (b"[]", RefusedError, "a report.json is required, found another file"),
        (b'{"format": "sedscope-report", "version": 3}', RefusedError, "version 1 or 2 is required, found 3"),
    ],
)
def test_what_is_no_report_is_refused(
    tmp_path: Path, content: bytes | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / "old.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=re.escape(message)):
        read_report(path)


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"runs": 3},
        {"runs": [None, {"name": 3}]},
        {"runs": [{"name": "add", "coupling": [{"peak": "x", "interval": [1]}, 4], "rank90": {}, "metrics": [{}]}]},
        {"runs": [{"name": "add", "coupling": [{"peak": True, "final": 1e999, "interval": {"final": [None, 1]}}]}]},
    ],
)
def test_a_strange_report_is_answered_without_a_crash(tmp_path: Path, evidence: RunAnalysis, junk: Any) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"format": "sedscope-report", "version": 1} | junk))
    old = read_report(path)
    compare_reports(old, as_json(evidence), 0.1)
    with_settings = old | {"settings": as_json(evidence)["settings"]}
    for one in compare_reports(with_settings, as_json(evidence), 0.1).verdicts:
        assert not one.passed


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.1", 0.1), (" 0 ", 0.0), ("150 %", 1.5)])
def test_a_share(text: str, share: float) -> None:
    assert parse_change(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "x", "-1%", "nan", "inf", "10%%", "10%x"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match="--max-change: a share such as 10% or 0\\.1 is required"):
        parse_change(text)


def test_a_change_needs_a_baseline() -> None:
    with pytest.raises(UsageError, match="--max-change: --baseline is required with it"):
        Gate.of((), None, "10%", None)


DOCUMENT = Document("t", "s", tuple(Section(f"part {n}", f"p{n}", (Paragraph(("x" * 1000,)),)) for n in range(5)))


def test_a_summary_is_appended_where_one_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    append_summary(DOCUMENT, {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text().startswith("before\n# t\n")
    append_summary(DOCUMENT, {})
    assert not summary_wanted({"GITHUB_STEP_SUMMARY": ""})


def test_a_summary_keeps_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("é" * (LIMIT // 2 - 1500))
    append_summary(DOCUMENT, {"GITHUB_STEP_SUMMARY": str(path)})
    assert LIMIT - 2000 < path.stat().st_size <= LIMIT
    text = path.read_text()
    assert "## part 1" in text and "## part 4" not in text
    assert text.endswith("The rest is in report.md: a step summary holds no more.\n")
    append_summary(DOCUMENT, {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.stat().st_size <= LIMIT


@pytest.mark.parametrize("limit", [0, 10, 75, 100, 3000])
def test_never_more_than_the_limit(limit: int) -> None:
    assert len(shortened("é\n## a\n" * 1000, limit).encode()) <= limit


def test_a_summary_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputOutputError, match="cannot be written: Is a directory"):
        append_summary(DOCUMENT, {"GITHUB_STEP_SUMMARY": str(tmp_path)})
