"""The check that a node's arguments are what its operation takes, before anything runs.

Decides the kind of every value (tensor, integer, several tensors) and checks each argument against the *real* type in
the operation's schema: an integer where an element type belongs is a segmentation fault, not an exception. Which
operations exist is decided in `operation_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch

from recorders.errors import RefusedError
from recorders.program.storage import operation_table
from recorders.program.storage.graph import Argument, DType, Graph, MemoryFormat, Node, Ref

TENSOR: Final = "tensor"
TENSORS: Final = "several tensors"
INTEGER: Final = "integer"

_RESULT: Final = {"TensorType": TENSOR, "List[TensorType]": TENSORS, "SymIntType": INTEGER}


@dataclass(frozen=True)
class _Slot:
    """One argument of an operation's schema."""

    name: str
    kind: str
    """Such as `Optional[List[SymIntType]]`, written from the real types."""
    keyword_only: bool
    required: bool


def overload(op: str) -> Any:
    """Return torch's operation of this name; the name is one of the table's.

    Raises:
        RefusedError: this version of torch does not have it.
    """
    _, name, variant = op.split(".")
    try:
        return getattr(getattr(torch.ops.aten, name), variant)
    except AttributeError as error:
        raise RefusedError(f"program: torch {torch.__version__} has no operation {op}") from error


def check_graph(graph: Graph) -> list[str]:
    """Return the kind of every value of the graph, which has then been checked node by node.

    Raises:
        RefusedError: an operation outside the table or an argument of the wrong kind; the message names the node.
    """
    kinds = [TENSOR] * graph.first_node
    for index, node in enumerate(graph.nodes):
        try:
            kinds.append(_check_node(node, kinds))
        except RefusedError as error:
            raise RefusedError(f"program: node {index} ({ascii(node.op)[1:-1][:80]}): {error}") from error
    if any(kinds[output.value] != TENSOR for output in graph.outputs):
        raise RefusedError("program: every output must be a tensor")
    return kinds


def _check_node(node: Node, kinds: list[str]) -> str:
    if not operation_table.is_known(node.op):
        raise RefusedError("not in the table of operations")
    if node.op in operation_table.INTEGER_OPERATIONS:
        return _check_integers(node, kinds)
    if node.op == operation_table.GETITEM:
        return _check_getitem(node, kinds)
    operation = overload(node.op)
    bound = _bind(node, _slots(operation))
    for slot, argument in bound:
        if not _accepts(node.op, slot, slot.kind, argument, kinds):
            raise RefusedError(f"argument {slot.name} must be {slot.kind}, found {ascii(argument)[:80]}")
    returns = [_written(value.real_type) for value in operation._schema.returns]
    return _RESULT[returns[0]] if len(returns) == 1 else TENSORS


def _check_integers(node: Node, kinds: list[str]) -> str:
    arity = 1 if node.op == "int.neg" else 2
    if len(node.args) != arity or node.kwargs or not all(_is_integer(argument, kinds) for argument in node.args):
        raise RefusedError(f"takes {arity} integers")
    return INTEGER


def _check_getitem(node: Node, kinds: list[str]) -> str:
    match node.args:
        case (Ref(value), int(position)) if not node.kwargs and kinds[value] == TENSORS and position >= 0:
            return TENSOR
    raise RefusedError("takes several tensors and a position from 0")


def _slots(operation: Any) -> list[_Slot]:
    return [
        _Slot(slot.name, _written(slot.real_type), slot.kwarg_only, not slot.has_default_value())
        for slot in operation._schema.arguments
    ]


def _written(kind: Any) -> str:
    name = str(kind.kind())
    if name in ("OptionalType", "ListType"):
        return f"{name.removesuffix('Type')}[{_written(kind.getElementType())}]"
    return name


def _bind(node: Node, slots: list[_Slot]) -> list[tuple[_Slot, Argument]]:
    positional = [slot for slot in slots if not slot.keyword_only]
    if len(node.args) > len(positional):
        raise RefusedError(f"takes at most {len(positional)} arguments in order, found {len(node.args)}")
    bound = list(zip(positional, node.args, strict=False))
    positional_names = {slot.name for slot, _ in bound}
    by_name = {slot.name: slot for slot in slots}
    for name, argument in node.kwargs:
        if name not in by_name or name in positional_names or name in operation_table.HANDED_IN:
            raise RefusedError(f"unknown or repeated argument {ascii(name)[:40]}; known: {', '.join(by_name)}")
        bound.append((by_name[name], argument))
    missing = {slot.name for slot in slots if slot.required} - {slot.name for slot, _ in bound}
    if missing:
        raise RefusedError(f"argument {min(missing)} is required")
    return _check_fixed(node.op, bound)


def _check_fixed(op: str, bound: list[tuple[_Slot, Argument]]) -> list[tuple[_Slot, Argument]]:
    for slot, argument in bound:
        fixed = operation_table.FIXED.get(op, {})
        if slot.name in fixed and (argument != fixed[slot.name] or isinstance(argument, Ref)):
            raise RefusedError(f"{slot.name} must be {fixed[slot.name]}, found {ascii(argument)[:40]}")
        if slot.name in operation_table.HANDED_IN:
            raise RefusedError(f"{slot.name} must not be given: a program runs where its inputs are")
    return bound


def _accepts(op: str, slot: _Slot, kind: str, argument: Argument, kinds: list[str]) -> bool:
    if kind.startswith("Optional["):
        return argument is None or _accepts(op, slot, kind[9:-1], argument, kinds)
    if kind.startswith("List["):
        return isinstance(argument, tuple) and all(_accepts(op, slot, kind[5:-1], item, kinds) for item in argument)
    match kind:
        case "TensorType":
            number = op in operation_table.NUMBER_FOR_TENSOR and slot.name == "other" and _is_number(argument)
            return number or (isinstance(argument, Ref) and kinds[argument.value] == TENSOR)
        case "NumberType":
            return _within(slot, argument) if _is_number(argument) else _is_integer(argument, kinds)
        case "IntType" | "SymIntType":
            return _is_integer(argument, kinds) and _within(slot, argument)
        case "FloatType":
            return _is_number(argument) and not isinstance(argument, bool)
        case "BoolType":
            return isinstance(argument, bool)
        case "StringType":
            return isinstance(argument, str)
        case "ScalarTypeType":
            return isinstance(argument, DType)
        case "MemoryFormatType":
            return isinstance(argument, MemoryFormat)
    return False


def _is_number(argument: Argument) -> bool:
    return isinstance(argument, (bool, int, float))


def _is_integer(argument: Argument, kinds: list[str]) -> bool:
    if isinstance(argument, Ref):
        return kinds[argument.value] == INTEGER
    return isinstance(argument, int) and not isinstance(argument, bool)


def _within(slot: _Slot, argument: Argument) -> bool:
    if slot.name in operation_table.NARROW:
        return isinstance(argument, (int, float)) and abs(argument) <= operation_table.MAX_NARROW
    if slot.kind.endswith("NumberType") or "NumberType" in slot.kind:
        return True
    return isinstance(argument, Ref) or (isinstance(argument, int) and abs(argument) <= operation_table.MAX_WIDE)
