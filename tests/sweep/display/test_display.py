"""What a sweep shows: plain lines, the live table, and the words of both."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sedscope.sweep.display.board import (
    FAILED,
    FINISHED,
    RUNNING,
    SKIPPED,
    WAITING,
    Board,
    CellLine,
    Reporter,
    duration,
    rate,
)
from sedscope.sweep.display.live_table import LiveReporter, drawn
from sedscope.sweep.display.watch import TrainingProgress

OUT = Path("runs/exp")
RUNS = CellLine("keep-sed-seed=1", RUNNING, TrainingProgress(1200, "test_acc/add 0.43", 48.3, 37.2), 25.0)
FAILS = CellLine("freeze-seed=1", FAILED, seconds=3.0, reason="exit status 1: ValueError", log=OUT / "logs/x.log")
BOARD = Board(
    OUT,
    (CellLine("control-seed=1", FINISHED, TrainingProgress(3000)), RUNS, FAILS, CellLine("control-seed=2", WAITING)),
    remaining_s=125.0,
)


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_words() -> None:
    assert [duration(seconds) for seconds in (0.4, 41, 425, 12_000)] == ["0 s", "41 s", "7 min 05 s", "3 h 20 min"]
    assert [rate(value) for value in (48.33, 1.0, 0.25)] == ["48.3 steps/s", "1 steps/s", "4 s/step"]
    assert BOARD.summary() == "4 cells: 1 finished, 1 running, 1 failed, 1 waiting"
    assert BOARD.outlook() == f"{BOARD.summary()}; 2 min 05 s left"


def test_plain_lines_tell_changes_once_and_progress_each_minute() -> None:
    clock, stream = Clock(), StringIO()
    reporter = Reporter(stream, clock=clock)
    waiting = replace(BOARD, lines=tuple(CellLine(line.name, WAITING) for line in BOARD.lines), remaining_s=None)
    reporter.begin(waiting, "local: 2 at a time, 1 thread each")
    reporter.update(BOARD)
    reporter.update(BOARD)
    clock.now = 61.0
    reporter.update(BOARD)
    reporter.end(
        replace(BOARD, lines=(*BOARD.lines[:3], CellLine("control-seed=2", SKIPPED, reason="busy")), remaining_s=None)
    )
    assert stream.getvalue().splitlines() == [
        "4 cells: 4 waiting; local: 2 at a time, 1 thread each",
        "finished  control-seed=1  (1 of 4)",
        "started  keep-sed-seed=1",
        "failed  freeze-seed=1  3 s  exit status 1: ValueError",
        "running  keep-sed-seed=1  step 1,200  test_acc/add 0.43  48.3 steps/s  37 s left",
        "4 cells: 1 finished, 1 running, 1 failed, 1 waiting; 2 min 05 s left",
        "skipped  control-seed=2",
        "failed: freeze-seed=1: exit status 1: ValueError; log: runs/exp/logs/x.log",
        "skipped: control-seed=2: busy",
        "4 cells: 1 finished, 1 running, 1 failed, 1 skipped; the same command does what is missing",
    ]


def test_a_closed_stream_is_nobodys_error() -> None:
    stream = StringIO()
    stream.close()
    reporter = Reporter(stream)
    reporter.begin(BOARD, "")
    reporter.end(BOARD)
    with pytest.raises(ValueError, match="closed"):
        stream.write("what the reporter would have said")


def test_without_a_stream_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(None)
    reporter.begin(BOARD, "")
    reporter.end(BOARD)
    assert capsys.readouterr() == ("", "")


def test_the_end_of_a_whole_sweep_names_the_next_command() -> None:
    stream = StringIO()
    board = Board(OUT, (CellLine("control", FINISHED, TrainingProgress(3)),))
    Reporter(stream).begin(board, "x")
    reporter = Reporter(stream)
    reporter.begin(board, "x")
    reporter.end(board)
    assert stream.getvalue().splitlines()[-1] == "1 cell: 1 finished; next: sedscope report runs/exp"


def text(board: Board, width: int, room: int) -> list[str]:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(drawn(board, "local", room))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_table_begins_with_what_matters() -> None:
    lines = text(BOARD, 120, 20)
    assert lines[0] == f"{BOARD.outlook()}; local"
    assert lines[1].split() == ["cell", "state", "step", "metric", "rate", "time", "left"]
    assert [line.split()[0] for line in lines[2:]] == [
        "keep-sed-seed=1",
        "freeze-seed=1",
        "control-seed=2",
        "control-seed=1",
    ]
    assert lines[2].split("  ")[0] == "keep-sed-seed=1" and "test_acc/add 0.43" in lines[2]
    assert lines[2].endswith("48.3 steps/s  25 s  37 s") and "exit status 1: ValueError" in lines[3]


@pytest.mark.parametrize("room", [-3, 1, 2, 3])
def test_a_small_screen_counts_the_rest(room: int) -> None:
    lines = text(BOARD, 60, room)
    shown = max(1, room - 1)
    assert len(lines) == 2 + shown + 1
    assert lines[-1] == f"… and {4 - shown} cells more"
    assert all(len(line) <= 60 for line in lines)


def test_names_are_no_markup() -> None:
    board = Board(OUT, (CellLine("x", RUNNING, TrainingProgress(1, "[red]m[/red] 1")),))
    assert "[red]m[/red] 1" in text(board, 100, 5)[2]


def test_the_live_table_leaves_the_closing_lines() -> None:
    stream = StringIO()
    console = Console(file=stream, width=100, height=20, force_terminal=True, color_system=None)
    reporter = LiveReporter(console)
    reporter.begin(BOARD, "local")
    reporter.update(BOARD)
    reporter.end(BOARD)
    shown = stream.getvalue()
    assert "keep-sed-seed=1" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1, "the cursor is given back"
    assert shown.splitlines()[-1].startswith("4 cells: 1 finished")
