"""Nodes made ready to run: kernels looked up, literals converted once, last users known.

Decides when a value is let go. Leaves the order of evaluation and errors to `interpreter`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import torch

from recorders.program.execution.kernels import Kernel, kernel, takes_device
from recorders.program.execution.precision import Precision
from recorders.program.storage.graph import Argument, DType, Graph, MemoryFormat, Node, Ref

Values = list[Any]
Fetch = Callable[[Values], Any]


@dataclass(frozen=True)
class Step:
    """One node, ready to run."""

    node: int
    op: str
    kernel: Kernel
    literals: tuple[Any, ...]
    """Arguments in order, with None where a value is fetched."""
    fetched: tuple[tuple[int, Fetch], ...]
    keywords: dict[str, Any]
    fetched_keywords: tuple[tuple[str, Fetch], ...]
    drop: tuple[int, ...]
    """Values whose last user this is."""

    def run(self, values: Values) -> Any:
        """Return the node's result."""
        arguments = list(self.literals)
        for position, fetch in self.fetched:
            arguments[position] = fetch(values)
        if self.fetched_keywords:
            return self.kernel(
                *arguments, **self.keywords, **{name: fetch(values) for name, fetch in self.fetched_keywords}
            )
        return self.kernel(*arguments, **self.keywords)


def prepare(graph: Graph, precision: Precision, device: torch.device) -> tuple[Step, ...]:
    """Return the graph's nodes, made ready for these element types on this device, in order."""
    drops = _last_uses(graph)
    return tuple(_step(index, node, drops[index], precision, device) for index, node in enumerate(graph.nodes))


def _last_uses(graph: Graph) -> list[tuple[int, ...]]:
    outputs = {output.value for output in graph.outputs}
    used_later: set[int] = set(outputs)
    drops: list[tuple[int, ...]] = []
    for index in range(len(graph.nodes) - 1, -1, -1):
        mine = {*graph.nodes[index].refs(), graph.first_node + index}
        drops.append(tuple(sorted(mine - used_later)))
        used_later |= mine
    return drops[::-1]


def _step(index: int, node: Node, drop: tuple[int, ...], precision: Precision, device: torch.device) -> Step:
    keywords = {name: _literal(argument, precision) for name, argument in node.kwargs if not _has_ref(argument)}
    if takes_device(node.op):
        keywords["device"] = device
    return Step(
        node=index,
        op=node.op,
        kernel=kernel(node.op),
        literals=tuple(None if _has_ref(argument) else _literal(argument, precision) for argument in node.args),
        fetched=tuple((i, _fetch(argument, precision)) for i, argument in enumerate(node.args) if _has_ref(argument)),
        keywords=keywords,
        fetched_keywords=tuple(
            (name, _fetch(argument, precision)) for name, argument in node.kwargs if _has_ref(argument)
        ),
        drop=drop,
    )


def _has_ref(argument: Argument) -> bool:
    if isinstance(argument, tuple):
        return any(_has_ref(item) for item in argument)
    return isinstance(argument, Ref)


def _fetch(argument: Argument, precision: Precision) -> Fetch:
    if isinstance(argument, Ref):
        return itemgetter(argument.value)
    if isinstance(argument, tuple):
        items = [_fetch(item, precision) for item in argument]
        return lambda values: [fetch(values) for fetch in items]
    literal = _literal(argument, precision)
    return lambda values: literal


def _literal(argument: Argument, precision: Precision) -> Any:
    match argument:
        case DType(name):
            return precision.dtype(name)
        case MemoryFormat(name):
            return getattr(torch, name)
        case tuple():
            return [_literal(item, precision) for item in argument]
    return argument
