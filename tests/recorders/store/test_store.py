"""The writer: what it commits, how it fails, and that nothing of it reaches the training."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from run_directory import P, feed, make_run, manifest, row, state
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch

from recorders import format
from recorders.errors import InputOutputError, NotARunError, RefusedError, SedscopeError, UsageError
from recorders.recording_options import RecordingOptions
from recorders.store import durable, run_writer
from recorders.store.journal import decode_line, encode_line
from recorders.store.resume import earlier_counts
from recorders.store.run_folder import ReservedFolder
from recorders.store.run_writer import RunWriter


def journal(path: Path, session: int = 1) -> list[dict[str, Any]]:
    text = (path / "journal" / f"{session:04d}.jsonl").read_bytes()
    assert text.endswith(b"\n")
    return [decode_line(line, "journal") for line in text.splitlines()]


def kinds(path: Path, session: int = 1) -> list[str]:
    return [line["kind"] for line in journal(path, session)]


# --- what is committed -----------------------------------------------------------------------------------------------


def test_rows_are_gathered_by_recorded_t(tmp_path: Path) -> None:
    make_run(tmp_path / "run", range(20))
    shards = [line for line in journal(tmp_path / "run") if line["kind"] == "shard"]
    assert [line["rows"]["update"] for line in shards] == [list(range(8)), list(range(8, 16)), list(range(16, 20))]
    for line in shards:
        found = load_file(tmp_path / "run" / line["file"])
        for source, steps in line["rows"].items():
            np.testing.assert_array_equal(found[f"row.t/{source}"], steps)
            np.testing.assert_array_equal(found[f"row/{source}"], [row(source, t) for t in steps])
        t = found["scalar.t/loss/add"]
        np.testing.assert_array_equal(found["scalar/loss/add"], 1 / (t + 1))
        assert line["scalars"] == [t[0], t[-1]]


def test_a_shard_is_committed_before_it_gets_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorders.store.shard.BYTES_PER_SHARD", 3 * 2 * P * 4)
    make_run(tmp_path / "run", range(7))
    shards = [line["rows"]["update"] for line in journal(tmp_path / "run") if line["kind"] == "shard"]
    assert shards == [[0, 1, 2], [3, 4, 5], [6]], "three recorded t fill it, and no t is cut in two"


def test_a_slow_training_is_committed_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format, "SECONDS_PER_SHARD", 0.05)
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.rows("update", 0, row("update", 0))
    deadline = time.monotonic() + 10
    while "shard" not in kinds(tmp_path / "run") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "shard" in kinds(tmp_path / "run")
    writer.close("finished")


def test_weights_of_any_dtype_come_as_they_were(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.weights(0, {"w": torch.ones(2, 3, dtype=torch.bfloat16), "step": torch.tensor(3), "b": np.zeros(3)})
    writer.close("finished")
    found = load_torch(tmp_path / "run" / "weights" / "0001-000000000.safetensors")
    assert {name: tensor.dtype for name, tensor in found.items()} == {
        "w": torch.bfloat16,
        "step": torch.int64,
        "b": torch.float64,
    }


def test_callables_are_called_once_on_the_background_thread(tmp_path: Path) -> None:
    threads = []

    def later(value: Any) -> Any:
        threads.append(threading.current_thread().name)
        return value

    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.rows("update", 0, lambda: later(row("update", 0)))
    writer.scalars(0, {"loss/add": lambda: later(2.5)})
    writer.weights(0, lambda: later(state(0)))
    writer.close("finished")
    assert threads == ["sedscope-writer"] * 3
    shard = load_file(tmp_path / "run" / "shards" / "0001-000000.safetensors")
    assert shard["scalar/loss/add"] == 2.5


def test_the_end_says_why_and_where(tmp_path: Path) -> None:
    make_run(tmp_path / "run", range(3), reason="interrupted")
    assert journal(tmp_path / "run")[-1] == {"n": 7, "kind": "end", "reason": "interrupted", "t": 2}


def test_closing_twice_and_writing_after_it_do_nothing(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.close("finished")
    writer.close("exception")
    writer.rows("update", 0, row("update", 0))
    assert kinds(tmp_path / "run") == ["session", "end"]


def test_what_another_thread_hands_over_while_closing_is_dropped(tmp_path: Path) -> None:
    said: list[str] = []
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.on_failure = said.append
    gate = threading.Event()
    writer.rows("update", 0, lambda: (gate.wait(10), row("update", 0))[1])
    closing = threading.Thread(target=writer.close, args=["terminated"])
    closing.start()
    while not writer._closed:
        time.sleep(0.001)
    time.sleep(0.05)
    writer._closed = False  # as another thread saw it a moment ago
    writer.weights(1, state(1))
    gate.set()
    closing.join()
    assert kinds(tmp_path / "run") == ["session", "shard", "end"]
    assert said == []


def test_a_seed_beyond_doubles_is_written_as_text(tmp_path: Path) -> None:
    make_run(tmp_path / "run", [], seed=2**63 + 1)
    assert '"seed":"9223372036854775809"' in (tmp_path / "run" / "run.json").read_text()


def test_a_full_queue_blocks_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(run_writer, "QUEUE_BYTES", 4 * (1000 + P * 4))
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.rows("update", 0, lambda: (gate.wait(10), row("update", 0))[1])
    handed = []

    def produce() -> None:
        for t in range(1, 30):
            writer.rows("update", t, row("update", t))
            handed.append(t)

    producer = threading.Thread(target=produce)
    producer.start()
    time.sleep(0.3)
    assert len(handed) <= 4, "what is queued must not grow over the limit"
    gate.set()
    producer.join()
    writer.close("finished")
    shards = [line["rows"]["update"] for line in journal(tmp_path / "run") if line["kind"] == "shard"]
    assert [t for steps in shards for t in steps] == list(range(30))


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    pid = os.fork()
    if pid == 0:
        writer.rows("update", 0, row("update", 0))
        writer.close("finished")
        os._exit(0)
    os.waitpid(pid, 0)
    assert kinds(tmp_path / "run") == ["session"]
    feed(writer, [0])
    writer.close("finished")
    assert kinds(tmp_path / "run") == ["session", "weights", "shard", "end"]


# --- where a run may be made -----------------------------------------------------------------------------------------


def test_an_existing_run_is_replaced_by_force_alone(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "run" / "derived").mkdir()
    with pytest.raises(UsageError, match=r"run: must be a new or empty folder; give --force"):
        RunWriter.create(tmp_path / "run", manifest())
    RunWriter.create(tmp_path / "run", manifest(), force=True).close("finished")
    assert kinds(tmp_path / "run") == ["session", "end"]
    assert not (tmp_path / "run" / "derived").exists()


def test_force_takes_away_nothing_but_runs(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(UsageError, match="holds files, but no run"):
        RunWriter.create(tmp_path, manifest(), force=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_text("dear")
    run = make_run(tmp_path / "run")
    (run / "derived").symlink_to(outside)
    (run / "notes.txt").write_text("dear")
    RunWriter.create(run, manifest(), force=True).close("finished")
    assert (outside / "data").read_text() == (run / "notes.txt").read_text() == "dear"


def test_force_does_not_touch_a_run_that_is_being_written(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    with pytest.raises(InputOutputError, match=f"pid {os.getpid()} on "):
        RunWriter.create(tmp_path / "run", manifest(), force=True)
    writer.close("finished")
    assert kinds(tmp_path / "run") == ["session", "end"]


def test_a_manifest_that_no_reader_would_accept_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="manifest: integers must lie within"):
        RunWriter.create(tmp_path / "run", manifest(intervention={"step": 2**60}))
    assert not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputOutputError, match=r"file/run: cannot be written: Not a directory"):
        RunWriter.create(tmp_path / "file" / "run", manifest())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told_in_one_line(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    run.chmod(0o500)
    (run / "lock").chmod(0o400)
    with pytest.raises(InputOutputError, match="Permission denied"):
        RunWriter.resume(run, manifest=manifest(), first_t=3)


FORMAT_FOLDERS = ("journal", "shards", "weights", "programs", "probes")


@pytest.mark.parametrize("name", ["run.json.part", "journal", "shards", "weights", "programs", "probes", "lock"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_force_neither_follows_links_nor_waits(tmp_path: Path, name: str, kind: str) -> None:
    run, outside = make_run(tmp_path / "run"), tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_text("dear")
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(outside) if kind == "link" else os.mkfifo(path)
    if name == "lock":
        with pytest.raises(SedscopeError, match="lock: "):
            RunWriter.create(run, manifest(), force=True)
        return
    RunWriter.create(run, manifest(), force=True).close("finished")
    assert kinds(run) == ["session", "end"]
    assert [file.name for file in outside.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["run.json", *FORMAT_FOLDERS, "journal/0001.jsonl", "journal/0002.jsonl"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_resuming_neither_follows_links_nor_waits(tmp_path: Path, name: str, kind: str) -> None:
    run = make_run(tmp_path / "run")
    path = run / name
    elsewhere = tmp_path / "elsewhere"
    if path.exists():
        path.rename(elsewhere)
    path.symlink_to(elsewhere) if kind == "link" else os.mkfifo(path)
    for attempt in (
        lambda: RunWriter.resume(run, manifest=manifest(), first_t=3),
        lambda: ReservedFolder(run, RecordingOptions(resume=True)),
    ):
        with pytest.raises(SedscopeError, match=r"must be a (regular file|folder|run)"):
            attempt()


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "weights", "t": "x"},
        {"kind": "weights"},
        {"kind": "shard", "rows": [1], "scalars": None},
        {"kind": "shard", "rows": {"update": 3}, "scalars": 3},
        {"kind": "note", "about": "count"},
    ],
)
def test_a_line_that_no_recorder_wrote_is_refused_on_resuming(tmp_path: Path, line: dict[str, Any]) -> None:
    run = make_run(tmp_path / "run", reason=None)
    file = run / "journal" / "0001.jsonl"
    number = len(file.read_bytes().splitlines())
    file.write_bytes(file.read_bytes() + encode_line({"n": number, **line}))
    if line["kind"] == "note":
        with pytest.raises(RefusedError, match="values that no recorder wrote"):
            earlier_counts(run)
        return
    with pytest.raises(RefusedError, match="values that no recorder wrote"):
        RunWriter.resume(run, manifest=manifest(), first_t=3)


def test_a_folder_that_somebody_else_could_exchange_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run")
    ReservedFolder(run, RecordingOptions(resume=True))
    run.chmod(0o777)
    for options in (RecordingOptions(resume=True), RecordingOptions(force=True)):
        with pytest.raises(RefusedError, match="not be writable by everybody, found drwxrwxrwx of user"):
            ReservedFolder(run, options)
    ReservedFolder(run, RecordingOptions(resume=True, shared_folder=True))
    run.chmod(0o755)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(RefusedError, match=f"must belong to user {user + 1} .* of user {user}; --shared-folder"):
        ReservedFolder(run, RecordingOptions(force=True))


def test_what_a_recorder_makes_is_never_writable_by_everybody(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        ReservedFolder(tmp_path / "run", RecordingOptions())
        make_run(tmp_path / "run")
    finally:
        os.umask(umask)
    assert not [path for path in (tmp_path / "run").rglob("*") if path.stat().st_mode & 0o002]
    assert not (tmp_path / "run").stat().st_mode & 0o002


def remnant(run: Path) -> Path:
    """What a recorder leaves that is killed while it begins: no `run.json`, all else."""
    make_run(run)
    (run / "run.json").rename(run / "run.json.part")
    return run


def test_a_folder_without_run_json_that_a_kill_left_is_taken_over_by_force(tmp_path: Path) -> None:
    run = remnant(tmp_path / "run")
    with pytest.raises(UsageError, match="must be a new or empty folder"):
        ReservedFolder(run, RecordingOptions())
    ReservedFolder(run, RecordingOptions(force=True))
    RunWriter.create(run, manifest(), force=True).close("finished")
    assert kinds(run) == ["session", "end"] and not (run / "run.json.part").exists()


@pytest.mark.parametrize("name", ["notes.txt", "weights/model.pt", "shards/0001-000000.safetensors.bak", "lock"])
def test_force_takes_over_nothing_that_a_recorder_did_not_leave(tmp_path: Path, name: str) -> None:
    run = remnant(tmp_path / "run")
    (run / "lock").unlink() if name == "lock" else (run / name).write_text("dear")
    before = sorted(run.rglob("*"))
    with pytest.raises(UsageError):
        ReservedFolder(run, RecordingOptions(force=True))
    with pytest.raises(UsageError, match="holds files, but no run"):
        RunWriter.create(run, manifest(), force=True)
    assert sorted(run.rglob("*")) == before


def test_a_run_that_cannot_begin_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recorders.store.journal.JournalWriter.append", full)
    with pytest.raises(InputOutputError, match="No space left on device"):
        RunWriter.create(tmp_path / "run", manifest())
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
    monkeypatch.undo()
    run = make_run(tmp_path / "run")
    monkeypatch.setattr("recorders.store.journal.JournalWriter.append", full)
    with pytest.raises(InputOutputError, match="No space left on device"):
        RunWriter.resume(run, manifest=manifest(), first_t=3)
    assert [path.name for path in (run / "journal").iterdir()] == ["0001.jsonl"]


def test_the_entries_of_new_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    RunWriter.create(tmp_path / "runs" / "run", manifest()).close("finished")
    assert {tmp_path, tmp_path / "runs", tmp_path / "runs" / "run", tmp_path / "runs" / "run" / "journal"} <= set(
        synced
    )


# --- resume ----------------------------------------------------------------------------------------------------------


def resumed_parent(path: Path, first_t: int) -> dict[str, int] | None:
    writer = RunWriter.resume(path, manifest=manifest(), first_t=first_t)
    feed(writer, [first_t])
    writer.close("finished")
    parent: dict[str, int] | None = journal(path, writer.session)[0]["parent"]
    return parent


def test_a_resumed_session_points_to_the_session_that_it_goes_on_from(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", range(10))
    before = (run / "journal" / "0001.jsonl").read_bytes()
    assert resumed_parent(run, 4) == {"session": 1, "t": 4}
    assert resumed_parent(run, 5) == {"session": 1, "t": 5}, "session 2 ended at 4; 1 is the latest that got to 5"
    assert resumed_parent(run, 5) == {"session": 3, "t": 5}
    assert resumed_parent(run, 50) == {"session": 1, "t": 50}, "none got there; 1 got furthest"
    assert (run / "journal" / "0001.jsonl").read_bytes() == before, "a dead session's journal is never appended to"


def test_resuming_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match=r"not a run \(no run.json\)"):
        RunWriter.resume(tmp_path, manifest=manifest(), first_t=0)
    run = make_run(tmp_path / "run", [], reason=None)
    (run / "journal" / "0001.jsonl").write_bytes(b"")
    assert resumed_parent(run, 0) is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"parameters": manifest()["parameters"][:1]}, r"parameters: the run has 2, found 1"),
        ({"selection": manifest()["selection"] | {"P": 7}}, r"selection: the run has 6, found 7"),
        ({"selection": manifest()["selection"] | {"row_dtype": "float64"}}, "the run has 'float32', found 'float64'"),
        ({"recording": manifest()["recording"] | {"every": 25}}, r"recording.every: the run has 1, found 25"),
    ],
)
def test_resuming_another_model_is_refused(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(RefusedError, match=what):
        RunWriter.resume(run, manifest=manifest(**changes), first_t=3)
    assert not (run / "journal" / "0002.jsonl").exists()
    RunWriter.resume(run, manifest=manifest(), first_t=3).close("finished")


# --- failure ---------------------------------------------------------------------------------------------------------


class FullDisk:
    """Stands in for `durable.write_all`: fails for buffers of at least `size` bytes while it is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        self.on = True
        real = durable.write_all

        def write_all(fd: int, buffer: durable.Buffer) -> None:
            if self.on and len(buffer) >= size:
                raise OSError(28, "No space left on device")
            real(fd, buffer)

        monkeypatch.setattr(durable, "write_all", write_all)


def test_a_full_disk_stops_rows_says_it_once_and_keeps_scalars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    wide = manifest(
        parameters=[{**manifest()["parameters"][0], "shape": [2000]}],
        selection={"P": 2000, "row_dtype": "float32"},
        blocks=[],
    )
    writer = RunWriter.create(tmp_path / "run", wide)
    writer.on_failure = said.append
    for t in range(8):
        writer.rows("update", t, row("update", t, size=2000))
    writer.scalars(7, {"loss/add": 1.0})
    writer.rows("update", 8, row("update", 8, size=2000))
    writer._queue.submit(0, lambda: None)
    while "shard" not in kinds(tmp_path / "run"):
        time.sleep(0.01)
    FullDisk(monkeypatch, 4000)
    for t in range(9, 40):
        writer.rows("update", t, row("update", t, size=2000))
        writer.scalars(t, {"loss/add": 0.5})
    writer.close("finished")
    reason = "writing failed (No space left on device): rows and weights stop; the last rows written are of t = 7"
    assert said == [reason]
    assert writer.failure == reason
    lines = journal(tmp_path / "run")
    assert [line["kind"] for line in lines] == ["session", "shard", "note", "shard", "end"]
    assert lines[2] == {"n": 2, "kind": "note", "about": "disk", "message": reason, "t": 8}
    assert (lines[3]["rows"], lines[3]["scalars"]) == ({}, [9, 39])
    assert not list((tmp_path / "run").rglob("*.part"))


def test_scalars_survive_a_disk_that_is_full_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format, "SECONDS_PER_SHARD", 0.02)
    writer = RunWriter.create(tmp_path / "run", manifest())
    disk = FullDisk(monkeypatch, 0)
    writer.scalars(0, {"loss/add": 1.0})
    while writer.failure is None:
        time.sleep(0.01)
    writer.scalars(1, {"loss/add": 2.0})
    time.sleep(0.1)
    assert kinds(tmp_path / "run") == ["session"]
    disk.on = False
    writer.close("finished")
    assert kinds(tmp_path / "run") == ["session", "note", "shard", "end"]
    found = load_file(tmp_path / "run" / "shards" / "0001-000000.safetensors")
    np.testing.assert_array_equal(found["scalar/loss/add"], [1.0, 2.0])


def test_a_disk_that_stays_full_leaves_a_whole_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RunWriter.create(tmp_path / "run", manifest())
    FullDisk(monkeypatch, 0)
    feed(writer, range(20))
    writer.close("finished")
    assert kinds(tmp_path / "run") == ["session"]
    assert writer.failure is not None


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (np.zeros(5, np.float32), r"row update at t = 0: must be float32 \[6\], found float32 \[5\]"),
        (np.zeros(P, np.float64), r"must be float32 \[6\], found float64 \[6\]"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_goes_wrong_stays_on_the_background_thread(tmp_path: Path, vector: Any, reason: str) -> None:
    said: list[str] = []
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.on_failure = said.append
    writer.rows("update", 0, vector)
    writer.scalars(0, {"loss/add": 1.0})
    writer.close("finished")
    assert len(said) == 1
    assert re.search(reason, said[0])
    assert kinds(tmp_path / "run") == ["session", "note", "shard", "end"]


def test_importing_the_writer_imports_no_torch() -> None:
    code = "import sys, recorders.store; sys.exit('torch' in sys.modules or 'polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
