"""Run directories, read as rows, scalars and weights; also while a run is still being written.

`open_run` and `find_runs` are the doors. Lazy: importing this package imports neither NumPy nor polars.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sedscope.lazy_names import import_on_use

if TYPE_CHECKING:
    from recorders.format import RecordedBlock
    from sedscope.runs.damage import Damage, Note
    from sedscope.runs.find import RunOrError, find_runs
    from sedscope.runs.manifest import Manifest, RecordedParameter
    from sedscope.runs.probe import Probe
    from sedscope.runs.run import Run
    from sedscope.runs.text import printable

__all__ = [
    "Damage",
    "Manifest",
    "Note",
    "Probe",
    "RecordedBlock",
    "RecordedParameter",
    "Run",
    "RunOrError",
    "find_runs",
    "open_run",
    "printable",
]


def open_run(path: str | Path) -> Run:
    """Open a run directory, finished or still being written.

    Damage does not raise: `Run.damage` lists it, and what lies before it stays readable.

    Raises:
        NotARunError: no run, another tool's, or a newer format.
        RefusedError: something in it is unsafe to open or to believe.
        DamagedError: `run.json` is not readable.
    """
    from sedscope.runs.run import Run

    return Run(Path(path))


__getattr__ = import_on_use(
    __name__,
    dict.fromkeys(("Damage", "Note"), ".damage")
    | dict.fromkeys(("Manifest", "RecordedBlock", "RecordedParameter"), ".manifest")
    | dict.fromkeys(("RunOrError", "find_runs"), ".find")
    | {"Probe": ".probe", "Run": ".run", "printable": ".text"},
)
