"""Stored states of the model, whole or only the selected parameters.

Decides how a checkpoint is read and checked against the parameter table. What is derived from several is left to
`derived`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.errors import UsageError
from sedscope.runs.files.json_lines import TensorFile
from sedscope.runs.files.tensors import OpenTensors, TensorStore
from sedscope.runs.manifest import Manifest, Parameter
from sedscope.runs.rows import Columns, Floats


def read_weights(tensors: TensorStore, file: TensorFile, names: Iterable[str] | None) -> dict[str, NDArray[Any]]:
    """Arrays by printable state-dict name; all of them for None. bfloat16 comes as float32.

    Raises:
        UsageError: a name that the checkpoint does not have.
        DamagedError: missing, or not what was written.
    """
    with tensors.open(file) as opened:
        wanted = list(opened.tensors) if names is None else list(names)
        if unknown := [name for name in wanted if name not in opened.tensors]:
            known = ", ".join(sorted(opened.tensors)[:20])
            raise UsageError(f"names: {unknown[0]} is not in the checkpoint; it has {known}")
        return {name: opened.read(name) for name in wanted}


def read_selected(tensors: TensorStore, file: TensorFile, manifest: Manifest, columns: Columns) -> Floats:
    """The selected parameters of a checkpoint, flattened in the order of a row: `[columns]`.

    float64 where a selected parameter is, else float32.
    """
    first, count = columns
    with tensors.open(file) as opened:
        parts = [_part(opened, parameter, first, first + count) for parameter in manifest.selected]
    return np.concatenate([part for part in parts if len(part)] or [np.empty(0, np.float32)])


def _part(opened: OpenTensors, parameter: Parameter, first: int, stop: int) -> Floats:
    """The columns `first` ≤ column < `stop` as far as they lie in `parameter`."""
    offset = parameter.offset or 0
    start, end = max(first, offset), min(stop, offset + parameter.size)
    if start >= end:
        return np.empty(0, np.float32)
    opened.expect(parameter.name, opened[parameter.name].dtype, parameter.shape)
    part = opened.elements(parameter.name, start - offset, end - start)
    return part if part.dtype == np.float64 else part.astype(np.float32, copy=False)
