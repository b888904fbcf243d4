"""Signals of a sweep: none is lost."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sweeping import PlainEngine

from sedscope.runs import open_run
from sedscope.sweep import Sweep, run_sweep
from sedscope.sweep.engines.ray_core import RayEngine
from sedscope.sweep.interrupts import Interrupts

SWEEP = Sweep(("train.py",))


@pytest.fixture(autouse=True)
def _ctrl_c_reaches_python() -> Iterator[None]:
    """A shell that starts the tests in its background has them ignore Ctrl-C, and a sweep keeps to that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


class Ray:
    """What Ray does to the process that calls `ray.init`, and a task that takes anything."""

    def is_initialized(self) -> bool:
        return False

    def init(self, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: pytest.fail("Ray's handler was asked"))

    def remote(self, function: Any) -> Any:
        return self

    def options(self, **options: Any) -> Any:
        return self


def test_ray_leaves_sigterm_to_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedscope.sweep.engines.ray_core._ray", Ray)
    with Interrupts() as interrupts:
        RayEngine(None, {}).submit([])
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            interrupts.check()
    assert ended.value.code == 128 + signal.SIGTERM
