"""Nodes made ready to run: kernels looked up, element types chosen, literals converted once, last users known.

A program captured in float32 can be run in float64, one captured in bfloat16 in float32: then every narrower floating
type that the program names, in constants and in casts, becomes the wider one. When a value is let go is decided here;
the order of evaluation and errors are left to `interpreter`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program.execution.kernels import Kernel, kernel, takes_device
from recorders.program.storage.graph import Argument, DType, Graph, MemoryFormat, Node, Ref, TensorSpec

_WIDTH: Final = {"float16": 1, "bfloat16": 1, "float32": 2, "float64": 3}
_COMPLEX: Final = {"complex64": 2, "complex128": 3}
_COMPLEX_OF: Final = {2: torch.complex64, 3: torch.complex128}
Values = list[Any]
Fetch = Callable[[Values], Any]


@dataclass(frozen=True)
class Precision:
    """The floating type that takes the place of narrower ones; None: the program runs as it was captured."""

    floating: str | None

    @classmethod
    def of(cls, given: Iterable[tuple[TensorSpec, Tensor]]) -> Precision:
        """Return the precision in which these tensors ask the program to run.

        Raises:
            RefusedError: a tensor of another kind than the captured one, such as integers for floats.
        """
        widest: str | None = None
        for spec, tensor in given:
            dtype = str(tensor.dtype).removeprefix("torch.")
            if dtype == spec.dtype:
                continue
            if dtype not in _WIDTH or spec.dtype not in _WIDTH:
                raise RefusedError(f"program: {ascii(spec.name)[:80]} must be {spec.dtype}, found {dtype}")
            widest = dtype if widest is None or _WIDTH[dtype] > _WIDTH[widest] else widest
        return cls(widest)

    def dtype(self, captured: str) -> torch.dtype:
        """Return the element type to use where the program was captured with this one."""
        name: torch.dtype = getattr(torch, captured)
        if self.floating is None:
            return name
        width = _WIDTH[self.floating]
        if captured in _WIDTH and _WIDTH[captured] < width:
            name = getattr(torch, self.floating)
        if captured in _COMPLEX and _COMPLEX[captured] < width:
            name = _COMPLEX_OF[width]
        return name


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
