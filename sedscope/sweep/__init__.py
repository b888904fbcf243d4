"""Sweeps: one script under several interventions, seeds and arguments, a cell for each combination.

`Sweep` names the cells, `plan_sweep` says which of them are done already, `run_sweep` runs the rest. State is stored
nowhere but in the run directories themselves. Lazy: importing this package imports none of its modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedscope.lazy_names import import_on_use

if TYPE_CHECKING:
    from sedscope.sweep.cell import SweepCell
    from sedscope.sweep.grammar import parse_interventions
    from sedscope.sweep.run import plan_sweep, run_sweep
    from sedscope.sweep.sweep import Sweep

__all__ = ["Sweep", "SweepCell", "parse_interventions", "plan_sweep", "run_sweep"]


__getattr__ = import_on_use(
    __name__,
    {
        "SweepCell": ".cell",
        "Sweep": ".sweep",
        "parse_interventions": ".grammar",
        "plan_sweep": ".run",
        "run_sweep": ".run",
    },
)
