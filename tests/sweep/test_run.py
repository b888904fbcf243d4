"""A sweep does what is missing and nothing else; one cell's failure is its own; another sweep is kept out."""

import json
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sweeping import PlainEngine, Ticket, write_run

from recorders.errors import DamagedError, InputOutputError, NotARunError, RefusedError, SedscopeError, UsageError
from recorders.intervention.intervention_settings import Intervention
from recorders.recording_options import RecordingOptions
from recorders.store.lock import RunLock
from sedscope.sweep import Sweep, plan_sweep, run_sweep
from sedscope.sweep.display.board import FAILED, FINISHED, SKIPPED, WAITING, Reporter
from sedscope.sweep.scheduler import Scheduler
from sedscope.sweep.training_job import TrainingJob

SWEEP = Sweep(("train.py", "--seed", "{seed}"), [Intervention("control"), Intervention("keep-random")], seeds=[1, 2])
NAMES = ["control-seed=1", "keep-random-seed=1", "control-seed=2", "keep-random-seed=2"]
Finishing = Callable[[Sweep, Path], PlainEngine]


def states(sweep: Sweep, out: Path) -> dict[str, str]:
    return {each.cell.name: each.outcome.state for each in plan_sweep(sweep, out)}


def test_every_cell_is_run_once_and_a_second_time_none(tmp_path: Path, finishing: Finishing) -> None:
    engine = finishing(SWEEP, tmp_path)
    board = run_sweep(SWEEP, tmp_path, engine)
    assert engine.names == NAMES
    assert [line.state for line in board.lines] == [FINISHED] * 4
    assert board.lines[0].progress.step == 100 and board.lines[0].progress.metric == "test_acc/add 0.5"
    again = finishing(SWEEP, tmp_path)
    assert [line.state for line in run_sweep(SWEEP, tmp_path, again).lines] == [FINISHED] * 4
    assert again.names == [] and again.stops == 1


@pytest.mark.parametrize(
    ("reason", "state"),
    [(None, "crashed"), ("exception", "crashed"), ("interrupted", "stopped"), ("terminated", "stopped")],
)
def test_what_did_not_come_to_its_end_is_run_again(
    reason: str | None, state: str, tmp_path: Path, finishing: Finishing
) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    write_run(SWEEP.cells()[1], tmp_path, reason=reason)
    shutil.rmtree(tmp_path / NAMES[3])
    assert states(SWEEP, tmp_path) == dict(zip(NAMES, ["finished", state, "finished", "missing"], strict=True))
    engine = finishing(SWEEP, tmp_path)
    run_sweep(SWEEP, tmp_path, engine)
    assert engine.names == [NAMES[1], NAMES[3]]
    assert set(states(SWEEP, tmp_path).values()) == {"finished"}


def test_a_failing_cell_stops_no_other_and_says_why(tmp_path: Path, finishing: Finishing) -> None:
    good = finishing(SWEEP, tmp_path)

    def train(name: str) -> str | None:
        if name == NAMES[0]:
            log = tmp_path / "logs" / f"{name}.log"
            log.write_text(
                f"{log.read_text()}Traceback (most recent call last):\n  x\nValueError: no \x1b[2J luck\n# exit"
            )
            return "exit status 1"
        if name == NAMES[1]:
            return "exit status 0"
        return good.train(name)

    engine, said = PlainEngine(train), StringIO()
    board = run_sweep(SWEEP, tmp_path, engine, Reporter(said))
    assert engine.names == NAMES
    assert [line.state for line in board.lines] == [FAILED, FAILED, FINISHED, FINISHED]
    assert [line.reason for line in board.lines[:2]] == [
        "exit status 1: ValueError: no \\x1b[2J luck",
        "nothing was recorded",
    ]
    log = tmp_path / "logs" / "control-seed=1.log"
    assert f"failed: control-seed=1: exit status 1: ValueError: no \\x1b[2J luck; log: {log}\n" in said.getvalue()
    assert said.getvalue().splitlines()[-1] == "4 cells: 2 finished, 2 failed; the same command does what is missing"


def test_a_manifest_says_what_the_folder_holds(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    found = json.loads((tmp_path / "sweep.json").read_text())
    assert found["format_version"] == 1
    assert (found["arguments"], found["module"]) == (["train.py", "--seed", "{seed}"], False)
    assert found["recording"]["every"] == 25
    assert [cell["name"] for cell in found["cells"]] == NAMES
    assert found["cells"][1] == {
        "name": "keep-random-seed=1",
        "intervention": Intervention("keep-random", seed=1).describe(),
        "seed": 1,
        "varied": {},
        "arguments": ["train.py", "--seed", "1"],
    }


def test_cells_may_be_added(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    more = Sweep(SWEEP.arguments, [Intervention("freeze"), Intervention("control")], seeds=[2, 3])
    engine = finishing(more, tmp_path)
    run_sweep(more, tmp_path, engine)
    assert engine.names == ["freeze-seed=2", "freeze-seed=3", "control-seed=3"]
    found = json.loads((tmp_path / "sweep.json").read_text())
    assert [cell["name"] for cell in found["cells"]] == [*NAMES, *engine.names]


def other(**changes: Any) -> Sweep:
    return Sweep(**{"arguments": SWEEP.arguments, "interventions": SWEEP.interventions, "seeds": [1], **changes})


@pytest.mark.parametrize(
    ("sweep", "complaint"),
    [
        (other(arguments=("train.py", "--lr", "1", "--seed", "{seed}")), "arguments must be train.py --seed"),
        (other(module=True), "found -m train.py"),
        (other(recording=RecordingOptions(every=5)), "every must be 25, found 5"),
        (other(recording=RecordingOptions(select=("mlp",))), r"select must be \[\], found \[\"mlp\"\]"),
    ],
)
def test_another_sweep_in_the_same_folder_is_refused(
    sweep: Sweep, complaint: str, tmp_path: Path, finishing: Finishing
) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    before = (tmp_path / "sweep.json").read_bytes()
    engine = finishing(sweep, tmp_path)
    with pytest.raises(RefusedError, match=complaint) as caught:
        run_sweep(sweep, tmp_path, engine)
    assert "\n" not in str(caught.value) and "choose another --out" in str(caught.value)
    assert (tmp_path / "sweep.json").read_bytes() == before and engine.names == []


STRANGERS = {
    "command": (Sweep(("other.py", "--seed", "{seed}"), seeds=[2]), 25),
    "every": (Sweep(SWEEP.arguments, seeds=[2]), 5),
    "intervention": (Sweep(SWEEP.arguments, seeds=[2]), 25),
}


@pytest.mark.parametrize("what", STRANGERS)
def test_a_run_that_is_not_the_cell_s_is_refused_before_anything_runs(
    what: str, tmp_path: Path, finishing: Finishing
) -> None:
    sweep, every = STRANGERS[what]
    stranger = sweep.cells()[0]
    if what == "intervention":
        stranger = replace(stranger, intervention=Intervention("freeze"))
    assert stranger.name == NAMES[2]
    write_run(stranger, tmp_path, every=every)
    engine = finishing(SWEEP, tmp_path)
    with pytest.raises(RefusedError, match=f"holds the run of another sweep: {what} must be"):
        run_sweep(SWEEP, tmp_path, engine)
    assert engine.names == [] and not (tmp_path / "sweep.json").exists()


def test_a_cell_that_the_manifest_knows_otherwise_is_refused(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    content = json.loads((tmp_path / "sweep.json").read_text())
    content["cells"][0]["varied"] = {"--lr": "1"}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(RefusedError, match="cell control-seed=1 must be"):
        plan_sweep(SWEEP, tmp_path)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", DamagedError),
        ("[]", RefusedError),
        ('{"format_version": 2}', NotARunError),
        ('{"format_version": 1}', RefusedError),
        ('{"format_version": 1, "module": false, "arguments": [], "recording": {}, "cells": [1]}', RefusedError),
    ],
)
def test_a_manifest_that_is_none_is_refused(text: str, error: type[SedscopeError], tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(error, match=r"sweep\.json"):
        plan_sweep(SWEEP, tmp_path)


def test_a_damaged_cell_is_left_alone(tmp_path: Path, finishing: Finishing) -> None:
    run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
    shard = next((tmp_path / NAMES[0] / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:-8])
    engine = finishing(SWEEP, tmp_path)
    line = run_sweep(SWEEP, tmp_path, engine).lines[0]
    assert engine.names == [] and line.state == SKIPPED and "sedscope check" in line.reason


def test_one_sweep_at_a_time(tmp_path: Path, finishing: Finishing) -> None:
    lock = RunLock.acquire(tmp_path)
    try:
        with pytest.raises(InputOutputError, match="another sweep is running in this folder: pid"):
            run_sweep(SWEEP, tmp_path, finishing(SWEEP, tmp_path))
        assert set(states(SWEEP, tmp_path).values()) == {"missing"}
    finally:
        lock.release()


def test_a_run_is_no_folder_for_runs(tmp_path: Path, finishing: Finishing) -> None:
    cell = SWEEP.cells()[0]
    write_run(cell, tmp_path)
    with pytest.raises(UsageError, match="it is a run itself"):
        run_sweep(SWEEP, cell.path(tmp_path), finishing(SWEEP, tmp_path))


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_stops_the_engine_and_leaves_the_rest_for_later(
    number: signal.Signals, error: type[BaseException], tmp_path: Path, finishing: Finishing
) -> None:
    before = signal.getsignal(number)
    good = finishing(SWEEP, tmp_path)

    def train(name: str) -> str | None:
        if name == NAMES[1]:
            signal.raise_signal(number)
            return None
        return good.train(name)

    engine, said = PlainEngine(train), StringIO()
    with pytest.raises(error):
        run_sweep(SWEEP, tmp_path, engine, Reporter(said))
    assert engine.stops == 1 and engine.names == NAMES[:2]
    assert said.getvalue().splitlines()[-1].startswith("4 cells: 1 finished, 3 waiting")
    assert signal.getsignal(number) == before
    rest = finishing(SWEEP, tmp_path)
    run_sweep(SWEEP, tmp_path, rest)
    assert rest.names == NAMES[1:]


@pytest.mark.parametrize(("slots", "handed"), [(1, [1, 1]), (2, [2, 1, 1]), (3, [3, 1]), (None, [4])])
def test_no_more_than_there_are_slots_and_the_queue_of_a_cluster_gets_all(
    slots: int | None, handed: list[int], tmp_path: Path, finishing: Finishing
) -> None:
    """The second cell goes on for ever; Ctrl-C comes when nothing else is left."""
    good, sizes = finishing(SWEEP, tmp_path), []

    def train(name: str) -> str | None:
        if name == NAMES[-1] or slots == len(sizes) == 1:
            signal.raise_signal(signal.SIGINT)
        return None if name == NAMES[1] else good.train(name)

    class Counting(PlainEngine):
        def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Ticket]:
            found = super().submit(jobs)
            sizes.append(len(jobs))
            return found

    with pytest.raises(KeyboardInterrupt):
        run_sweep(SWEEP, tmp_path, Counting(train, slots=slots))
    assert sizes == handed


def test_nohup_keeps_a_sweep_alive(tmp_path: Path, finishing: Finishing) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    good = finishing(SWEEP, tmp_path)

    def train(name: str) -> str | None:
        signal.raise_signal(signal.SIGHUP)
        return good.train(name)

    try:
        board = run_sweep(SWEEP, tmp_path, PlainEngine(train))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(board.in_state(FINISHED)) == 4


@pytest.mark.parametrize(("slots", "left"), [(1, 30.0), (2, 10.0), (None, 0.0)])
def test_the_rest_takes_as_long_as_what_has_ended(slots: int | None, left: float, tmp_path: Path) -> None:
    """The first of four cells took 10 s: what has run as long is taken to end now, and each further cell takes 10 s."""
    now, how = [0.0], {NAMES[0]: None, **dict.fromkeys(NAMES[1:])}
    cells = {cell.name: cell for cell in SWEEP.cells()}

    class Later(PlainEngine):
        def submit(self, jobs: Sequence[TrainingJob]) -> Sequence[Ticket]:
            super().submit(jobs)
            return [Asked(job.name) for job in jobs]

    class Asked(Ticket):
        def ended(self) -> str | None:
            return how[str(self.how)]

    scheduler = Scheduler(SWEEP, tmp_path, plan_sweep(SWEEP, tmp_path), Later(lambda name: None, slots), lambda: now[0])
    scheduler.poll()
    scheduler.poll()
    assert scheduler.board().remaining_s is None, "nothing has ended yet"
    now[0] = 10.0
    write_run(cells[NAMES[0]], tmp_path)
    how[NAMES[0]] = "exit status 0"
    scheduler.poll()
    scheduler.poll()
    found = scheduler.board()
    assert found.lines[0].seconds == 10.0
    assert found.remaining_s == left


def test_files_of_a_cluster_may_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Sweep(("train.py",)).cells()[0]
    asked: list[str] = []

    def late(self: object, stream: object = None) -> None:
        asked.append("x")
        if len(asked) == 3:
            write_run(cell, tmp_path)

    engine = PlainEngine(lambda name: "exit status 0", patience_s=60.0)
    monkeypatch.setattr(Reporter, "update", late)
    board = run_sweep(Sweep(("train.py",)), tmp_path, engine, Reporter(StringIO()))
    assert board.lines[0].state == FINISHED
    assert WAITING not in board.counts()


def test_the_example_of_the_docs(tmp_path: Path, finishing: Finishing, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", docs, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    monkeypatch.setattr(
        "sedscope.sweep.engines.engine.LocalEngine", lambda jobs: finishing(scope["sweep"], Path("runs/exp"))
    )
    exec(code, scope)
    assert len(scope["missing"]) == 2 * 2 * 4 and scope["failed"] == {}
    assert len(scope["board"].in_state(FINISHED)) == 16
