"""Checks applied to runs: both sides computed with their intervals, and compared by their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.undefined import Undefined
from sedscope.report.estimate import Estimate
from sedscope.report.facts import Reported
from sedscope.report.gate.grammar import LONGEST, Binary, Check, End, Expression, Lookup, lookups
from sedscope.report.gate.interventions import look_up_group
from sedscope.report.gate.lookup import look_up
from sedscope.report.gate.verdict import Verdict
from sedscope.report.gate.vocabulary import QUANTITIES
from sedscope.runs import printable


def apply_checks(
    checks: Sequence[Check], reported: Sequence[Reported], comparison: InterventionComparison | None = None
) -> tuple[Verdict, ...]:
    """Apply every check to every run; a check that names its runs, or speaks of interventions alone, once.

    Args:
        checks: What must hold.
        reported: The runs.
        comparison: Of all of them; None where none has an intervention.
    """
    return tuple(verdict for check in checks for verdict in _applied(check, reported, comparison))


def _applied(
    check: Check, reported: Sequence[Reported], comparison: InterventionComparison | None
) -> Iterable[Verdict]:
    all_lookups = [*lookups(check.left), *lookups(check.right)]
    of_runs = [lookup for lookup in all_lookups if QUANTITIES[lookup.quantity].of_run]
    if not all_lookups or any(lookup.get("run") is None for lookup in of_runs):
        for run in reported:
            yield _verdict(check, run.analysis.name, run, reported, comparison)
        return
    names = dict.fromkeys(str(lookup.get("run")) for lookup in of_runs) or ("interventions",)
    yield _verdict(check, printable(", ".join(names)), Undefined("no run is meant"), reported, comparison)


def _verdict(
    check: Check,
    name: str,
    subject: Reported | Undefined,
    reported: Sequence[Reported],
    comparison: InterventionComparison | None,
) -> Verdict:
    def value(lookup: Lookup) -> Estimate | Undefined:
        if not QUANTITIES[lookup.quantity].of_run:
            return look_up_group(comparison, lookup)
        run = subject if lookup.get("run") is None else _named(lookup, reported)
        return run if isinstance(run, Undefined) else look_up(run, lookup)

    text = printable(check.text, LONGEST)
    left, right = _evaluated(check.left, value), _evaluated(check.right, value)
    if isinstance(left, Undefined) or isinstance(right, Undefined):
        return Verdict(name, text, left, right, passed=False)
    return Verdict(name, text, left, right, check.relation(left.value, right.value))


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
    return Undefined(f"run: {name!r} is not in this report; known: {_names(reported)}")


def _names(reported: Sequence[Reported]) -> str:
    return ", ".join(run.analysis.name for run in reported) or "none"


def _evaluated(expression: Expression, value: Callable[[Lookup], Estimate | Undefined]) -> Estimate | Undefined:
    match expression:
        case Estimate():
            return expression
        case Lookup():
            return value(expression)
        case End(which, of):
            return _end(_evaluated(of, value), which)
        case Binary(operation, left, right):
            ours, theirs = _evaluated(left, value), _evaluated(right, value)
            if isinstance(ours, Undefined):
                return ours
            return theirs if isinstance(theirs, Undefined) else operation(ours, theirs)


def _end(value: Estimate | Undefined, which: str) -> Estimate | Undefined:
    if isinstance(value, Undefined):
        return value
    if value.ends is None:
        return Undefined(f"{which}() needs an interval, and none is known")
    return Estimate.exact(value.ends[0 if which == "low" else 1])
