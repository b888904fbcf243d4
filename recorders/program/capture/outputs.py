"""The tensors of a model's return value that are the program's outputs, and their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from recorders.errors import ProgramRefused

Selector = str | int
"""A key, an index or the name of an attribute."""


def pick(returned: Any, select: Selector | None) -> dict[str, Tensor]:
    """Return the outputs by name: `""` for a bare tensor, else keys, indices or field names.

    With a selector the one output it names; without, every tensor of a mapping, sequence or dataclass.

    Raises:
        ProgramRefused: there is no such entry, or what is there is not a floating tensor.
    """
    if select is not None:
        return {str(select): _floating(_entry(returned, select), str(select))}
    if isinstance(returned, Tensor):
        return {"": _floating(returned, "")}
    entries = _entries(returned)
    if not entries:
        raise ProgramRefused(f"output: a tensor or a structure of tensors is required, found {type(returned).__name__}")
    return {name: _floating(value, name) for name, value in entries.items() if value is not None}


def _entries(returned: Any) -> dict[str, Any]:
    if isinstance(returned, Mapping):
        return {str(key): value for key, value in returned.items()}
    if isinstance(returned, tuple) and hasattr(returned, "_fields"):
        return dict(zip(returned._fields, returned, strict=True))
    if isinstance(returned, (tuple, list)):
        return {str(index): value for index, value in enumerate(returned)}
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {field.name: getattr(returned, field.name) for field in dataclasses.fields(returned)}
    return {}


def _entry(returned: Any, select: Selector) -> Any:
    if isinstance(returned, Mapping) and select in returned:
        return returned[select]
    if isinstance(select, int) and isinstance(returned, (tuple, list)) and -len(returned) <= select < len(returned):
        return returned[select]
    if isinstance(select, str) and not isinstance(returned, Tensor) and hasattr(returned, select):
        return getattr(returned, select)
    choices = ", ".join(_entries(returned)) or "nothing to select from"
    raise ProgramRefused(f"output: {select!r} is not in what the model returned ({type(returned).__name__}: {choices})")


def _floating(value: Any, name: str) -> Tensor:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    kind = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
    hint = "" if isinstance(value, Tensor) else "; select the one output that is meant"
    raise ProgramRefused(f"output: {name!r} must be a floating tensor, found {kind}{hint}")
