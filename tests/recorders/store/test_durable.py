"""Files that are complete or absent: what a failure leaves behind, and who may read them."""

import os
import stat
from pathlib import Path

import pytest

from recorders.store import durable


def test_a_replaced_file_is_complete_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.replace_file(path, b"one")
    durable.replace_file(path, memoryview(b"two"))
    assert path.read_bytes() == b"two" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("private", "mode"), [(False, 0o640), (True, 0o600)])
def test_who_may_read_it(tmp_path: Path, private: bool, mode: int) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        durable.replace_file(path, b"", private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("write", [durable.replace_file, lambda path, content: durable.write_file(path, [content])])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def full(fd: int, buffer: durable.Buffer) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write_all", full)
    with pytest.raises(OSError, match="No space"):
        write(path, b"after")  # type: ignore[operator]
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]
