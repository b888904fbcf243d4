"""Sweeps without processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sweeping import PlainEngine, write_run

from sedscope.sweep import Sweep


@pytest.fixture
def finishing() -> Callable[[Sweep, Path], PlainEngine]:
    """An engine under which every cell of a sweep comes to its end."""

    def engine(sweep: Sweep, out: Path) -> PlainEngine:
        cells = {cell.name: cell for cell in sweep.cells()}

        def train(name: str) -> str:
            write_run(cells[name], out)
            return "exit status 0"

        return PlainEngine(train)

    return engine
