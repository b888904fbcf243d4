"""An analysis as the words of a command line: the one place that turns settings into flags.

Decides that defaults are left out. Leaves to others: which settings have a flag (`settings`), and the command in front
of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sedscope.analysis.settings import Settings, setting_rows


def flags(settings: Settings, sources: Sequence[str] | None, tasks: Sequence[str] | None, crossed: bool) -> list[str]:
    """Return what to write behind `sedscope report RUNS` so that it gives the same numbers.

    Args:
        settings: What the analysis was asked for.
        sources: Full names; None for every one.
        tasks: None for every one.
        crossed: Every source against every task.
    """
    words: list[str] = []
    for row in setting_rows():
        value = getattr(settings, row.name)
        if row.flag is not None and value != row.default:
            words += [row.flag, row.word(value)]
    for name, names in (("--sources", sources), ("--tasks", tasks)):
        words += [] if names is None else [name, ",".join(names)]
    return words + (["--crossed"] if crossed else [])
