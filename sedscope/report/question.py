"""The question that a report puts to every run, and the command that asks it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sedscope.analysis.settings import Settings, flags


@dataclass(frozen=True, slots=True)
class Question:
    """The settings, sources and tasks that every run is analysed with."""

    settings: Settings
    sources: tuple[str, ...] | None = None
    """None: every source that the run has."""
    tasks: tuple[str, ...] | None = None
    """None: every task that the run has."""
    crossed: bool = False
    """Every source against every task."""

    def command(self, paths: Sequence[Path], out: Path | None) -> str:
        """Return `sedscope report …` that gives the same numbers, ready to paste; defaults are left out."""
        words = ["sedscope", "report", *map(str, paths)]
        words += flags(self.settings, self.sources, self.tasks, self.crossed)
        return shlex.join(words + ([] if out is None else ["--out", str(out)]))
