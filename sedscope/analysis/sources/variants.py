"""Sources that are made several times over: controls drawn anew, fixed gradients of further batches.

Decides how many variants a source has and which one stands for it alone: the first. Leaves to others: making their
rows (`computed_rows`) and what is made of several (`assemble_series`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recorders.format import (
    CONTROL_COTANGENT,
    CONTROL_PER_EXAMPLE,
    CONTROL_SHUFFLED,
    FIXED_GRADIENT,
    Source,
    parse_source,
)
from sedscope.analysis.settings import Settings

CONTROL_FAMILIES = (CONTROL_SHUFFLED, CONTROL_COTANGENT, CONTROL_PER_EXAMPLE)
Varied = Literal["draws", "batches"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One making of a source."""

    source: str
    """Full name."""
    index: int = 0
    """Which draw of a control or which batch of a fixed gradient, from 0; 0 for every other source."""


@dataclass(frozen=True, slots=True)
class GradientKind:
    """One gradient at fixed examples of one task."""

    family: str
    """`fixed_gradient` or one of the controls."""
    index: int
    """Which draw of a control; which batch of a fixed gradient."""

    @property
    def batch(self) -> int:
        """Which fixed batch it is taken on: controls keep to the first one."""
        return self.index if self.family == FIXED_GRADIENT else 0


def varied_by(source: str) -> Varied | None:
    """What tells the variants of a source apart; None for a source that there is once."""
    if is_control(source):
        return "draws"
    return "batches" if is_fixed_gradient(source) else None


def variants_of(source: str, settings: Settings) -> tuple[Variant, ...]:
    """Every variant that the settings ask for, the first one first."""
    varied = varied_by(source)
    count = 1 if varied is None else settings.draws if varied == "draws" else settings.batches
    return tuple(Variant(source, index) for index in range(count))


def is_control(source: str) -> bool:
    """Whether the source is one that knows less than a gradient does."""
    return _family(source) in CONTROL_FAMILIES


def is_fixed_gradient(source: str) -> bool:
    """Whether the source is a gradient at fixed examples, of one task or of all."""
    return _family(source) == FIXED_GRADIENT


def is_computed(source: str) -> bool:
    """Whether its rows come from running the model again."""
    return is_control(source) or is_fixed_gradient(source)


def control_sources(task: str) -> tuple[str, ...]:
    """The controls of a task."""
    return tuple(Source(family, task).name for family in CONTROL_FAMILIES)


def _family(source: str) -> str | None:
    parsed = parse_source(source)
    return None if parsed is None else parsed.family
