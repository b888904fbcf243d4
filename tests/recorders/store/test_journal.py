"""The journal: what a line looks like, and which lines count."""

from __future__ import annotations

import json
import os
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.errors import DamagedError, RefusedError
from recorders.format import MAX_JOURNAL_LINE
from recorders.store.journal import JournalWriter, decode_line, encode_line

LINE = {"n": 3, "kind": "note", "message": 'a,"crc":7}\n\ud800', "t": None}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_line_is_json_with_the_crc_of_what_stands_before_it() -> None:
    line = encode_line({"n": 0, "kind": "end", "reason": "finished", "t": 40})
    head = b'{"n":0,"kind":"end","reason":"finished","t":40'
    assert line == head + b',"crc":%d}\n' % crc32(head)
    assert json.loads(line)["t"] == 40


def test_a_message_may_look_like_a_crc_and_hold_a_lone_surrogate() -> None:
    assert decode_line(encode_line(LINE)[:-1], "here") == LINE


@given(st.dictionaries(st.text().filter(lambda key: key != "crc"), values, min_size=1, max_size=4))
def test_what_is_encoded_is_decoded(members: dict[str, object]) -> None:
    line = encode_line(members)
    assert line.count(b"\n") == 1
    assert decode_line(line[:-1], "here") == members


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_changed_byte_is_noticed(position: int, change: int) -> None:
    line = bytearray(encode_line(LINE)[:-1])
    line[position % len(line)] ^= change
    with pytest.raises(DamagedError, match=r"here: (CRC mismatch|not a journal line)"):
        decode_line(bytes(line), "here")


@pytest.mark.parametrize("text", [b"", b"{}", b'{"a":1}', b'{"a":1,"crc":}', b'{"a":1,"crc":99999999999}', b"\0" * 50])
def test_what_is_no_line_is_damage(text: bytes) -> None:
    with pytest.raises(DamagedError, match="here: "):
        decode_line(text, "here")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b'{"t":1,"t":2', "duplicate key 't'"),
        (b'{"t":NaN', "must be finite, found NaN"),
        (b'{"t":-Infinity', "must be finite, found -Infinity"),
        (b'{"t":1e999', "must be finite, found 1e999"),
        (b'{"t":9007199254740993', "within ±2^53, found 9007199254740993"),
        (b'{"t":' + b"9" * 5000, "within ±2^53, found 999"),
        (b'{"t":' + b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    ],
)
def test_json_that_is_whole_but_unacceptable_is_refused(head: bytes, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        decode_line(head + b',"crc":%d}' % crc32(head), "here")
    assert str(caught.value).startswith("here: ")
    assert reason in str(caught.value)


def test_the_example_of_the_specification_is_a_line() -> None:
    page = Path(__file__).parents[3] / "docs" / "run-format.md"
    examples = [line.strip() for line in page.read_text().splitlines() if line.startswith('    {"n":')]
    assert len(examples) == 1
    assert encode_line(decode_line(examples[0].encode(), "docs")) == f"{examples[0]}\n".encode()


def test_a_line_too_long_for_readers_is_not_written() -> None:
    with pytest.raises(ValueError, match="must not exceed"):
        encode_line({"message": "x" * MAX_JOURNAL_LINE})


def test_the_writer_numbers_its_lines(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, 1)
    writer.append("note", message="a")
    writer.append("end", t=3)
    writer.close()
    text = (tmp_path / "journal" / "0001.jsonl").read_bytes()
    assert [decode_line(line, "here")["n"] for line in text.splitlines()] == [0, 1]


def test_a_journal_of_another_session_is_never_appended_to(tmp_path: Path) -> None:
    JournalWriter(tmp_path, 1).close()
    with pytest.raises(FileExistsError):
        JournalWriter(tmp_path, 1)


def test_a_line_that_the_disk_did_not_take_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path, 1)
    writer.append("note", message="before")
    real = os.write

    def half(fd: int, buffer: bytes | memoryview) -> int:
        if len(buffer) < 10:
            raise OSError(28, "No space left on device")
        return real(fd, memoryview(buffer)[: len(buffer) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            writer.append("note", message="lost")
    writer.append("note", message="after")
    writer.close()
    lines = (tmp_path / "journal" / "0001.jsonl").read_bytes().splitlines()
    assert [decode_line(line, "here")["message"] for line in lines] == ["before", "after"]
