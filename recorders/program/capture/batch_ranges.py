"""The batch sizes for which an exported graph is the model.

An `if` on the batch size leaves the graph of one branch and a guard; the guard must become a range that the interpreter
enforces, or the capture is refused.
"""

from __future__ import annotations

import re
from typing import Any

import torch

from recorders.errors import ProgramRefused
from recorders.program.storage.graph import MAX_AXIS

_SIZE = r"L\['inputs'\]\[\d+\]\.size\(\)\[0\]"
_SIMPLE = re.compile(rf"\(?(?:{_SIZE} (?:<|<=|>|>=) -?\d+|-?\d+ (?:<|<=|>|>=) {_SIZE}|{_SIZE} == {_SIZE})\)?")


def batch_range(exported: Any) -> tuple[int, int | None]:
    """Return the least and the greatest batch; None: no upper bound.

    Raises:
        ProgramRefused: the forward fixes the batch size or asks something else of it than a range.
    """
    least, most = 1, MAX_AXIS
    for node in _inputs(exported):
        size = node.meta["val"].shape[0]
        if not isinstance(size, torch.SymInt):
            raise ProgramRefused(f"model: its forward fixes the batch size to {size}")
        low, high = _bounds(exported, size)
        least, most = max(least, low), min(most, high)
    for guard in getattr(exported, "_guards_code", None) or []:
        if ".size()" in guard and not _SIMPLE.fullmatch(guard):
            raise ProgramRefused(f"model: its forward asks of the batch size what is not a range: {guard}")
    return least, None if most >= MAX_AXIS else most


def _inputs(exported: Any) -> list[Any]:
    names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind.name == "USER_INPUT"][:-1]
    return [node for node in exported.graph_module.graph.nodes if node.op == "placeholder" and node.name in names]


def _bounds(exported: Any, size: torch.SymInt) -> tuple[int, int]:
    constraint = exported.range_constraints.get(size.node.expr)
    if constraint is None:
        return 1, MAX_AXIS
    return _integer(constraint.lower), _integer(constraint.upper)


def _integer(bound: Any) -> int:
    # Sympy's own infinity for integers does not convert.
    return MAX_AXIS if "oo" in str(bound) else min(int(bound), MAX_AXIS)
