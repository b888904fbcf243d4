"""Reasons why something about a task cannot be known, each with the line of code that would provide it."""

from __future__ import annotations

from recorders.errors import DamagedError
from sedscope.analysis.undefined import Undefined
from sedscope.runs import Run


def why_no_program(run: Run, task: str) -> Undefined | None:
    """Return why the model cannot be run again for this task; None where it can.

    Raises:
        DamagedError: Its probe is damaged, and the run is not yet known to be.
    """
    try:
        probe = run.probe(task)
    except DamagedError as error:
        if run.damage:
            return Undefined(str(error))
        raise
    if probe is None:
        call = f'sedscope.probe(model, task="{task}", inputs=(x,), targets=y)'
        return Undefined(f"task {task} has no probe: add {call} to the script")
    if probe.program is None:
        return Undefined(f"task {task} has no feature program: {probe.why_no_program or 'the recorder gave no reason'}")
    return None


def why_no_weights(run: Run) -> Undefined | None:
    """Return why no checkpoint can be looked at; None where one can."""
    if len(run.weight_steps()) == 0:
        return Undefined("no weights were kept: record with --weights-every 1")
    return None
