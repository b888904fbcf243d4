"""The cache: what it keeps, what it does not believe, and where it lives."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sedscope.analysis import cache as module
from sedscope.analysis import constants
from sedscope.analysis.cache import Cache, cache_folder, digest
from sedscope.analysis.coupling.parameter_blocks import RandomBlockGram
from sedscope.analysis.features.centroid_spectrum import CentroidSpectrum
from sedscope.analysis.pipeline.block_couplings import RandomBlockMeasurement
from sedscope.analysis.pipeline.span import RowGramMeasurement
from sedscope.analysis.result_codec import from_arrays, to_arrays
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import Variant
from sedscope.analysis.spectra.gram import BandedGram
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.undefined import Undefined

KEY = {"t": 25, "source": "update", "crc": "00ff"}
ARRAYS = {"A": np.arange(6.0).reshape(2, 3), "t": np.array([1, 2])}


def small_source() -> SourceRows:
    values = np.arange(12.0).reshape(3, 4)
    return SourceRows(
        "update", np.arange(3), 4, lambda start, stop, columns: values[start:stop, columns], "{}:{}".format
    )


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
    cache = Cache(tmp_path / "run")
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.load("coupling", KEY | change) is None
    assert cache.load("gram", KEY) is None


@pytest.mark.parametrize("name", sorted(constants.numerical_constants()))
def test_a_changed_constant_finds_no_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cache = Cache(tmp_path / "run")
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.load("coupling", KEY) is not None
    value = getattr(constants, name)
    monkeypatch.setattr(constants, name, (*value, 1.0) if isinstance(value, tuple) else value + 1)
    assert cache.load("coupling", KEY) is None


def test_constants_that_move_no_number_are_named_here() -> None:
    """A new number in the rooms of the analysis belongs to the constants, unless it bounds memory or a text."""
    moves_nothing = {
        "SPOOL_FROM_BYTES": "memory", "IGNORED": "torch's own mark of a target that is left out",
        "_HALVINGS": "far below rounding", "_UNIFORM": "the variance of a uniform number is 1/12",
        "_LISTED": "a message", "LONGEST_STRING": "a text", "MAX_ENTRY_BYTES": "memory", "MAX_CACHE_BYTES": "disk",
        "ABOVE_FLOOR": "read by faces, from results", "DEFAULT_CHECKPOINTS": "a setting's default",
        "LEAST_BLOCK_PROBES": "a setting's bound", "KEPT_DIRECTIONS": "memory",
        "LONGEST_KEPT": "memory",
    }  # fmt: skip
    root = Path(module.__file__).parent
    found = {
        name: str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.name != "constants.py"
        for name in re.findall(r"^(_?[A-Z][A-Z_]*)(?:: Final)? = \(?-?[0-9.]", path.read_text(), re.MULTILINE)
    }
    assert set(found) <= set(moves_nothing), found


def test_a_key_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        digest({"x": object()})
    with pytest.raises(ValueError):
        digest({"x": float("nan")})


@pytest.mark.parametrize("position", [0, 9, -1])
def test_a_damaged_entry_counts_as_missing(tmp_path: Path, position: int) -> None:
    cache = Cache(tmp_path / "run")
    cache.keep("coupling", KEY, ARRAYS)
    entry = only_entry(tmp_path / "run")
    data = bytearray(entry.read_bytes())
    data[position] ^= 0xFF
    entry.write_bytes(data)
    assert cache.load("coupling", KEY) is None
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.load("coupling", KEY) is not None


@pytest.mark.parametrize("length", [0, 5, 100])
def test_a_truncated_entry_counts_as_missing(tmp_path: Path, length: int) -> None:
    cache = Cache(tmp_path / "run")
    cache.keep("coupling", KEY, ARRAYS)
    os.truncate(only_entry(tmp_path / "run"), length)
    assert cache.load("coupling", KEY) is None


def test_a_pipe_a_link_or_a_folder_in_place_of_an_entry_is_not_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "derived")
    cache.keep("coupling", KEY, ARRAYS)
    entry = only_entry(tmp_path / "derived")
    elsewhere = entry.rename(tmp_path / "elsewhere")
    os.mkfifo(entry)
    assert cache.load("coupling", KEY) is None
    entry.unlink()
    entry.symlink_to(elsewhere)
    assert cache.load("coupling", KEY) is None
    entry.unlink()
    entry.mkdir()
    assert cache.load("coupling", KEY) is None


def test_an_interrupt_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path / "run").keep("coupling", KEY, ARRAYS)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_full_disk_is_said_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    cache = Cache(tmp_path / "run")
    cache.keep("coupling", KEY, ARRAYS)
    assert cache.failure == f"{tmp_path / 'run'}: derived results are not kept: No space left on device"
    assert list((tmp_path / "run").iterdir()) == []


def test_the_cache_lives_outside_the_run_and_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    run, copy = tmp_path / "run", tmp_path / "copy"
    run.mkdir()
    copy.mkdir()
    folder = cache_folder(run, "digest")
    assert folder.parent == tmp_path / "home" / "sedscope" / "results"
    assert len({folder, cache_folder(copy, "digest"), cache_folder(run, "other")}) == 3
    run.rename(tmp_path / "moved")
    assert cache_folder(tmp_path / "moved", "digest") == folder


def test_only_this_user_reaches_the_results(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "results" / "run")
    umask = os.umask(0)
    try:
        cache.keep("coupling", KEY, ARRAYS)
    finally:
        os.umask(umask)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "results", cache.folder, only_entry(cache.folder))]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_results_that_others_can_write_are_neither_read_nor_kept(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "results"
    Cache(root / "run").keep("coupling", KEY, ARRAYS)
    root.chmod(mode)
    cache = Cache(root / "run")
    assert cache.load("coupling", KEY) is None
    cache.keep("coupling", {**KEY, "t": 50}, ARRAYS)
    assert cache.failure is not None and f"{root}: must be a folder that user {os.geteuid()} alone writes to" in (
        cache.failure
    )
    assert len(list((root / "run").iterdir())) == 1


def test_results_of_another_user_or_behind_a_link_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cache(tmp_path / "results" / "run").keep("coupling", KEY, ARRAYS)
    (tmp_path / "link").symlink_to(tmp_path / "results")
    assert Cache(tmp_path / "link" / "run").load("coupling", KEY) is None
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert Cache(tmp_path / "results" / "run").load("coupling", KEY) is None


def test_one_more_run_makes_those_go_that_were_written_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("oldest", "older", "newest")):
        Cache(tmp_path / name).keep("coupling", KEY, ARRAYS)
        os.utime(tmp_path / name, (number, number))
    size = only_entry(tmp_path / "oldest").stat().st_size
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 2 * size)
    Cache(tmp_path / "more").keep("coupling", KEY, ARRAYS)
    assert {path.name for path in tmp_path.iterdir()} == {"older", "newest", "more"}


@pytest.mark.parametrize("odd", [np.ones(2, dtype=bool), np.ones(2, dtype=np.complex64)], ids=["bool", "complex"])
def test_an_entry_of_anything_but_real_numbers_counts_as_missing(tmp_path: Path, odd: np.ndarray) -> None:
    Cache(tmp_path / "run").keep("coupling", KEY, {"A": odd})
    assert Cache(tmp_path / "run").load("coupling", KEY) is None


ENTRY = to_arrays(BandedGram(np.ones((3, 5)), 3))


@pytest.mark.parametrize(
    "poison",
    [
        {"x": np.zeros(1)},
        {**ENTRY, "numbers": np.zeros(0)},
        {**ENTRY, "numbers": np.ones(15, dtype=np.int64)},
        {**ENTRY, "x": np.zeros(1)},
        to_arrays(BandedGram(np.ones((3, 3)), 2)),
        to_arrays(BandedGram(np.ones((3, 5)), 4)),
        to_arrays(Undefined("somebody says so")),
    ],
    ids=["other name", "other length", "other dtype", "one more", "other shape", "other size", "other type"],
)
def test_a_kept_gram_is_believed_only_where_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poison: dict[str, np.ndarray]
) -> None:
    context: Any = SimpleNamespace(cache=Cache(tmp_path / "run"), settings=Settings())
    gram = RowGramMeasurement(context, Variant("update"), small_source())
    context.cache.keep("gram", gram.key(), to_arrays(gram.compute()))
    gram.look_up()
    assert gram.value is not None
    np.testing.assert_array_equal(gram.result().band, gram.compute().band)
    monkeypatch.setattr(context.cache, "load", lambda *_: poison)
    again = RowGramMeasurement(context, Variant("update"), small_source())
    again.look_up()
    assert again.value is None


def test_kept_counts_must_be_counts() -> None:
    kind: Any = CentroidSpectrum
    for n_probes in (True, 3.5, "3", None):
        assert from_arrays(kind, to_arrays(CentroidSpectrum(np.ones(3), n_probes))) is None
    context: Any = SimpleNamespace(settings=Settings(random=2), blocks=[None], n_groups=lambda _: 1)
    blocks = RandomBlockMeasurement(context, 0, "add")
    fitting = RandomBlockGram(np.ones((2, 1, 1, 1)), np.ones((2, 1)), np.array([3]))
    assert blocks.fits(fitting)
    assert not blocks.fits(replace(fitting, counts=np.array(3)))
    assert not blocks.fits(replace(fitting, sums=np.ones((2, 1, 1))))
