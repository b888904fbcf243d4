"""The scalars of every optimizer step, of all sessions, in the order of t.

Decides what repeated values at one t mean: the last one counts, those of `skipped` add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recorders.format import SCALAR_PREFIX, SCALAR_T_PREFIX, SKIPPED
from sedscope.runs.files.journal_lines import TensorFile
from sedscope.runs.files.tensors import OpenTensors, TensorStore
from sedscope.runs.history import History, Stretch

if TYPE_CHECKING:
    import polars

Series = tuple[NDArray[np.int64], NDArray[np.float64]]
"""t [m], ascending and unique, and values [m]."""


def all_series(tensors: TensorStore, history: History, read: dict[TensorFile, dict[str, Series]]) -> dict[str, Series]:
    """Return every scalar by name; a shard that is not in `read` is opened and put there."""
    pieces: dict[str, list[Series]] = {}
    for stretch, line in history.shards:
        # A shard that begins beyond the stretch may be the damaged one that ended it: it is not opened.
        if line.scalars is not None and line.scalars[0] < stretch.stop:
            if line.file not in read:
                with tensors.open(line.file) as file:
                    read[line.file] = read_scalars(file)
            for name, series in read[line.file].items():
                pieces.setdefault(name, []).append(_within(stretch, series))
    return {name: _joined(name, series) for name, series in pieces.items()}


def read_scalars(file: OpenTensors) -> dict[str, Series]:
    """Read the scalars of one shard; raises `DamagedError` where t and values do not belong together."""
    names = [name.removeprefix(SCALAR_PREFIX) for name in file.tensors if name.startswith(SCALAR_PREFIX)]
    return {name: _series(file, name) for name in names}


def frame(series: dict[str, Series]) -> polars.DataFrame:
    """Return one long frame with the columns t, name, value."""
    import polars as pl

    parts = [
        pl.DataFrame({"t": t, "name": pl.Series([name], dtype=pl.String).new_from_index(0, len(t)), "value": value})
        for name, (t, value) in series.items()
    ]
    schema = {"t": pl.Int64, "name": pl.String, "value": pl.Float64}
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _series(file: OpenTensors, name: str) -> Series:
    length = file[SCALAR_T_PREFIX + name].shape
    file.expect(SCALAR_T_PREFIX + name, "I64", length[:1])
    file.expect(SCALAR_PREFIX + name, "F64", length[:1])
    t = file.read(SCALAR_T_PREFIX + name)
    if len(t) and (t[0] < 0 or (np.diff(t) < 0).any()):
        file.damaged(f"{SCALAR_T_PREFIX}{name} must be ≥ 0 and ascending")
    return t, file.read(SCALAR_PREFIX + name)


def _within(stretch: Stretch, series: Series) -> Series:
    t, value = series
    held = (t >= stretch.start) & (t < stretch.stop)
    return t[held], value[held]


def _joined(name: str, pieces: list[Series]) -> Series:
    t = np.concatenate([piece[0] for piece in pieces])
    value = np.concatenate([piece[1] for piece in pieces])
    order = np.argsort(t, kind="stable")
    t, value = t[order], value[order]
    is_last = np.append(t[1:] != t[:-1], True)[: len(t)]
    if name == SKIPPED and len(t):
        first = np.flatnonzero(np.append(True, is_last[:-1]))
        return t[is_last], np.add.reduceat(value, first)
    return t[is_last], value[is_last]
