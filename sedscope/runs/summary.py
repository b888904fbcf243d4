"""The lines that `sedscope check` prints about one run, for people.

Decides the words. What is damage and what is a note is decided where it is found.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from recorders.byte_size import size_text
from recorders.format import STATE_CRASHED, STATE_NOT_BEGUN, STATE_RECORDING
from sedscope.runs.run import Run

NOT_BEGUN = "the recording could not begin: no session wrote its first line"


def summary(run: Run, shown: str, verified: int) -> Iterator[str]:
    """Yield the lines about a run that was verified; `verified` is the number of bytes that agreed with their CRC."""
    yield f"{shown}: {_verdict(run)}"
    yield _row("state", _state(run))
    yield _row("sessions", str(len(run.sessions)))
    for source in run.sources():
        if run.is_stored(source):
            yield _row("rows", f"{source}: {_spread(run.steps(source).tolist())}")
    yield _row("weights", _spread(run.weight_steps().tolist()))
    if run.last_t is not None:
        yield _row("last step", f"t = {run.last_t}")
    yield _row("verified", f"{size_text(verified)}, every CRC")
    for note in run.notes:
        yield _row("note", note.message)
    yield f"next: {_next(run, shown)}"


def _verdict(run: Run) -> str:
    if not run.damage:
        return "whole" if run.good else "whole, but no rows were committed yet"
    if run.good is None:
        return "damaged, and nothing before the damage"
    return f"damaged; good from t = {run.good[0]} up to t = {run.good[1]}"


def _state(run: Run) -> str:
    if run.state == STATE_RECORDING:
        return f"recording ({run.holder})"
    if run.state == STATE_NOT_BEGUN:
        return f"{STATE_NOT_BEGUN} ({NOT_BEGUN})"
    if run.state == STATE_CRASHED:
        ended = "the recorder was killed" if run.end_reason is None else f"ended by: {run.end_reason}"
        return f"crashed ({ended})"
    return run.state if run.end_reason is None else f"{run.state} (ended by: {run.end_reason})"


def _spread(steps: list[int]) -> str:
    return f"{len(steps)}, t = {steps[0]} … {steps[-1]}" if steps else "none"


def _next(run: Run, shown: str) -> str:
    return f"sedscope report {shlex.quote(shown)}" if run.good else "sedscope record --help"


def _row(label: str, text: str) -> str:
    return f"  {label:<10}{text}"
