"""Where the trainings of a sweep run: processes here, jobs of a Slurm cluster, tasks of a Ray cluster."""

from typing import Final

ENGINES: Final = ("local", "slurm", "ray")
"""As `--engine` has them."""
