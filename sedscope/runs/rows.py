"""Stored rows and states: steps and columns of a source, a checkpoint or its selected parameters.

Decides how both are read and checked against the manifest. Which of them count is decided in `history`, what
can be derived in `derived`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from recorders.format import ROW_PREFIX, ROW_T_PREFIX
from sedscope.runs.files.journal_lines import ShardLine, TensorFile
from sedscope.runs.files.tensors import OpenTensors, TensorStore
from sedscope.runs.history import History, RowIndex
from sedscope.runs.manifest import Manifest, RecordedParameter

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


def read_weights(tensors: TensorStore, file: TensorFile, names: Iterable[str] | None) -> dict[str, NDArray[Any]]:
    """Read arrays by printable state-dict name; all of them for None. bfloat16 comes as float32.

    Raises:
        UsageError: a name that the checkpoint does not have.
        DamagedError: missing, or not what was written.
    """
    with tensors.open(file) as opened:
        chosen_names = list(opened.tensors) if names is None else list(names)
        if unknown := [name for name in chosen_names if name not in opened.tensors]:
            stored = ", ".join(sorted(opened.tensors)[:20])
            raise UsageError(f"names: {unknown[0]} is not in the checkpoint; it has {stored}")
        return {name: opened.read(name) for name in chosen_names}


def read_selected(tensors: TensorStore, file: TensorFile, manifest: Manifest, columns: Columns) -> Floats:
    """Read the selected parameters of a checkpoint, flattened in the order of a row: `[columns]`.

    float64 where a selected parameter is, else float32.
    """
    first, count = columns
    with tensors.open(file) as opened:
        pieces = [_columns_of(opened, parameter, first, first + count) for parameter in manifest.selected]
    return np.concatenate([piece for piece in pieces if len(piece)] or [np.empty(0, np.float32)])


def _columns_of(opened: OpenTensors, parameter: RecordedParameter, first: int, stop: int) -> Floats:
    """Read the columns `first` ≤ column < `stop` as far as they lie in `parameter`."""
    offset = parameter.offset or 0
    start, end = max(first, offset), min(stop, offset + parameter.size)
    if start >= end:
        return np.empty(0, np.float32)
    opened.expect(parameter.name, opened[parameter.name].dtype, parameter.shape)
    elements = opened.elements(parameter.name, start - offset, end - start)
    return elements if elements.dtype == np.float64 else elements.astype(np.float32, copy=False)
