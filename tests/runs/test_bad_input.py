"""The catalogue of bad input: one line on stderr, one exit status, and what is good stays readable.

Each entry damages a whole run of 20 recorded t (shards of t = 0 … 7, 8 … 15, 16 … 19) in one way. The whole command
line runs, so that the messages are the ones that people see.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from run_directory import drop_lines, feed, make_run, manifest, row

from recorders.errors import DamagedError, SedscopeError
from recorders.store import tensorfile
from recorders.store.journal import decode_line, encode_line
from recorders.store.run_writer import RunWriter
from sedscope.cli.main import run as command
from sedscope.runs import open_run

SHARD = "shards/0001-000001.safetensors"
WEIGHTS = "weights/0001-000000012.safetensors"
JOURNAL = "journal/0001.jsonl"
OSC = "\x1b]52;c;Zm9v\x07"

Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """One way to be bad, and what must be said of it."""

    name: str
    spoil: Spoil
    status: int
    stderr: str = ""
    """The line after `sedscope: `; `{run}` stands for the path. Empty: no line at all."""
    good: tuple[int, int] | None = (0, 19)
    """Recorded t that stay readable; None where the run cannot be opened or holds none."""
    stdout: str = ""
    """Something that the summary says."""


# --- ways to spoil ---------------------------------------------------------------------------------------------------


def edit_bytes(file: str, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda run: (run / file).write_bytes(change((run / file).read_bytes()))


def remove(file: str) -> Spoil:
    return lambda run: (run / file).unlink()


def truncate(file: str, size: int) -> Spoil:
    return lambda run: os.truncate(run / file, size)


def replace(file: str, make: Callable[[Path], object]) -> Spoil:
    def spoil(run: Path) -> None:
        (run / file).unlink()
        make(run / file)

    return spoil


def edit_json(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Edit `run.json` as its maker would have, the CRC in the session line included."""

    def spoil(run: Path) -> None:
        members = json.loads((run / "run.json").read_text())
        change(members)
        text = json.dumps(members).encode()
        (run / "run.json").write_bytes(text)
        edit_lines(lambda lines: lines[0].update(run_crc=crc32(text)))(run)

    return spoil


def edit_lines(change: Callable[[list[dict[str, Any]]], object], file: str = JOURNAL) -> Spoil:
    """Edit the journal as somebody would who knows how lines are numbered and sealed."""

    def spoil(run: Path) -> None:
        lines = [decode_line(line, file) for line in (run / file).read_bytes().splitlines()]
        change(lines)
        sealed = (encode_line(line | {"n": number}) for number, line in enumerate(lines))
        (run / file).write_bytes(b"".join(sealed))

    return spoil


def shards(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == "shard"]


def edit_tensors(change: Callable[[dict[str, np.ndarray]], object], file: str = SHARD) -> Spoil:
    """Write other tensors into a shard, with every CRC right."""

    def spoil(run: Path) -> None:
        with (run / file).open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            raw = (run / file).read_bytes()
            crc = crc32(raw[: 8 + int.from_bytes(raw[:8], "little")])
            header = tensorfile.read_header(opened.fileno(), size, crc, file)
            read = tensorfile.read
            tensors = {name: read(opened.fileno(), name, entry, file) for name, entry in header.items()}
        change(tensors)
        record = tensorfile.write(run / file, {name: tensorfile.payload(array) for name, array in tensors.items()})
        members = {"size": record.size, "header_crc": record.header_crc}
        edit_lines(lambda lines: [line.update(members) for line in lines if line.get("file") == file])(run)

    return spoil


def raw_line(members: bytes) -> Spoil:
    """Append a line with this JSON text and the right CRC."""
    sealed = b'%s,"crc":%d}\n' % (members, crc32(members))
    return edit_bytes(JOURNAL, lambda text: text[: text.rindex(b'{"n":')] + sealed)


def without_last_line(spoil: Spoil) -> Spoil:
    def both(run: Path) -> None:
        drop_lines(run, 1)
        spoil(run)

    return both


def with_session(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Resume at t = 15 and edit the opening line of the new session."""

    def spoil(run: Path) -> None:
        writer = RunWriter.resume(run, manifest=manifest(), first_t=15)
        feed(writer, range(15, 18))
        writer.close("finished")
        edit_lines(lambda lines: change(lines[0]), "journal/0002.jsonl")(run)

    return spoil


def all_of(*spoils: Spoil) -> Spoil:
    return lambda run: [spoil(run) for spoil in spoils]


def make_giant(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def a_giant_the_journal_believes_in(run: Path) -> None:
    os.truncate(run / SHARD, 1 << 40)
    edit_lines(lambda lines: shards(lines)[1].update(size=1 << 40))(run)


def empty(run: Path) -> None:
    shutil.rmtree(run)
    run.mkdir()


def a_file(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("")


# --- the catalogue ---------------------------------------------------------------------------------------------------

GOOD_BEFORE_SHARD = (0, 7)

CASES = [
    Case("whole", lambda run: None, 0, stdout="{run}: whole"),
    Case("killed", lambda run: drop_lines(run, 1), 0, stdout="crashed (the recorder was killed)"),
    Case("killed without rows", lambda run: drop_lines(run, 26), 0, good=None, stdout="no rows were committed yet"),
    Case("killed before the journal", lambda run: shutil.rmtree(run / "journal"), 0, good=None),
    Case("killed in the first line", truncate(JOURNAL, 9), 0, good=None, stdout="the last line was not finished"),
    # 3: not a run
    Case("missing path", shutil.rmtree, 3, "{run}: no such folder", None),
    Case("a file", a_file, 3, "{run}: no such folder", None),
    Case("empty folder", empty, 3, "{run}: not a run (no run.json), and no run in it", None),
    Case("no run.json", remove("run.json"), 3, "{run}: not a run (no run.json), and no run in it", None),
    Case(
        "newer format",
        edit_json(lambda members: members.update(format_version=7)),
        3,
        "{run}: format 7, but this version reads up to 2: update sedscope",
        None,
    ),
    Case(
        "another tool's run",
        replace("run.json", lambda path: path.write_text('{"project": "llm"}')),
        3,
        "{run}: run.json has no format_version: not a run of sedscope",
        None,
    ),
    # 4: damaged
    Case(
        "bad CRC inside the journal",
        edit_bytes(JOURNAL, lambda text: text.replace(b'"t":9,', b'"t":8,', 1)),
        4,
        "{run}/journal/0001.jsonl: line 14: CRC mismatch",
        GOOD_BEFORE_SHARD,
        "damaged; good from t = 0 up to t = 7",
    ),
    Case(
        "a journal line taken out",
        edit_bytes(
            JOURNAL, lambda text: b"".join(text.splitlines(keepends=True)[:13] + text.splitlines(keepends=True)[14:])
        ),
        4,
        "{run}/journal/0001.jsonl: line 14: line 13 of the session is missing",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "zeros at the end of the journal",
        edit_bytes(JOURNAL, lambda text: text + b"\0" * 100),
        0,
        stdout="journal/0001.jsonl: the last line was not finished and does not count",
    ),
    Case(
        "a last line of which a power cut left the beginning and zeros",
        edit_bytes(JOURNAL, lambda text: text + b'{"n":%d,"kind":' % len(text.splitlines()) + b"\0" * 4000),
        0,
        stdout="journal/0001.jsonl: the last line was not finished and does not count",
    ),
    Case(
        "a last line of which a power cut left zeros and the end",
        edit_bytes(JOURNAL, lambda text: text + b"\0" * 4000 + b'"crc":1}\n'),
        0,
        stdout="journal/0001.jsonl: the last line was not finished and does not count",
    ),
    Case(
        "zeros in the middle of the journal",
        edit_bytes(
            JOURNAL, lambda text: b"".join([*text.splitlines(keepends=True)[:-1], b"\0" * 9 + b"\n", b'{"n":0}\n'])
        ),
        4,
        "{run}/journal/0001.jsonl: line 27: not a journal line",
    ),
    Case(
        "foreign bytes at the end of the journal",
        edit_bytes(JOURNAL, lambda text: text + b"abc" + b"\0" * 100),
        4,
        "{run}/journal/0001.jsonl: ends in bytes that no recorder wrote",
    ),
    Case(
        "no session wrote its first line",
        edit_bytes(JOURNAL, lambda _: b""),
        0,
        "",
        None,
        "state     not begun (the recording could not begin: no session wrote its first line)",
    ),
    Case(
        "a journal that is gone",
        all_of(with_session(lambda line: None), remove(JOURNAL)),
        4,
        "{run}/journal/0001.jsonl: missing",
        None,
        "damaged, and nothing before the damage",
    ),
    Case("shard missing", remove(SHARD), 4, "{run}/" + SHARD + ": missing", GOOD_BEFORE_SHARD, "up to t = 7"),
    Case(
        "shard truncated",
        truncate(SHARD, 1000),
        4,
        "{run}/" + SHARD + ": must have 1984 bytes, found 1000",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "shard zero-filled",
        edit_bytes(SHARD, lambda data: bytes(len(data))),
        4,
        "{run}/" + SHARD + ": not a safetensors file (header of 0 bytes in a file of 1984)",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "shard with a flipped bit in its rows",
        edit_bytes(SHARD, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        4,
        "{run}/" + SHARD + ": CRC mismatch in tensor row/update",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "shard with a flipped bit in its header",
        edit_bytes(SHARD, lambda data: data.replace(b"row/update", b"row/upkate", 1)),
        4,
        "{run}/" + SHARD + ": CRC mismatch in the header",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "tensor missing",
        edit_tensors(lambda tensors: tensors.pop("row/update")),
        4,
        "{run}/" + SHARD + ": tensor row/update is missing",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "rows of another length",
        edit_tensors(lambda tensors: tensors.update({"row/update": np.zeros((8, 5), np.float32)})),
        4,
        "{run}/" + SHARD + ": row/update must be F32 [8, 6], found F32 [8, 5]",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "rows of another dtype",
        edit_tensors(lambda tensors: tensors.update({"row/update": np.zeros((8, 6))})),
        4,
        "{run}/" + SHARD + ": row/update must be F32 [8, 6], found F64 [8, 6]",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "rows of other steps",
        edit_tensors(lambda tensors: tensors["row.t/update"].__setitem__(3, 99)),
        4,
        "{run}/" + SHARD + ": row.t/update holds other steps than the journal says",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "scalars out of order",
        edit_tensors(lambda tensors: tensors["scalar.t/loss/add"].__setitem__(0, 99)),
        4,
        "{run}/" + SHARD + ": scalar.t/loss/add must be ≥ 0 and ascending",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "weights of another shape",
        edit_tensors(lambda tensors: tensors.update(w=np.zeros((3, 2), np.float32)), WEIGHTS),
        4,
        "{run}/" + WEIGHTS + ": w must be F32 [2, 3], found F32 [3, 2]",
    ),
    Case(
        "weights truncated",
        truncate(WEIGHTS, 100),
        4,
        "{run}/" + WEIGHTS + ": must have 220 bytes, found 100",
    ),
    Case(
        "gap in the steps",
        edit_lines(lambda lines: lines.remove(shards(lines)[1])),
        4,
        "{run}/journal/0001.jsonl: line 25: gap in the steps: gradient has t = 16 after 7",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "duplicate step",
        edit_lines(lambda lines: shards(lines)[1]["rows"]["update"].insert(0, 7)),
        4,
        "{run}/journal/0001.jsonl: line 22: duplicate step: update at t = 7",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "steps that go back",
        edit_lines(lambda lines: shards(lines)[1]["rows"]["update"].reverse()),
        4,
        "{run}/journal/0001.jsonl: line 22: gap in the steps: update has t = 15 after 7",
        GOOD_BEFORE_SHARD,
    ),
    Case(
        "a parent that is not there",
        with_session(lambda line: line["parent"].update(session=7)),
        4,
        "{run}/journal/0002.jsonl: broken parent pointer",
        (0, 14),
    ),
    Case(
        "a parent at another step",
        with_session(lambda line: line["parent"].update(t=3)),
        4,
        "{run}/journal/0002.jsonl: broken parent pointer",
        (0, 14),
    ),
    Case(
        "a session that is its own parent",
        with_session(lambda line: line["parent"].update(session=2)),
        4,
        "{run}/journal/0002.jsonl: broken parent pointer",
        (0, 14),
    ),
    Case(
        "run.json of another run",
        edit_bytes("run.json", lambda text: text.replace(b'"seed":42', b'"seed":43')),
        4,
        "{run}/run.json: not the one that session 1 wrote: CRC mismatch",
    ),
    Case("run.json cut short", truncate("run.json", 100), 4, "{run}/run.json: not JSON (", None),
    Case(
        "program changed",
        edit_bytes("programs/0001-000.json", lambda text: text.replace(b"nodes", b"codes")),
        4,
        "{run}/programs/0001-000.json: CRC mismatch",
    ),
    Case("probe missing", remove("probes/0001-000.safetensors"), 4, "{run}/probes/0001-000.safetensors: missing"),
    # only a note
    Case(
        "torn last line",
        without_last_line(edit_bytes(JOURNAL, lambda text: text + b'{"n":26,"ki')),
        0,
        stdout="note      journal/0001.jsonl: the last line was not finished and does not count",
    ),
    Case(
        "left-over .part",
        lambda run: (run / "shards" / "0001-000003.safetensors.part").write_bytes(b"half"),
        0,
        stdout="shards/0001-000003.safetensors.part was not finished and does not count",
    ),
    Case("checkpoint missing", remove(WEIGHTS), 0, stdout=WEIGHTS + " is missing: no checkpoint at t = 12"),
    # 5: refused
    Case(
        "absolute name",
        edit_lines(lambda lines: shards(lines)[1].update(file="/etc/passwd")),
        5,
        "{run}/journal/0001.jsonl line 22: file must be a plain file name inside the run, found '/etc/passwd'",
        None,
    ),
    Case(
        "name that leads out",
        edit_lines(lambda lines: shards(lines)[1].update(file="shards/../../x")),
        5,
        "{run}/journal/0001.jsonl line 22: file must be a plain file name inside the run, found 'shards/../../x'",
        None,
    ),
    Case(
        "link that leads out",
        replace(SHARD, lambda path: path.symlink_to("/etc/passwd")),
        5,
        "{run}/" + SHARD + ": must not be a symbolic link or special file",
        None,
    ),
    Case(
        "folder that is a link",
        lambda run: [shutil.rmtree(run / "weights"), (run / "weights").symlink_to("/etc")],
        5,
        "{run}/weights: must not be a symbolic link or special file",
        None,
    ),
    Case(
        "FIFO for a shard",
        replace(SHARD, os.mkfifo),
        5,
        "{run}/" + SHARD + ": must not be a symbolic link or special file",
        None,
    ),
    Case("FIFO for run.json", replace("run.json", os.mkfifo), 5, "{run}/run.json: must be a regular file", None),
    Case(
        "link for run.json",
        replace("run.json", lambda path: path.symlink_to("/dev/zero")),
        5,
        "{run}/run.json: must not be a symbolic link or special file",
        None,
    ),
    Case(
        "run.json over the cap",
        replace("run.json", lambda path: (path.touch(), os.truncate(path, 65 << 20))),
        5,
        "{run}/run.json: must not exceed 67108864 bytes, found 68157440",
        None,
    ),
    Case(
        "sparse run.json",
        replace("run.json", make_giant),
        5,
        "{run}/run.json: sparse file of 1099511627776 bytes",
        None,
    ),
    Case(
        "sparse journal",
        truncate(JOURNAL, 1 << 40),
        5,
        "{run}/" + JOURNAL + ": sparse file of 1099511627776 bytes",
        None,
    ),
    Case(
        "sparse shard",
        a_giant_the_journal_believes_in,
        5,
        "{run}/" + SHARD + ": sparse file of 1099511627776 bytes",
        None,
    ),
    Case(
        "journal line over the cap",
        edit_bytes(JOURNAL, lambda text: text + b"x" * (3 << 20)),
        5,
        "{run}/" + JOURNAL + ": a line must not exceed 1048576 bytes",
        None,
    ),
    Case(
        "duplicate key",
        raw_line(b'{"n":26,"kind":"end","reason":"finished","t":19,"t":7'),
        5,
        "{run}/journal/0001.jsonl line 27: duplicate key 't'",
        None,
    ),
    Case(
        "duplicate key in run.json",
        edit_bytes("run.json", lambda text: text.replace(b'"seed":42', b'"seed":42,"seed":43')),
        5,
        "{run}/run.json: duplicate key 'seed'",
        None,
    ),
    Case(
        "NaN step",
        raw_line(b'{"n":26,"kind":"end","reason":"finished","t":NaN'),
        5,
        "{run}/journal/0001.jsonl line 27: numbers must be finite, found NaN",
        None,
    ),
    Case(
        "bool step",
        raw_line(b'{"n":26,"kind":"end","reason":"finished","t":true'),
        5,
        "{run}/journal/0001.jsonl line 27: t must be an integer ≥ 0, found True",
        None,
    ),
    Case(
        "negative step",
        edit_lines(lambda lines: shards(lines)[0]["rows"]["update"].__setitem__(0, -1)),
        5,
        "{run}/journal/0001.jsonl line 13: rows: update must be a list of integers ≥ 0, found [-1, 1, 2, 3,",
        None,
    ),
    Case(
        "integer beyond doubles",
        raw_line(b'{"n":26,"kind":"end","reason":"finished","t":9007199254740993'),
        5,
        "{run}/journal/0001.jsonl line 27: integers must lie within ±2^53, found 9007199254740993",
        None,
    ),
    Case(
        "selection that does not fit",
        edit_json(lambda members: members["selection"].update(P=10**12)),
        5,
        "{run}/run.json: the selected parameters hold 6 elements, but P is 1000000000000",
        None,
    ),
    Case(
        "shape of bools",
        edit_json(lambda members: members["parameters"][0].update(shape=[True, 6])),
        5,
        "{run}/run.json: parameters[0]: shape must be a list of integers ≥ 0, found [True, 6]",
        None,
    ),
    Case(
        "member missing",
        edit_json(lambda members: members.pop("selection")),
        5,
        "{run}/run.json: selection must be an object, found nothing",
        None,
    ),
    Case(
        "cadence of zero",
        edit_json(lambda members: members["recording"].update(every=0)),
        5,
        "{run}/run.json: recording: every must be an integer ≥ 1, found 0",
        None,
    ),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("catalogue") / "run")


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(run: Path, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.spoil(run)
    assert command(["check", str(run)]) == case.status
    said = capsys.readouterr()
    lines = said.err.splitlines()
    if case.stderr:
        assert len(lines) == 1, said.err
        assert lines[0].startswith("sedscope: " + case.stderr.format(run=run)), said.err
        assert len(lines[0]) < 400
    else:
        assert lines == []
    assert case.stdout.format(run=run) in said.out
    assert not said.out or said.out.splitlines()[-1].startswith("next: sedscope ")
    assert "Traceback" not in said.err + said.out
    if case.good is not None:
        assert_good_prefix(run, case.good)


def assert_good_prefix(path: Path, good: tuple[int, int]) -> None:
    """What stays readable is the recorded t of `good`, with the right numbers."""
    run = open_run(path)
    run.verify()
    assert run.good == good
    for source in ("gradient", "update"):
        if source in run.sources():
            expected = [row(source, t) for t in run.steps(source)]
            assert_array_equal(run.rows(source), expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reading_without_checking_gives_no_wrong_number(run: Path, case: Case) -> None:
    """Whoever skips `check` gets right rows or one clear error."""
    case.spoil(run)
    try:
        opened = open_run(run)
        for source in ("gradient", "update"):
            if source in opened.sources():
                first = opened.steps(source)
                rows = opened.rows(source)
                sessions = [2 if len(opened.sessions) > 1 and t >= 15 and not opened.damage else 1 for t in first]
                assert_array_equal(rows, [row(source, t, n) for t, n in zip(first, sessions, strict=True)])
    except SedscopeError as error:
        assert "\n" not in str(error)


def test_damage_to_what_a_later_session_repeated_costs_nothing(run: Path) -> None:
    with_session(lambda line: None)(run)
    (run / "shards/0001-000002.safetensors").unlink()
    opened = open_run(run)
    assert [str(damage) for damage in opened.damage] == ["shards/0001-000002.safetensors: missing"]
    assert opened.good == (0, 17), "of session 1, t = 15 … 19 was set aside; t = 16 … 19 is lost"
    (run / SHARD).unlink()
    assert open_run(run).good == (0, 7)


def test_a_later_session_that_lost_everything_does_not_bring_back_what_it_left(run: Path) -> None:
    with_session(lambda line: None)(run)
    edit_bytes("journal/0002.jsonl", lambda text: text.replace(b'"n":1,', b'"n":7,'))(run)
    assert open_run(run).good == (0, 14)


def test_a_checkpoint_that_is_missing_disables_only_what_needs_it(run: Path) -> None:
    (run / WEIGHTS).unlink()
    opened = open_run(run)
    assert set(range(20)) - set(opened.weight_steps()) == {12}
    assert set(range(1, 20)) - set(opened.steps("displacement")) == {12, 13}
    assert set(range(20)) - set(opened.steps("adam/weight_decay")) == {12}
    assert len(opened.steps("update")) == 20


def test_a_file_that_shrinks_after_it_was_opened_is_damage(run: Path) -> None:
    opened = open_run(run)
    opened.rows("update", [8])
    os.truncate(run / SHARD, 900)
    with pytest.raises(DamagedError, match=r"must have 1984 bytes, found 900"):
        opened.rows("update", [9])


def test_a_flipped_bit_is_found_by_reading_too(run: Path) -> None:
    edit_bytes(SHARD, lambda data: data[:-1] + bytes([data[-1] ^ 1]))(run)
    opened = open_run(run)
    assert_array_equal(opened.rows("gradient"), [row("gradient", t) for t in range(20)])
    for steps in ([8], None):
        with pytest.raises(DamagedError, match="CRC mismatch in tensor row/update"):
            opened.rows("update", steps)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.chmod(0)
    assert command(["check", str(run)]) == 3
    assert capsys.readouterr().err == f"sedscope: {run}: permission denied\n"
    run.chmod(0o700)


def foreign_names(run: Path) -> Iterator[str]:
    """Every text that a reader hands out."""
    opened = open_run(run)
    yield opened.name
    yield from opened.tasks
    yield from opened.sources()
    yield from opened.scalar_names()
    yield from (note.message for note in opened.notes)
    yield from (block.name for block in opened.manifest.blocks)
    yield from opened.weights(0)
    yield from opened.manifest.command


def test_foreign_text_is_printable_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = f"a{OSC}\u202e\u2028\ud800\n"
    parameters = [manifest()["parameters"][0] | {"name": f"w{OSC}"}]
    block = manifest()["blocks"][0] | {"name": f"q{OSC}", "parameter": f"w{OSC}"}
    changes = {"name": evil, "command": [evil], "tasks": [evil], "parameters": parameters, "blocks": [block]}
    writer = RunWriter.create(tmp_path / "run", manifest(**changes))
    writer.rows(f"gradient/{evil}"[:-3], 0, np.ones(6, np.float32))
    writer.scalars(0, {f"metric/{OSC}": 1.0})
    writer.weights(0, {f"w{OSC}": np.ones((2, 3), np.float32)})
    writer.note(evil, evil)
    writer.close("finished")
    texts = list(foreign_names(tmp_path / "run"))
    assert all(text.isprintable() for text in texts)
    assert r"a\x1b]52;c;Zm9v\x07\u202e\u2028\ud800\x0a" in texts
    run = open_run(tmp_path / "run")
    assert_array_equal(run.rows(run.sources()[0]), np.ones((1, 6)))
    assert_array_equal(run.selected(0), np.ones(6))
    assert command(["check", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_a_folder_with_a_damaged_run_checks_the_rest(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, spoil in {"a": remove(SHARD), "b": lambda run: None, "c": replace("run.json", os.mkfifo)}.items():
        spoil(Path(shutil.copytree(whole, tmp_path / name)))
    assert command(["check", str(tmp_path)]) == 4
    said = capsys.readouterr()
    assert [line.split(": ")[1].removeprefix(f"{tmp_path}/") for line in said.err.splitlines()] == [
        "a/" + SHARD,
        "c/run.json",
    ]
    assert f"{tmp_path}/b: whole" in said.out
