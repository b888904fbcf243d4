"""Engines, which run the trainings of a sweep: processes here, jobs of a Slurm cluster, tasks of a Ray cluster.

Decides which one `--engine` and `--engine-option` name. Lazy: the module of an engine is imported with that engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recorders.errors import UsageError

if TYPE_CHECKING:
    from sedscope.sweep.engines.engine import Engine

ENGINES: Final = ("local", "slurm", "ray")
"""The choices of `--engine`."""


def engine_of(name: str, jobs: int | None, options: Iterable[str], out: Path) -> Engine:
    """Return the engine, ready to take jobs.

    Args:
        name: local, slurm or ray.
        jobs: Trainings at a time; None: one here, as many as it likes elsewhere.
        options: `KEY=VALUE` for the scheduler.
        out: The sweep's folder, for what the scheduler writes.

    Raises:
        UsageError: It is not installed, not there, or does not know an option.
    """
    from sedscope.sweep.engines.engine import LocalEngine, parse_options

    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs: must be 1 or more, found {jobs}")
    given = parse_options(options)
    if name == "slurm":
        from sedscope.sweep.engines.slurm import SlurmEngine

        return SlurmEngine(out, jobs, given)
    if name == "ray":
        from sedscope.sweep.engines.ray_core import RayEngine

        return RayEngine(jobs, given)
    if given:
        raise UsageError(f"engine-option: the local engine has none, found {next(iter(given))}; it has --jobs")
    return LocalEngine() if jobs is None else LocalEngine(jobs)
