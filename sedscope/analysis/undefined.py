"""The named state of a quantity that does not exist: it carries a reason, and is neither NaN nor 0 nor a missing entry.

The code that computes a quantity decides when it is undefined; the faces decide how that is shown. What of a task
cannot be known is said here as well, each time with the line of code that would provide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorders.errors import DamagedError

if TYPE_CHECKING:
    # NumPy comes along with it, which the viewer's first paint does not wait for.
    from sedscope.runs import Run


@dataclass(frozen=True, slots=True)
class Undefined:
    """The state of a quantity that does not exist, in its value's place; check with `isinstance(value, Undefined)`."""

    reason: str
    """One readable clause, in lower case, with the numbers that decide: "rows at t = 75 hold NaN or Inf"."""

    def __bool__(self) -> bool:
        """Refuse a truth value, so that `if result:` cannot pass for a check."""
        raise TypeError(f"undefined ({self.reason}): compare with isinstance(value, Undefined)")


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
