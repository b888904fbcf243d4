"""A whole `RunAnalysis` as one entry of the cache, so that a question asked again is answered by reading one file.

Decides how results become bytes and back. Reading is led by the declared types of `results`, never by the bytes: what
does not fit them exactly counts as missing, and every string comes back printable. Leaves to others: when an analysis
may be kept, and under which key (`analyse`); files (`cache`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from math import prod
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from recorders.errors import UsageError
from sedscope.analysis.arrays import Floats
from sedscope.analysis.cache import Arrays
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.runs import printable

LONGEST_STRING = 4096
_TREE, _NUMBERS = "tree", "numbers"


def to_arrays(analysis: RunAnalysis) -> Arrays:
    """The entry of an analysis: all its arrays in one vector of float64, the rest as JSON bytes."""
    writer = _Writer()
    text = json.dumps(writer.write(analysis), separators=(",", ":"))
    numbers = np.concatenate([np.empty(0), *writer.parts])
    return {_TREE: np.frombuffer(text.encode(), np.uint8), _NUMBERS: numbers}


def from_arrays(arrays: Mapping[str, Any]) -> RunAnalysis | None:
    """The analysis of an entry; None where it does not fit the declared types."""
    try:
        tree, numbers = arrays[_TREE], arrays[_NUMBERS]
        if tree.dtype != np.uint8 or numbers.dtype != np.float64 or numbers.ndim != 1:
            return None
        analysis = _Reader(numbers).read(RunAnalysis, json.loads(tree.tobytes()))
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError, UsageError):
        return None
    return analysis if isinstance(analysis, RunAnalysis) else None


class _Writer:
    """JSON of values. A dataclass is `{name: [its fields]}`, an array `[where its numbers start, its shape…]`."""

    def __init__(self) -> None:
        self.parts: list[Floats] = []
        self._written = 0

    def write(self, value: Any) -> Any:
        if is_dataclass(value):
            return {type(value).__name__: [self.write(getattr(value, field.name)) for field in fields(value)]}
        if isinstance(value, tuple):
            return [self.write(item) for item in value]
        if isinstance(value, np.ndarray):
            return self._array(value)
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, value: Floats) -> list[int]:
        start = self._written
        self.parts.append(np.asarray(value, dtype=np.float64).ravel())
        self._written += value.size
        return [start, *value.shape]


class _Reader:
    """Reads values of declared types; anything else is a ValueError.

    Args:
        numbers: All arrays of the entry, one after the other.
    """

    def __init__(self, numbers: Floats) -> None:
        self._numbers = numbers

    def read(self, kind: Any, data: Any) -> Any:
        """A value of type `kind`."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return self._first_that_fits(arguments, data)
        if origin is tuple:
            return self._tuple(arguments, data)
        if origin is np.ndarray:
            return self._array(data)
        if origin is Literal:
            _require(data in arguments)
            return data
        return self._dataclass(kind, data) if is_dataclass(kind) else _plain(kind, data)

    def _first_that_fits(self, kinds: tuple[Any, ...], data: Any) -> Any:
        for kind in kinds:
            try:
                return self.read(kind, data)
            except ValueError:
                continue
        raise ValueError("no declared type fits")

    def _tuple(self, kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
        _require(isinstance(data, list))
        if kinds[-1] is Ellipsis:
            return tuple(self.read(kinds[0], item) for item in data)
        return tuple(self.read(kind, item) for kind, item in zip(kinds, data, strict=True))

    def _dataclass(self, kind: Any, data: Any) -> Any:
        _require(isinstance(data, dict) and list(data) == [kind.__name__])
        hints = _hints(kind)
        (values,) = data.values()
        _require(isinstance(values, list))
        return kind(*(self.read(hint, value) for hint, value in zip(hints, values, strict=True)))

    def _array(self, data: Any) -> Floats:
        _require(isinstance(data, list) and all(type(item) is int and item >= 0 for item in data) and bool(data))
        start, *shape = data
        part = self._numbers[start : start + prod(shape)]
        return part.reshape(shape)


@lru_cache
def _hints(kind: Any) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind))


def _plain(kind: Any, data: Any) -> Any:
    if kind is float:
        _require(type(data) in (int, float))
        return float(data)
    if kind is str:
        _require(isinstance(data, str))
        return printable(data, LONGEST_STRING)
    _require(kind in (int, bool, NoneType) and type(data) is kind)
    return data


def _require(fits: bool) -> None:
    if not fits:
        raise ValueError("not what the declared type holds")
