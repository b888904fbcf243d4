"""Grok steps and speed-ups of compared runs, grouped by intervention.

Decides how runs are paired (same seed, against the control) and what a group says: how many runs and seeds, how many
grokked, their mean grok step, and the geometric mean of the speed-ups with a 95 % interval. A run that never grokked is
counted in its group and has no speed-up; nothing is dropped in silence. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedscope.analysis.undefined import Undefined
from sedscope.tui.compared import CONTROL, ComparedRun

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over pairs or runs."""

    value: float
    low: float | Undefined
    """Lower end of the 95 % interval, or why there is none."""
    high: float | Undefined
    n: int


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of one intervention, for one task."""

    intervention: str
    runs: tuple[ComparedRun, ...]
    seeds: int
    """Different seeds of the runs that have the task; runs without one count as one."""
    asked: int
    """Runs that have the task; the others are shown and not counted."""
    grokked: int
    grok: Estimate | Undefined
    """Arithmetic mean of the grok steps of those that grokked."""
    speedup: Estimate | Undefined
    """Geometric mean of grok step of the control over that of the run, same seed."""


def groups(runs: Sequence[ComparedRun], task: str) -> tuple[Group, ...]:
    """The control first, then every intervention in the order of the runs."""
    names = dict.fromkeys(run.intervention for run in runs)
    ordered = sorted(names, key=lambda name: name != CONTROL)
    return tuple(_group(name, [run for run in runs if run.intervention == name], runs, task) for name in ordered)


def speedup(run: ComparedRun, runs: Sequence[ComparedRun], task: str) -> float | Undefined:
    """Grok step of the control of the same seed over that of the run."""
    if run.intervention == CONTROL:
        return Undefined("it is a control")
    mine = run.grok(task)
    if isinstance(mine, Undefined):
        return mine
    controls = [one for one in runs if one.intervention == CONTROL and one.seed == run.seed]
    if not controls:
        return Undefined(f"no control with seed {run.seed or 'unknown'} is marked")
    theirs = [step for one in controls if not isinstance(step := one.grok(task), Undefined)]
    if not theirs:
        return Undefined("the control of this seed never grokked")
    if mine == 0:
        return Undefined("it grokked at step 0")
    return float(np.mean(theirs)) / mine


def _group(name: str, mine: Sequence[ComparedRun], runs: Sequence[ComparedRun], task: str) -> Group:
    having = [run for run in mine if task in run.tasks]
    steps = [step for run in mine if not isinstance(step := run.grok(task), Undefined)]
    found = [speedup(run, runs, task) for run in mine]
    ratios = [one for one in found if not isinstance(one, Undefined)]
    absent = next((one for one in found if isinstance(one, Undefined)), Undefined("there is no run"))
    grok = estimate(steps, geometric=False) if steps else mine[0].grok(task)
    assert not isinstance(grok, int)
    seeds = len({run.seed for run in having})
    gain = estimate(ratios, geometric=True) if ratios else absent
    return Group(name, tuple(mine), seeds, len(having), len(steps), grok, gain)


def estimate(values: Sequence[float], *, geometric: bool) -> Estimate:
    """Mean and its percentile interval over resampled values; one value alone has none.

    Args:
        values: At least one.
        geometric: Mean of logarithms, for ratios.
    """
    found = np.log(values) if geometric else np.asarray(values, dtype=np.float64)

    def back(value: float) -> float:
        return float(np.exp(value)) if geometric else float(value)

    if len(values) < 2:
        absent = Undefined("one run has no interval")
        return Estimate(back(found.mean()), absent, absent, len(values))
    picks = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = np.percentile(found[picks].mean(axis=1), (2.5, 97.5))
    return Estimate(back(found.mean()), back(low), back(high), len(values))
