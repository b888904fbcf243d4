"""Bounds before work: a run directory of at most 10 MB is opened, or refused, in seconds and little memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from run_directory import make_run

from recorders.store.journal import decode_line, encode_line

MOST_SECONDS = 5.0
MOST_BYTES = 500e6
CHILD = """
import sys, time
from sedscope.runs.find import open_or_error
from sedscope.tui.data.listing import data_of, row_of
from pathlib import Path
import numpy
begun = time.process_time()
opened = open_or_error(Path(sys.argv[1]))
try:
    if opened.run is not None:
        data_of(opened.run, row_of(opened))
    words = str(opened.error)
except Exception as error:
    words = str(error)
# Not ru_maxrss, which a program that is executed takes over from the process that forked.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.process_time() - begun, int(peak) * 1024, words)
"""


def append(run: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Lines with right numbers and CRCs, as only somebody who means harm writes them."""
    journal = run / "journal" / "0001.jsonl"
    first = len(journal.read_bytes().splitlines())
    with journal.open("ab") as file:
        file.writelines(encode_line({"n": first + index, **line}) for index, line in enumerate(lines))


def replace_manifest(run: Path, text: bytes) -> None:
    (run / "run.json").write_bytes(text)
    journal = run / "journal" / "0001.jsonl"
    opening, *rest = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(encode_line(decode_line(opening[:-1], "") | {"run_crc": crc32(text)}) + b"".join(rest))


def change_manifest(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    members = json.loads((run / "run.json").read_text())
    change(members)
    replace_manifest(run, json.dumps(members).encode())


def with_members(run: Path, members: str) -> None:
    text = (run / "run.json").read_text().strip().removesuffix("}")
    replace_manifest(run, f"{text},{members}}}".encode())


def shard(rows: dict[str, list[int]], name: str = "x") -> dict[str, Any]:
    file = {"file": f"shards/{name}.safetensors", "size": 1, "header_crc": 1}
    return {"kind": "shard", **file, "rows": rows, "scalars": None}


def note(about: str, message: str, t: int | None = None) -> dict[str, Any]:
    return {"kind": "note", "about": about, "message": message, "t": t}


def huge_parameter(members: dict[str, Any]) -> None:
    members["parameters"][0]["shape"] = [10**14]
    members["selection"]["P"] = 10**14
    members["blocks"] = []


def many_sessions(run: Path) -> None:
    opening = decode_line((run / "journal" / "0001.jsonl").read_bytes().splitlines()[0], "")
    for number in range(2, 10_000):
        members = opening | {"session": number, "parent": {"session": number - 1, "t": 0}, "first_t": 0}
        state = {"file": "weights/0001-000000000.safetensors", "size": 1, "header_crc": 1}
        lines = encode_line(members) + encode_line({"n": 1, "kind": "weights", "t": 0, **state})
        (run / "journal" / f"{number:04d}.jsonl").write_bytes(lines)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a duplicate among 400,000 members": (
        lambda run: with_members(run, ",".join(f'"k{i}":0' for i in range(400_000)) + ',"k7":1'),
        "duplicate key 'k7'",
    ),
    "a long line of sources": (lambda run: append(run, [shard({f"g{i}": [] for i in range(80_000)})]), "None"),
    "a long line of steps": (lambda run: append(run, [shard({"adam/momentum": [*range(120_000)]})]), "None"),
    "a long line of digits": (lambda run: append(run, [note("x", "9" * 880_000)]), "None"),
    "a journal numbered 999999": (
        lambda run: shutil.copy(run / "journal" / "0001.jsonl", run / "journal" / "999999.jsonl"),
        "journal/999999.jsonl: sessions must be numbered without gaps",
    ),
    "40,000 notes beside as many gaps": (
        lambda run: append(
            run,
            [note("disk", "m", t) for t in range(3, 80_000, 2)]
            + [
                shard({"adam/momentum": [*range(first, first + 10_000, 2)]}, f"x{first}")
                for first in range(3, 80_000, 10_000)
            ],
        ),
        "None",
    ),
    "a group number of 999999": (lambda run: append(run, [note("groups", "0: 999999", 0)]), "None"),
    "80,000 groupings": (lambda run: append(run, [note("groups", f"0: {t % 7}", t) for t in range(80_000)]), "None"),
    "80,000 tasks": (
        lambda run: append(run, [note("task", f"task {i}") for i in range(80_000)]),
        "at most 4,096 tasks are allowed, found 80,001",
    ),
    "300,000 tasks": (
        lambda run: change_manifest(run, lambda members: members.update(tasks=[f"t{i}" for i in range(300_000)])),
        "at most 4,096 tasks are allowed, found 300,001",
    ),
    "50,000 probes": (
        lambda run: append(
            run,
            [
                {"kind": "probe", "task": f"t{i}", "file": "probes/x", "size": 1, "header_crc": 1, "meta": {}}
                for i in range(50_000)
            ],
        ),
        "at most 4,096 tasks are allowed",
    ),
    "10,000 sessions": (many_sessions, "None"),
    "P of 10^14": (lambda run: change_manifest(run, huge_parameter), "None"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_opening_a_hostile_run_is_bounded(tmp_path: Path, name: str) -> None:
    spoil, words = CASES[name]
    run = make_run(tmp_path / "run", range(3), reason=None)
    spoil(run)
    assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) <= 10_000_000
    command = [sys.executable, "-c", CHILD, str(run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seconds, memory, said = done.stdout.split(" ", 2)
    assert float(seconds) <= MOST_SECONDS and float(memory) <= MOST_BYTES
    assert words in said


def test_files_that_cannot_hold_P_numbers_are_damage(tmp_path: Path) -> None:
    from sedscope.runs import open_run

    run = make_run(tmp_path / "run", range(3))
    change_manifest(run, huge_parameter)
    opened = open_run(run)
    reasons = {str(damage) for damage in opened.damage}
    assert any("must have at least 400000000000000 bytes for the selected parameters" in reason for reason in reasons)
    assert any("must have at least 2400000000000000 bytes for its rows" in reason for reason in reasons)
    assert opened.good is None
