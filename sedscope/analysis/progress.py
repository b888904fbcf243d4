"""What an analysis tells while it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnalysisProgress:
    """One unit of work is done."""

    stage: str
    """A word or two for people: what is being computed."""
    done: int
    """Units done in this stage."""
    total: int
    """Units of this stage that are not in the cache: what an estimate of the remaining time goes by."""
