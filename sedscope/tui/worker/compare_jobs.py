"""Asking about several runs at once: their metrics first, then their coupling, one run after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedscope.tui.worker.jobs import Tell, coarser

if TYPE_CHECKING:
    from sedscope.analysis.settings import Settings
    from sedscope.runs import Run
    from sedscope.tui.worker.compared_run import ComparedRun


@dataclass(frozen=True, slots=True)
class CompareJob:
    """Runs side by side; answers are tuples of `ComparedRun`, in the order of `paths`."""

    path: str
    """The first of them."""
    stamp: str
    """Of the list of runs."""
    paths: tuple[str, ...]
    settings: Settings

    @property
    def title(self) -> str:
        """For the progress line."""
        return "Compare"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Metrics of all runs with what is kept; of the others a coarse R̄, then the one that was asked for."""
        from sedscope.tui.worker.compared_run import metrics_of, with_coupling

        found = [with_coupling(metrics_of(Path(path)), self.settings, None) for path in self.paths]
        missing = [place for place, one in enumerate(found) if not one.is_whole]
        yield tuple(found), False
        for settings in dict.fromkeys((coarser(self.settings), self.settings)):
            for place in missing:
                found[place] = with_coupling(found[place], settings, tell)
                yield tuple(found), False
        yield tuple(_settled(found)), True


def _settled(found: list[ComparedRun]) -> list[ComparedRun]:
    return [replace(one, final=True) for one in found]
