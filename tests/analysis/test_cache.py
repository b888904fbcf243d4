"""The cache: what it keeps, what it does not believe, and where it lives."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from sedscope.analysis import cache as module
from sedscope.analysis.cache import Cache, cache_folder, digest

KEY = {"t": 25, "source": "update", "crc": "00ff"}
ARRAYS = {"A": np.arange(6.0).reshape(2, 3), "t": np.array([1, 2])}


def only_entry(folder: Path) -> Path:
    (entry,) = folder.iterdir()
    return entry


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    Cache(tmp_path / "derived").keep("coupling", KEY, ARRAYS)
    found = Cache(tmp_path / "derived").load("coupling", dict(reversed(KEY.items())))
    assert found is not None
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("change", [{"t": 50}, {"source": "gradient"}, {"crc": "00fe"}, {"more": 1}])
def test_another_key_is_another_entry(tmp_path: Path, change: dict[str, object]) -> None:
    cache = Cache(tmp_path)
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.load("coupling", KEY | change) is None
    assert cache.load("gram", KEY) is None


def test_new_numerics_find_no_old_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(KEY)
    monkeypatch.setattr(module, "NUMERICS_VERSION", module.NUMERICS_VERSION + 1)
    assert digest(KEY) != before


def test_a_key_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        digest({"x": object()})
    with pytest.raises(ValueError):
        digest({"x": float("nan")})


@pytest.mark.parametrize("position", [0, 9, -1])
def test_a_damaged_entry_counts_as_missing(tmp_path: Path, position: int) -> None:
    cache = Cache(tmp_path)
    cache.keep("coupling", KEY, ARRAYS)
    entry = only_entry(tmp_path)
    data = bytearray(entry.read_bytes())
    data[position] ^= 0xFF
    entry.write_bytes(data)
    assert cache.load("coupling", KEY) is None
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.load("coupling", KEY) is not None


@pytest.mark.parametrize("length", [0, 5, 100])
def test_a_truncated_entry_counts_as_missing(tmp_path: Path, length: int) -> None:
    cache = Cache(tmp_path)
    cache.keep("coupling", KEY, ARRAYS)
    os.truncate(only_entry(tmp_path), length)
    assert cache.load("coupling", KEY) is None


def test_a_pipe_or_a_link_in_place_of_an_entry_is_not_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "derived")
    cache.keep("coupling", KEY, ARRAYS)
    entry = only_entry(tmp_path / "derived")
    elsewhere = entry.rename(tmp_path / "elsewhere")
    os.mkfifo(entry)
    assert cache.load("coupling", KEY) is None
    entry.unlink()
    entry.symlink_to(elsewhere)
    assert cache.load("coupling", KEY) is None


def test_an_interrupt_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path).keep("coupling", KEY, ARRAYS)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    cache = Cache(tmp_path)
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.failure == f"{tmp_path}: derived results are not kept: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_the_cache_lives_in_the_run_or_outside_a_read_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder(tmp_path, "id") == tmp_path / "derived"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    outside = cache_folder(tmp_path, "id")
    assert tmp_path / "derived" not in (outside, *outside.parents)
    assert outside == cache_folder(tmp_path / "moved", "id") != cache_folder(tmp_path, "other")
