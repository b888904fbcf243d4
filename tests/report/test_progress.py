"""Progress in a log: plain lines, not too many."""

from __future__ import annotations

import io

import pytest

from sedscope.analysis.progress import AnalysisProgress
from sedscope.report.progress import ProgressDisplay


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(seconds: float, units: int) -> list[str]:
    stream, clock = io.StringIO(), Clock()
    with ProgressDisplay(stream, "a[b]", clock=clock) as display:
        display.update(AnalysisProgress("JVPs", 0, units))
        for done in range(1, units + 1):
            clock.now += seconds
            display.update(AnalysisProgress("JVPs", done, units))
    return stream.getvalue().splitlines()


def test_a_short_analysis_says_nothing_in_a_log() -> None:
    assert lines(0.1, 90) == []


def test_a_long_one_says_rate_and_remaining_time_every_ten_seconds() -> None:
    said = lines(4.0, 10)
    assert len(said) == 3
    assert said[0].startswith("a[b]  JVPs  ")
    assert said[0].endswith("  3/10  0.25/s  28 s left")
    assert said[-1].endswith("  9/10  0.25/s  4 s left")


def test_minutes_are_said_as_minutes() -> None:
    assert lines(30.0, 10)[0].endswith("  1/10  0.0333/s  4 min 30 s left")


def test_a_closed_stderr_holds_nothing_up(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(None, "run") as display:
        display.update(AnalysisProgress("spectra", 1, 2))
    assert capsys.readouterr() == ("", "")
