"""The trainings that are compared, and the targets of what each may cost.

All are `examples/modular_arithmetic.py` at its defaults (the p = 97 recipe), with and without `sedscope record`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FOUR_TASKS = "add,sub,mul,x2y2"
HARDLY_ANYTHING = ("--every=1000000", "--weights-every=0")
PER_TASK = ",".join(f"gradient/{task}" for task in FOUR_TASKS.split(","))


@dataclass(frozen=True)
class Case:
    """One comparison of a training with the same training recorded."""

    name: str
    """Its name on the command line."""
    says: str
    """The recording, in the words of the table."""
    ops: str
    """`--ops` of the example."""
    record: tuple[str, ...]
    """Options of `sedscope record`."""
    target: float
    """The largest ratio that is accepted."""
    of: Literal["training", "step"]
    """Whole processes, start-up and last write included; or steps alone, the start-up taken off."""


CASES = (
    Case(
        name="every-step",
        says="gradient and update of the attention weights at every step",
        ops="add",
        record=("--every=1", "--sources=gradient,update", "--weights-every=0"),
        target=1.05,
        of="training",
    ),
    Case(
        name="default",
        says="the default on four tasks: every 25 steps, everything stored",
        ops=FOUR_TASKS,
        record=(),
        target=1.10,
        of="training",
    ),
    Case(
        name="per-task",
        says="every step recorded with four per-task gradients",
        ops=FOUR_TASKS,
        record=("--every=1", f"--sources={PER_TASK}", "--weights-every=0"),
        target=3.0,
        of="step",
    ),
    Case(
        name="keep-sed",
        says="keep-sed on the gradient, W = 20, K = 3, hardly anything stored",
        ops="add",
        record=(*HARDLY_ANYTHING, "--intervene=keep-sed"),
        target=1.4,
        of="step",
    ),
    Case(
        name="keep-sed-raw",
        says="keep-sed on the update with a raw basis, W = 20, K = 3, hardly anything stored",
        ops="add",
        record=(*HARDLY_ANYTHING, "--intervene=keep-sed", "--on=update", "--basis=raw"),
        target=1.4,
        of="step",
    ),
)
