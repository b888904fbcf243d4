"""Stored states of the model, all of it or only the selected parameters.

Decides how a checkpoint is read and checked against the parameter table. What is derived from several is left to
`derived`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from sedscope.runs.files.journal_lines import TensorFile
from sedscope.runs.files.tensors import OpenTensors, TensorStore
from sedscope.runs.manifest import Manifest, RecordedParameter
from sedscope.runs.rows import Columns, Floats


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
