"""The gate of one report: checks and baseline are read before any work, and answered after it.

Decides to which runs a check is applied, and that its sides are compared by their values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from recorders.errors import UsageError
from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.settings import Settings
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Reported
from sedscope.report.formats.report_json import render_json
from sedscope.report.gate.baseline import GateAnswer, Json, compare_reports, parse_change, read_report
from sedscope.report.gate.grammar import (
    LONGEST,
    QUANTITIES,
    Binary,
    Check,
    End,
    Expression,
    Lookup,
    lookups,
    parse_check,
)
from sedscope.report.gate.lookup import look_up, look_up_group, remarks
from sedscope.report.gate.verdict import Verdict
from sedscope.runs import printable

DEFAULT_CHANGE = "10%"


@dataclass(frozen=True, slots=True)
class Gate:
    """The checks and the baseline that a report must pass."""

    checks: tuple[Check, ...] = ()
    baseline: Json | None = None
    """An earlier report."""
    max_change: float = 0.1
    junit: Path | None = None
    """File of the verdicts as JUnit XML; None for none."""
    flags: tuple[str, ...] = ()
    """The same checks as flags of the command line."""

    @classmethod
    def of(cls, checks: Sequence[str], baseline: Path | None, max_change: str | None, junit: Path | None) -> Gate:
        """Return the gate that the flags of the command ask for.

        Raises:
            UsageError: A check does not follow the grammar, or a flag lacks the one that it belongs to.
            InputOutputError, RefusedError: The baseline cannot be read.
        """
        if max_change is not None and baseline is None:
            raise UsageError("--max-change: --baseline is required with it, found none")
        parsed = tuple(parse_check(text) for text in checks)
        change = parse_change(max_change or DEFAULT_CHANGE)
        flags = [word for text in checks for word in ("--check", text)]
        flags += [] if baseline is None else ["--baseline", str(baseline), "--max-change", max_change or DEFAULT_CHANGE]
        old = None if baseline is None else read_report(baseline)
        return cls(parsed, old, change, junit, tuple(flags))

    @property
    def is_open(self) -> bool:
        """True where nothing has to hold."""
        return not self.checks and self.baseline is None

    def answer(
        self, reported: Sequence[Reported], settings: Settings, comparison: InterventionComparison | None = None
    ) -> GateAnswer:
        """Return every verdict, checks first."""
        verdicts: tuple[Verdict, ...] = apply_checks(self.checks, reported, comparison)
        if self.baseline is None:
            return GateAnswer(verdicts, ())
        new = json.loads(render_json([run.analysis for run in reported], (), settings))
        compared = compare_reports(self.baseline, new, self.max_change)
        return GateAnswer(verdicts + compared.verdicts, compared.notes)


def apply_checks(
    checks: Sequence[Check], reported: Sequence[Reported], comparison: InterventionComparison | None = None
) -> tuple[Verdict, ...]:
    """Apply every check to every run; a check that names its runs, or speaks of interventions alone, once.

    Args:
        checks: What must hold.
        reported: The runs.
        comparison: Of all of them; None where none has an intervention.
    """
    verdicts: list[Verdict] = []
    for check in checks:
        all_lookups = [*lookups(check.left), *lookups(check.right)]
        of_runs = [lookup for lookup in all_lookups if QUANTITIES[lookup.quantity].of_run]
        subjects: list[tuple[str, Reported | None]] = [(run.analysis.name, run) for run in reported]
        if all_lookups and all(lookup.get("run") is not None for lookup in of_runs):
            names = dict.fromkeys(str(lookup.get("run")) for lookup in of_runs) or ("interventions",)
            subjects = [(printable(", ".join(names)), None)]
        for name, subject in subjects:
            verdict = _verdict(check, name, partial(_value, reported, comparison, subject))
            runs = [(lookup, _run_of(reported, subject, lookup)) for lookup in of_runs]
            words = [
                words for lookup, run in runs if isinstance(run, Reported) for words in remarks(run.analysis, lookup)
            ]
            verdicts.append(replace(verdict, remarks=tuple(dict.fromkeys(words))))
    return tuple(verdicts)


def _verdict(check: Check, name: str, value: Callable[[Lookup], Estimate | Undefined]) -> Verdict:
    text = printable(check.text, LONGEST)
    left, right = _evaluated(check.left, value), _evaluated(check.right, value)
    if isinstance(left, Undefined) or isinstance(right, Undefined):
        return Verdict(name, text, left, right, passed=False)
    return Verdict(name, text, left, right, check.relation(left.value, right.value))


def _value(
    reported: Sequence[Reported], comparison: InterventionComparison | None, subject: Reported | None, lookup: Lookup
) -> Estimate | Undefined:
    if not QUANTITIES[lookup.quantity].of_run:
        return look_up_group(comparison, lookup)
    run = _run_of(reported, subject, lookup)
    return run if isinstance(run, Undefined) else look_up(run, lookup)


def _run_of(reported: Sequence[Reported], subject: Reported | None, lookup: Lookup) -> Reported | Undefined:
    return _named(lookup, reported) if subject is None or lookup.get("run") is not None else subject


def _named(lookup: Lookup, reported: Sequence[Reported]) -> Reported | Undefined:
    """Return the run with this path, or the only one with this name."""
    name = lookup.get("run")
    matching = [run for run in reported if run.analysis.path == name]
    matching = matching or [run for run in reported if run.analysis.name == name]
    if len(matching) == 1:
        return matching[0]
    if matching:
        paths = ", ".join(run.analysis.path for run in matching)
        return Undefined(f"run: {len(matching)} runs are called {name!r}; one of {paths} is required")
    known = ", ".join(run.analysis.name for run in reported) or "none"
    return Undefined(f"run: {name!r} is not in this report; known: {known}")


def _evaluated(expression: Expression, value: Callable[[Lookup], Estimate | Undefined]) -> Estimate | Undefined:
    match expression:
        case Estimate():
            return expression
        case Lookup():
            return value(expression)
        case End(which, of):
            interval = _evaluated(of, value)
            if isinstance(interval, Estimate) and interval.ends is not None:
                return Estimate.exact(interval.ends[0 if which == "low" else 1])
            missing = Undefined(f"{which}() needs an interval, and none is known")
            return interval if isinstance(interval, Undefined) else missing
        case Binary(operation, left, right):
            ours, theirs = _evaluated(left, value), _evaluated(right, value)
            if isinstance(ours, Undefined):
                return ours
            return theirs if isinstance(theirs, Undefined) else operation(ours, theirs)
