"""Files of a report are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from recorders.errors import InputOutputError
from sedscope.report.formats.whole_files import prepare_folder, write_whole


def test_a_file_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    write_whole(path, "before")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(InputOutputError, match=r"report.json: cannot be written: No space left on device$"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputOutputError, match=r"file/out: cannot be written: Not a directory$"):
        prepare_folder(tmp_path / "file" / "out")


def _umask() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("Umask")).split()[1], 8)
