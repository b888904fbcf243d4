"""An analysis as the words of a command line: the one place that turns settings into flags.

Decides which settings have a flag, and that defaults are left out. Leaves to others: the command in front of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from sedscope.analysis.settings import Settings

NOT_FLAGS = frozenset({"batch", "precision", "evidence", "second_measures", "draws", "block_probes"})
"""Settings of the Python interface alone."""


def flags(settings: Settings, sources: Sequence[str] | None, tasks: Sequence[str] | None, crossed: bool) -> list[str]:
    """What to write behind `sedscope report RUNS` so that it gives the same numbers.

    Args:
        settings: Of the analysis.
        sources: Full names; None for every one.
        tasks: None for every one.
        crossed: Every source against every task.
    """
    words: list[str] = []
    default = Settings()
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name not in NOT_FLAGS and value != getattr(default, field.name):
            words += [f"--{field.name}", _word(value)]
    for name, names in (("--sources", sources), ("--tasks", tasks)):
        words += [] if names is None else [name, ",".join(names)]
    return words + (["--crossed"] if crossed else [])


def _word(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
