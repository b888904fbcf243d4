"""sedscope: open the history that a training run writes in parameter space.

In a training script `import sedscope` gives the recording API and loads nothing heavier than `recorders`;
in a notebook `sedscope.open_run(path)` opens a run. Both are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recorders.api import backward, log, probe, record, task, task_gradients
    from recorders.intervention import Intervention
    from sedscope.runs import open_run

__all__ = ["Intervention", "__version__", "backward", "log", "open_run", "probe", "record", "task", "task_gradients"]

_HOME = dict.fromkeys(("backward", "log", "probe", "record", "task", "task_gradients"), "recorders.api") | {
    "Intervention": "recorders.intervention",
    "open_run": "sedscope.runs",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("sedscope")
    if name not in _HOME:
        raise AttributeError(f"module 'sedscope' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
