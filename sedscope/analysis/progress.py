"""Messages of an analysis about the work that is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnalysisProgress:
    """A message that one unit of work is done."""

    stage: str
    """A word or two for people: what is being computed."""
    done: int
    """Units done in this stage."""
    total: int
    """Units of this stage that are not in the cache: what an estimate of the remaining time goes by."""


OnProgress = Callable[[AnalysisProgress], None]
"""Listens to the work. What it raises ends the analysis; what was finished by then is kept."""
