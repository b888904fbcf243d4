"""Engines, which run the trainings of a sweep: processes here, jobs of a Slurm cluster, tasks of a Ray cluster."""

from typing import Final

ENGINES: Final = ("local", "slurm", "ray")
"""The choices of `--engine`."""
