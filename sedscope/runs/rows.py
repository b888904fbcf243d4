"""Stored rows: steps and columns of a source, and nothing else of the run.

Decides how rows are read from shards and checked against the manifest. Which rows count is decided in `history`, what
can be derived in `derived`.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from recorders.format import ROW_PREFIX, ROW_T_PREFIX
from sedscope.runs.files.journal_lines import ShardLine
from sedscope.runs.files.tensors import OpenTensors, TensorStore
from sedscope.runs.history import History, RowIndex
from sedscope.runs.manifest import Manifest

Floats = NDArray[np.floating]
Steps = NDArray[np.int64]
Columns = tuple[int, int]
"""First column and number of columns."""

_FILE_DTYPE = {"float32": "F32", "float64": "F64"}


def read_rows(
    tensors: TensorStore, manifest: Manifest, history: History, source: str, steps: Steps, columns: Columns
) -> Floats:
    """Read rows `[n, columns]` of a stored source at the given steps, each of which it must have."""
    index = history.rows[source]
    indices = positions(source, stored_steps(index), steps)
    out = np.empty((len(steps), columns[1]), dtype=manifest.row_dtype)
    for number, group in groupby(range(len(steps)), key=lambda at: index.shard[indices[at]]):
        line = history.shards[number][1]
        with tensors.open(line.file) as file:
            check_rows(file, line, source, manifest)
            for at in group:
                file.row_into(ROW_PREFIX + source, index.row[indices[at]], columns[0], out[at])
    return out


def check_rows(file: OpenTensors, line: ShardLine, source: str, manifest: Manifest) -> None:
    """Raise `DamagedError` unless a shard's tensors of `source` are what journal and manifest say."""
    steps = line.rows[source]
    file.expect(ROW_PREFIX + source, _FILE_DTYPE[manifest.row_dtype], (len(steps), manifest.P))
    file.expect(ROW_T_PREFIX + source, "I64", (len(steps),))
    if tuple(file.read(ROW_T_PREFIX + source).tolist()) != steps:
        file.damaged(f"{ROW_T_PREFIX}{source} holds other steps than the journal says")


def positions(source: str, recorded: Steps, steps: Steps) -> NDArray[np.intp]:
    """Return the index of each of `steps` in the ascending `recorded`; `UsageError` for one that is not there."""
    indices = np.searchsorted(recorded, steps)
    count = len(recorded)
    missing = (indices == count) | (recorded[np.minimum(indices, count - 1)] != steps) if count else steps >= 0
    if missing.any():
        spread = f"t = {recorded[0]} … {recorded[-1]} ({count} rows)" if count else "no rows"
        raise UsageError(f"steps: {source} has no row at t = {steps[missing][0]}; it has {spread}")
    return indices


def stored_steps(index: RowIndex) -> Steps:
    """Return the recorded t of a stored source, ascending."""
    return np.array(index.t, dtype=np.int64)
