"""Signals of a sweep: none is lost."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sweeping import PlainEngine

from sedscope.runs import open_run
from sedscope.sweep import Sweep, run_sweep

SWEEP = Sweep(("train.py",))


def test_one_that_comes_when_all_is_done_is_told(
    tmp_path: Path, finishing: Callable[[Sweep, Path], PlainEngine]
) -> None:
    """Whoever runs one sweep after another must not begin with the next one."""
    good = finishing(SWEEP, tmp_path)

    class Interrupted(PlainEngine):
        def stop(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_sweep(SWEEP, tmp_path, Interrupted(good.train))
    assert open_run(tmp_path / "control").state == "finished"
