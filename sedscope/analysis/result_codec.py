"""Cached results as arrays and back: one codec for every dataclass that the analysis keeps.

Decides how results become bytes. Reading is led by the declared types of the fields, never by the bytes: what does not
fit them exactly counts as missing, nothing is unpickled, and every string comes back printable. Leaves to others: files
(`cache`), and whether arrays have the shapes that a question implies (`pipeline.measure`).
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
from sedscope.analysis.cache import Arrays
from sedscope.runs.text import printable

LONGEST_STRING = 4096
_TREE = "tree"
_VECTORS = {"numbers": np.dtype(np.float64), "integers": np.dtype(np.int64)}
"""One vector for each dtype: thousands of short arrays of an analysis would otherwise be thousands of tensors."""


def to_arrays(value: Any) -> Arrays:
    """Return the entry of a value: its arrays in one vector for each dtype, the rest as JSON bytes."""
    writer = _Writer()
    text = json.dumps(writer.write(value), separators=(",", ":"))
    vectors = {name: np.concatenate([np.empty(0, dtype), *writer.chunks[dtype]]) for name, dtype in _VECTORS.items()}
    return {_TREE: np.frombuffer(text.encode(), np.uint8), **vectors}


def from_arrays(kind: Any, arrays: Mapping[str, Any] | None) -> Any:
    """Return the value of an entry; None where there is no entry, or it is not exactly of the declared type.

    Args:
        kind: A dataclass, an array type, or a union of them.
        arrays: From `to_arrays`, or from a file that somebody else may have written.
    """
    try:
        if arrays is None or arrays.keys() != {_TREE, *_VECTORS} or arrays[_TREE].dtype != np.uint8:
            return None
        if any(arrays[name].dtype != dtype or arrays[name].ndim != 1 for name, dtype in _VECTORS.items()):
            return None
        vectors = {dtype: arrays[name] for name, dtype in _VECTORS.items()}
        return _Reader(vectors).read(kind, json.loads(arrays[_TREE].tobytes()))
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError, UsageError):
        return None


def array_shapes(value: Any) -> list[tuple[int, ...]]:
    """Return the shape of every array of a value, in the order of its fields."""
    if isinstance(value, np.ndarray):
        return [value.shape]
    names = [field.name for field in fields(value)] if is_dataclass(value) else []
    return [shape for name in names for shape in array_shapes(getattr(value, name))]


class _Writer:
    """JSON of values. A dataclass is `{name: [its fields]}`, an array `[where its numbers start, its shape…]`."""

    def __init__(self) -> None:
        self.chunks: dict[np.dtype[Any], list[np.ndarray]] = {dtype: [] for dtype in _VECTORS.values()}
        self._sizes = dict.fromkeys(_VECTORS.values(), 0)

    def write(self, value: Any) -> Any:
        if is_dataclass(value):
            return {type(value).__name__: [self.write(getattr(value, field.name)) for field in fields(value)]}
        if isinstance(value, tuple):
            return [self.write(item) for item in value]
        if isinstance(value, np.ndarray):
            return self._array(value)
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, value: np.ndarray) -> list[int]:
        start = self._sizes[value.dtype]
        self.chunks[value.dtype].append(value.ravel())
        self._sizes[value.dtype] += value.size
        return [start, *value.shape]


class _Reader:
    """Reads values of declared types; anything else is a ValueError.

    Args:
        vectors: All arrays of the entry, one after the other, by dtype.
    """

    def __init__(self, vectors: Mapping[np.dtype[Any], np.ndarray]) -> None:
        self._vectors = vectors

    def read(self, kind: Any, data: Any) -> Any:
        """Return a value of type `kind`."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return self._first_that_fits(arguments, data)
        if origin is tuple:
            return self._tuple(arguments, data)
        if origin is np.ndarray:
            return self._array(np.dtype(get_args(arguments[1])[0]), data)
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

    def _array(self, dtype: np.dtype[Any], data: Any) -> np.ndarray:
        _require(isinstance(data, list) and all(type(item) is int and item >= 0 for item in data) and bool(data))
        start, *shape = data
        return self._vectors[dtype][start : start + prod(shape)].reshape(shape)


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
