"""Progress of a job and the time that it will still take, as text for the line at the top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

_BAR = 10
_LEAST_SHARE = 0.02
"""Share of the work below which the remaining time is not guessed: too few units tell no pace."""


@dataclass
class JobProgress:
    """One job as the viewer follows it."""

    title: str
    stage: str = ""
    done: int = 0
    total: int = 0
    coarse: bool = False
    """A preview is shown already."""
    clock: Callable[[], float] = monotonic
    _began: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def advance(self, stage: str, done: int, total: int) -> None:
        """Count a unit of work; a new stage starts its own clock."""
        if stage != self.stage or done < self.done:
            self._began = self.clock()
        self.stage, self.done, self.total = stage, done, total

    def text(self, room: int) -> str:
        """Return `Coupling: JVPs ━━━━┄┄┄┄┄┄ 35% 0:41 left`, shortened to what there is room for."""
        if not self.total:
            return f"{self.title} …"
        share = self.done / self.total
        percent = f"{share:4.0%}"
        left = self._left(share)
        bar = "━" * round(share * _BAR) + "┄" * (_BAR - round(share * _BAR))
        full = f"{self.title}: {self.stage} {bar}{percent}{left}"
        return next((text for text in (full, f"{self.title} {bar}{percent}{left}") if len(text) <= room), percent)

    def _left(self, share: float) -> str:
        if share < _LEAST_SHARE or share >= 1:
            return ""
        seconds = round((self.clock() - self._began) * (1 - share) / share)
        return f" {seconds // 60}:{seconds % 60:02d} left"
