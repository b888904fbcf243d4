"""The gate of one report: checks and baseline are read before any work, and answered after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorders.errors import UsageError
from sedscope.analysis.interventions import InterventionComparison
from sedscope.analysis.settings import Settings
from sedscope.report.facts import Reported
from sedscope.report.formats.report_json import render_json
from sedscope.report.gate.baseline import GateAnswer, Json, compare_reports, parse_change, read_report
from sedscope.report.gate.evaluate import apply_checks
from sedscope.report.gate.grammar import Check, parse_check
from sedscope.report.gate.verdict import Verdict

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
