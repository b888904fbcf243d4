"""Pictures of several runs: their accuracy and R̄ over steps, or over steps from their grok step. Knows no widgets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedscope.analysis.constants import GROK_ACCURACIES
from sedscope.analysis.result_view.columns import RBAR
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.data import Axis, Chart, Moment, Rule, Series
from sedscope.tui.tabs.reference_lines import RANDOM, coupling_curve
from sedscope.tui.worker.compared_run import ComparedRun


def accuracy_chart(runs: Sequence[ComparedRun], task: str, aligned: bool) -> Chart:
    """Return a chart of the test accuracy of every run that has the task."""
    curves = [_accuracy(run, index, task, aligned) for index, run in enumerate(runs)]
    title = f"Test accuracy of {task}"
    outcomes = [outcome for run in runs if run.outcome is not None and (outcome := run.outcome.on(task)) is not None]
    accuracies = dict.fromkeys(outcome.grokking.accuracy_at(GROK_ACCURACIES[0]) for outcome in outcomes)
    grok = tuple(Rule(accuracy, "grok") for accuracy in accuracies)
    return Chart(tuple(curves), _axis(aligned), Axis(low=0.0, high=1.0), title, grok, _zero(aligned))


def coupling_chart(runs: Sequence[ComparedRun], source: str, task: str, aligned: bool) -> Chart:
    """Return a chart of one source's R̄ in every run; runs without it are curves without a point, with their reason."""
    curves = [_coupling(run, index, source, task, aligned) for index, run in enumerate(runs)]
    return Chart(
        tuple(curves), _axis(aligned), Axis(scale="log"), f"R̄ of {source} against {task}", (RANDOM,), _zero(aligned)
    )


def label(run: ComparedRun) -> str:
    """Return a name that tells the run from others: its own, and what was done to it where that is no part of it."""
    mode = "" if run.outcome is None else run.outcome.treatment.mode
    return run.name if mode in run.name else f"{run.name} · {run.intervention}"


def _accuracy(run: ComparedRun, colour: int, task: str, aligned: bool) -> Series:
    shift = _shift(run, task, aligned)
    accuracy = run.accuracy(task)
    if isinstance(shift, Undefined) or accuracy is None:
        return _nothing(run, colour)
    t, value = accuracy
    return Series(label(run), t.astype(np.float64) - shift, value, colour=colour)


def _coupling(run: ComparedRun, colour: int, source: str, task: str, aligned: bool) -> Series:
    shift, series = _shift(run, task, aligned), run.series(source, task)
    if isinstance(shift, Undefined) or isinstance(series, Undefined):
        return _nothing(run, colour)
    return coupling_curve(series, RBAR, label(run), colour, shift)


def _nothing(run: ComparedRun, colour: int) -> Series:
    return Series(label(run), np.empty(0), np.empty(0), colour=colour)


def _shift(run: ComparedRun, task: str, aligned: bool) -> float | Undefined:
    """Return what is subtracted from the steps of a run."""
    grok = run.grok(task)
    return 0.0 if not aligned else grok if isinstance(grok, Undefined) else float(grok)


def _axis(aligned: bool) -> Axis:
    return Axis("t − grok step" if aligned else "t")


def _zero(aligned: bool) -> tuple[Moment, ...]:
    return (Moment(0.0, "grok"),) if aligned else ()
