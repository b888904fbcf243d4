"""Files of foreign folders: nothing but a regular file is opened, and no call waits."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from recorders.errors import RefusedError
from recorders.store.regular_file import is_real_folder, open_regular, read_regular, regular_lines


def bind_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's name must be short
        try:
            end.bind(path.name)
        finally:
            os.chdir(here)


OTHERS: dict[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to("/etc/hostname"),
    "broken link": lambda path: path.symlink_to("gone"),
    "loop": lambda path: path.symlink_to(path.name),
    "FIFO": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": bind_socket,
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_nothing_but_a_regular_file_is_opened(tmp_path: Path, kind: str, flags: int) -> None:
    OTHERS[kind](tmp_path / "file")
    with pytest.raises(RefusedError, match="file: must be a regular file"):
        open_regular(tmp_path / "file", flags)
    assert not (tmp_path / "gone").exists()


def test_a_file_is_read_up_to_its_cap(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc\nde\nf")
    assert read_regular(tmp_path / "file", 8) == b"abc\nde\nf"
    with pytest.raises(RefusedError, match="must not exceed 7 bytes"):
        read_regular(tmp_path / "file", 7)
    assert list(regular_lines(tmp_path / "file", 4)) == [b"abc", b"de"]
    assert list(regular_lines(tmp_path / "file", 2)) == []


def test_a_link_to_a_folder_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert is_real_folder(tmp_path)
    assert not is_real_folder(tmp_path / "link") and not is_real_folder(tmp_path / "missing")
