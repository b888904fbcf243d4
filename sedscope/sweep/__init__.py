"""Sweeps: one script under several interventions, seeds and arguments, a cell for each combination.

`Sweep` names the cells, `plan_sweep` says which of them are done already, `run_sweep` runs the rest. State is stored
nowhere but in the run directories themselves. Lazy: importing this package imports none of its modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sedscope.sweep.cell import SweepCell
    from sedscope.sweep.grammar import parse_interventions
    from sedscope.sweep.run import plan_sweep, run_sweep
    from sedscope.sweep.sweep import Sweep

__all__ = ["Sweep", "SweepCell", "parse_interventions", "plan_sweep", "run_sweep"]

_HOME = {
    "SweepCell": "cell",
    "Sweep": "sweep",
    "parse_interventions": "grammar",
    "plan_sweep": "run",
    "run_sweep": "run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'sedscope.sweep' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"sedscope.sweep.{_HOME[name]}"), name)
    globals()[name] = value
    return value
