"""`kill -9` at any moment: every step whose journal line was written is there and right.

The children are forked from this process, which has everything imported, so that a kill takes tens of milliseconds.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from run_directory import feed, make_run, manifest, row, state

from recorders.format import STATE_CRASHED, STATE_NOT_BEGUN
from recorders.store.journal import decode_line
from recorders.store.run_writer import RunWriter
from sedscope.runs import Run, open_run

KILLS = 40
RESUMED_KILLS = 10
SOAK_KILLS = 1000
LONGEST = 4000
"""Bytes of the journal: some twenty commits."""
LATER = 0.02
"""Seconds: some two commits."""


@contextmanager
def forked(action: Callable[[], None]) -> Iterator[None]:
    """Run `action` in a forked child, and kill it at the end of the `with` block, whatever it is doing then."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the child must be killed at work"


def killed_at_random(action: Callable[[], None], journal: Path, chance: random.Random) -> None:
    """Kill a child when its journal has a random length, or a little later; the clock alone says little."""
    length = chance.choice([0, 1, 1, 1, 1]) * chance.randrange(LONGEST)
    with forked(action):
        while length and not (journal.exists() and journal.stat().st_size >= length):
            time.sleep(0.0005)
        time.sleep(chance.uniform(0.0, LATER))


def steps_while_watched(first_t: int) -> Iterator[int]:
    """Steps without end, but no longer than somebody is there to kill the child."""
    parent = os.getppid()
    return itertools.takewhile(lambda _: os.getppid() == parent, itertools.count(first_t))


def record_until_killed(path: Path) -> None:
    """A new run that never ends."""
    feed(RunWriter.create(path, manifest()), steps_while_watched(0))


def resume_until_killed(path: Path, first_t: int) -> None:
    """A resumed session that never ends."""
    feed(RunWriter.resume(path, manifest=manifest(), first_t=first_t), steps_while_watched(first_t))


def written_steps(path: Path, session: int) -> Iterator[tuple[str, int]]:
    """What the journal of a session says is committed, read here without the reader: (source or `weights`, t)."""
    journal = path / "journal" / f"{session:04d}.jsonl"
    text = journal.read_bytes() if journal.exists() else b""
    for line in text.split(b"\n")[:-1]:
        members = decode_line(line, "journal")
        if members["kind"] == "weights":
            yield "weights", members["t"]
        if members["kind"] == "shard":
            yield from ((source, t) for source, steps in members["rows"].items() for t in steps)


def check_run(path: Path, starts: list[int]) -> Run:
    """Every written step is there and right; `starts[i]` is the first t of session i + 1."""
    run = open_run(path)
    assert run.verify() == ()
    expected: dict[tuple[str, int], int] = {}
    for session, start in enumerate(starts, 1):
        written = list(written_steps(path, session))
        if written:
            expected = {key: number for key, number in expected.items() if key[1] < start}
            expected |= dict.fromkeys(written, session)
    for (source, t), session in expected.items():
        if source == "weights":
            np.testing.assert_array_equal(run.weights(t)["w"], state(t, session)["w"])
        else:
            np.testing.assert_array_equal(run.rows(source, [t])[0], row(source, t, session))
    assert set(run.weight_steps()) == {t for source, t in expected if source == "weights"}
    for source in ("gradient", "update"):
        steps = {t for name, t in expected if name == source}
        assert not steps or set(run.steps(source)) == steps
    return run


def kill_new_run(path: Path, chance: random.Random) -> bool:
    """One kill of a new recording; whether it had come as far as being a run."""
    killed_at_random(lambda: record_until_killed(path), path / "journal" / "0001.jsonl", chance)
    if not (path / "run.json").exists():
        return False
    run = check_run(path, [0])
    journal = path / "journal" / "0001.jsonl"
    has_begun = journal.exists() and b"\n" in journal.read_bytes()
    assert run.state == (STATE_CRASHED if has_begun else STATE_NOT_BEGUN)
    return run.good is not None


def kill_resumed_run(path: Path, chance: random.Random) -> bool:
    """Kills of two resumed sessions after one another; whether the last committed anything."""
    starts = [0]
    for session in (2, 3):
        reached = open_run(path).weight_steps()
        starts.append(int(chance.choice(reached.tolist())))
        journal = path / "journal" / f"{session:04d}.jsonl"
        killed_at_random(lambda: resume_until_killed(path, starts[-1]), journal, chance)
        if not journal.exists():
            break
    run = check_run(path, starts[: len(list((path / "journal").iterdir()))])
    return run.sessions[-1].last_t is not None


@pytest.fixture(autouse=True)
def quick_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of two rows, so that a short life holds many commits."""
    monkeypatch.setattr("recorders.store.shard.ROWS_PER_SHARD", 2)


def test_forty_kills(tmp_path: Path) -> None:
    chance = random.Random(1)
    far = [kill_new_run(tmp_path / str(number), chance) for number in range(KILLS)]
    assert sum(far) > KILLS // 2, "most recordings must be killed at work, not before it"


def test_ten_kills_of_resumed_recordings(tmp_path: Path) -> None:
    chance = random.Random(2)
    far = [kill_resumed_run(make_run(tmp_path / str(number), range(9)), chance) for number in range(RESUMED_KILLS)]
    assert sum(far) > RESUMED_KILLS // 2


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_kills(tmp_path: Path) -> None:
    chance = random.Random()
    far = 0
    for number in range(SOAK_KILLS):
        path = tmp_path / "run"
        far += kill_new_run(path, chance) if number % 5 else kill_resumed_run(make_run(path, range(9)), chance)
        shutil.rmtree(path, ignore_errors=True)
    assert far > SOAK_KILLS // 2


def test_a_reader_follows_a_recorder_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run"
    seen = []
    with forked(lambda: record_until_killed(path)):
        while not (path / "journal" / "0001.jsonl").exists():
            time.sleep(0.002)
        run = open_run(path)
        while len(seen) < 20:
            if run.refresh() and run.good is not None:
                assert run.state == "recording"
                assert run.damage == run.notes == ()
                seen.append(run.good[1])
                np.testing.assert_array_equal(run.weights(seen[-1])["w"], state(seen[-1])["w"])
        assert seen == sorted(seen)
    run.refresh()
    assert run.state == STATE_CRASHED
    check_run(path, [0])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_runs_full(small_disk: Path) -> None:
    said: list[str] = []
    size = 2000
    weight = {**manifest()["parameters"][0], "shape": [size]}
    writer = RunWriter.create(
        small_disk / "run",
        manifest(parameters=[weight], selection={"P": size, "row_dtype": "float32"}, blocks=[]),
    )
    writer.on_failure = said.append
    for t in range(200):  # 1.6 MB of rows
        writer.rows("update", t, row("update", t, size=size))
        writer.scalars(t, {"loss/add": 1.0})
    writer.close("finished")
    assert len(said) == 1
    assert said[0].startswith("writing failed (No space left on device): rows and weights stop; ")
    run = open_run(small_disk / "run")
    assert run.verify() == ()
    assert run.state == "finished"
    assert [note.message for note in run.notes if note.about == "disk"] == said
    steps = run.steps("update")
    assert said[0].endswith(f"the last rows written are of t = {steps[-1]}")
    np.testing.assert_array_equal(run.rows("update"), [row("update", t, size=size) for t in steps])
    t, _ = run.scalar("loss/add")
    assert t[-1] == 199, "scalars go on where the rows stopped"
