"""The engine that `--engine` and `--engine-option` name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from recorders.errors import UsageError
from sedscope.sweep.engines.engine import Engine

_DEFAULT_JOBS: Final = 1

Value = int | float | str


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
    from sedscope.sweep.engines.local import LocalEngine

    return LocalEngine(_DEFAULT_JOBS if jobs is None else jobs)


def parse_options(texts: Iterable[str]) -> dict[str, Value]:
    """Read `["cpus_per_task=4", "slurm_partition=gpu"]` as keys and values, numbers as numbers."""
    options: dict[str, Value] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"engine-option: must be KEY=VALUE, such as timeout_min=60; found {text!r:.80}")
        options[key] = _value(value)
    return options


def _value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
