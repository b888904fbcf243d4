"""What is asked of every run, and the command that asks it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from sedscope.analysis.settings import Settings

_NOT_FLAGS = frozenset({"batch", "precision", "evidence", "draws", "block_probes"})
"""Settings of the Python interface alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every run."""

    settings: Settings
    sources: tuple[str, ...] | None = None
    """None: every source that the run has."""
    tasks: tuple[str, ...] | None = None
    """None: every task that the run has."""
    crossed: bool = False
    """Every source against every task."""

    def command(self, paths: Sequence[Path], out: Path | None) -> str:
        """`sedscope report …` that gives the same numbers, ready to paste; defaults are left out."""
        words = ["sedscope", "report", *map(str, paths)]
        default = Settings()
        for field in fields(Settings):
            value = getattr(self.settings, field.name)
            if field.name not in _NOT_FLAGS and value != getattr(default, field.name):
                words += [f"--{field.name}", _word(value)]
        for name, names in (("--sources", self.sources), ("--tasks", self.tasks)):
            words += [] if names is None else [name, ",".join(names)]
        words += ["--crossed"] if self.crossed else []
        words += [] if out is None else ["--out", str(out)]
        return shlex.join(words)


def _word(value: object) -> str:
    if value is None:
        return "all"
    return (
        ",".join(map(str, value))
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
