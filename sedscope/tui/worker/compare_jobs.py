"""Asking about several runs at once: their metrics first, then their coupling, one run after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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
    """The state of the list of runs."""
    paths: tuple[str, ...]
    settings: Settings

    title: ClassVar[str] = "Compare"

    def run(self, run: Run, tell: Tell) -> Iterator[tuple[Any, bool]]:
        """Yield the metrics of all runs with cached couplings; of the others a coarse R̄, then the requested one."""
        from sedscope.tui.worker.compared_run import metrics_of, with_coupling

        runs = [with_coupling(metrics_of(Path(path)), self.settings, None) for path in self.paths]
        missing = [index for index, compared in enumerate(runs) if not compared.is_whole]
        yield tuple(runs), False
        for settings in dict.fromkeys((coarser(self.settings), self.settings)):
            for index in missing:
                runs[index] = with_coupling(runs[index], settings, tell)
                yield tuple(runs), False
        yield tuple(_settled(runs)), True


def _settled(runs: list[ComparedRun]) -> list[ComparedRun]:
    return [replace(compared, final=True) for compared in runs]
