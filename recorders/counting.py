"""Where t begins: at 0, where the script says, or on resume where the optimizer's state says."""

from __future__ import annotations

from pathlib import Path

import torch

from recorders.errors import RefusedError
from recorders.options import Options
from recorders.resume import earlier_steps


def first_t(optimizer: torch.optim.Optimizer, options: Options, path: Path) -> tuple[int, str | None]:
    """T of the step that this optimizer is about to make, and what a reader should know about it, or None.

    Raises:
        RefusedError: a resumed recording cannot tell.
    """
    made = completed_steps(optimizer)
    if options.first_step is not None:
        return options.first_step, None
    if options.resume:
        if made is None:
            name = type(optimizer).__name__
            raise RefusedError(f"resume: {name} does not say how many steps it has made; give --first-step")
        return _resumed_t(made, options, path)
    return 0, f"the optimizer has made {made} steps before; t counts from 0 here" if made else None


def _resumed_t(made: int, options: Options, path: Path) -> tuple[int, str | None]:
    before, last = earlier_steps(path)
    if (t := made - before) < 0:
        raise RefusedError(f"resume: the optimizer has made {made} steps, fewer than the {before} before the recording")
    if last is not None and t > last + options.every:
        return t, f"the run ends at t = {last} and goes on at t = {t}: what was between is lost"
    return t, None


def completed_steps(optimizer: torch.optim.Optimizer) -> int | None:
    """How many steps the optimizer's state says it has made; None when it does not count."""
    counts = [state["step"] for state in optimizer.state.values() if "step" in state]
    return max((int(count) for count in counts), default=None)
