"""The same script under several interventions, seeds and arguments: which cells there are, and running what is missing.

`Sweep` says what, `plan_sweep` what of it is done already, `run_sweep` does the rest. State is kept nowhere but in the
run directories themselves. Lazy: importing this package imports none of its modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sedscope.sweep.cell import Cell
    from sedscope.sweep.grammar import parse_interventions
    from sedscope.sweep.run import plan_sweep, run_sweep
    from sedscope.sweep.sweep import Sweep

__all__ = ["Cell", "Sweep", "parse_interventions", "plan_sweep", "run_sweep"]

_HOME = {
    "Cell": "cell",
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
