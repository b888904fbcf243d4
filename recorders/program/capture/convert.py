"""An exported program as a graph of ours, if every operation that its outputs need is in the table.

Decides what is left out because it changes nothing (assertions, dropout in eval mode, devices) and what is written
differently so that the program runs anywhere and in float64, or spares gradient work. Which operations are allowed is
decided in `operation_table`, what a weight is called in `holdings`.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, fx

from recorders.errors import ProgramRefused
from recorders.program.capture.exporting import OutsideTable, batch_range, is_in_place
from recorders.program.capture.forward import Calls, Forward
from recorders.program.capture.holdings import Holdings, dtype_name
from recorders.program.storage import graph, operation_table
from recorders.program.storage.graph import Argument, DType, Graph, MemoryFormat, Node, Output, Ref, TensorSpec

_INTEGERS: Final[dict[Any, str]] = {function: op for op, function in operation_table.INTEGER_OPERATIONS.items()}
_UNSTORED: Final = frozenset(("device", "layout", "pin_memory", "non_blocking"))
FAR = 2**31
"""An end of a slice beyond it means the end of the axis."""
Entry = tuple[fx.Node, int, int]
"""Source, axis and position of one entry of a stack."""


def _aten(names: str) -> frozenset[str]:
    return frozenset(f"aten.{name}" for name in names.split())


_DROPOUTS: Final = _aten("dropout.default feature_dropout.default alpha_dropout.default feature_alpha_dropout.default")
_COPIES: Final = _aten("lift_fresh_copy.default lift_fresh.default")
_MOVES: Final = _aten("to.device to.dtype_layout")
_MADE_FROM_NOTHING: Final = _aten(
    "arange.default arange.start arange.start_step zeros.default ones.default full.default scalar_tensor.default "
    "eye.default eye.m linspace.default tril_indices.default triu_indices.default"
)
_PROMOTING: Final = _aten(
    "add.Tensor sub.Tensor mul.Tensor div.Tensor pow.Tensor_Tensor pow.Tensor_Scalar pow.Scalar reciprocal.default "
    "sqrt.default rsqrt.default exp.default log.default sin.default cos.default tanh.default sigmoid.default"
)
_SLICES: Final = _aten("slice.Tensor slice_scatter.default")


@dataclass(frozen=True)
class Converted:
    """A graph and the tensors that are stored beside it."""

    graph: Graph
    constants: dict[str, Tensor]


def convert(exported: Any, forward: Forward, names: tuple[str, ...], feature: Calls) -> Converted:
    """Return the exported program as data.

    Raises:
        OutsideTable: it needs operations that are not in the table; they are named, with the model's line.
        ProgramRefused: the batch is fixed, or a constant is trained or too large.
    """
    results = _results(exported)
    live = _reachable(results)
    nodes = [node for node in exported.graph_module.graph.nodes if node in live and node.op != "placeholder"]
    # What an in-place operation changes is not seen by following the results back, so it counts wherever it stands.
    suspects = [node for node in exported.graph_module.graph.nodes if is_in_place(node)] + nodes
    if outside := [(_op(node), node) for node in suspects if _is_outside(node)]:
        raise OutsideTable.naming(outside)
    users, holdings = _given(exported, forward, live)
    conversion = _Conversion(users, holdings, stacks(nodes))
    for node in nodes:
        conversion.add(node)
    least, most = batch_range(exported)
    program = Graph(
        inputs=tuple(_input_spec(index, node) for index, node in enumerate(users[:-1])),
        delta=TensorSpec(forward.point, dtype_name(feature.dtype), feature.shape[1:]),
        state=holdings.state,
        constants=holdings.constants,
        nodes=tuple(conversion.nodes),
        outputs=tuple(Output(name, conversion.value(node)) for name, node in zip(names, results, strict=True)),
        batch_min=least,
        batch_max=most,
        torch=torch.__version__,
    )
    return Converted(program, holdings.constant_values())


def _results(exported: Any) -> list[fx.Node]:
    returned = next(node for node in exported.graph_module.graph.nodes if node.op == "output").args[0]
    kinds = [spec.kind.name for spec in exported.graph_signature.output_specs]
    return [node for node, kind in zip(returned, kinds, strict=True) if kind == "USER_OUTPUT"]


def _reachable(results: list[fx.Node]) -> set[fx.Node]:
    live: set[fx.Node] = set()
    waiting = list(results)
    while waiting:
        node = waiting.pop()
        if node not in live:
            live.add(node)
            waiting.extend(node.all_input_nodes)
    return live


def _given(exported: Any, forward: Forward, live: set[fx.Node]) -> tuple[list[fx.Node], Holdings]:
    """Return the placeholders of inputs and δ, and what the live ones of the others stand for."""
    specs = {spec.arg.name: spec for spec in exported.graph_signature.input_specs}
    placeholders = [node for node in exported.graph_module.graph.nodes if node.op == "placeholder"]
    users = [node for node in placeholders if specs[node.name].kind.name == "USER_INPUT"]
    holdings = Holdings(exported, forward)
    for node in placeholders:
        if node in live and node not in users:
            holdings.ask(node.name, specs[node.name].target)
    return users, holdings


def _input_spec(index: int, node: fx.Node) -> TensorSpec:
    value = node.meta["val"]
    return TensorSpec(f"inputs.{index}", dtype_name(value.dtype), tuple(int(size) for size in value.shape[1:]))


def _op(node: fx.Node) -> str:
    if node.target is operator.getitem:
        return operation_table.GETITEM
    return _INTEGERS.get(node.target) or str(node.target)


def _is_outside(node: fx.Node) -> bool:
    op = _op(node)
    if op in _DROPOUTS:
        return bool(node.args[2])
    return node.op != "call_function" or not (op in _COPIES or op in _MOVES or operation_table.is_known(op))


class _Conversion:
    """The nodes so far, and what each node of the export became."""

    def __init__(self, users: list[fx.Node], holdings: Holdings, stacks: dict[fx.Node, Entry]) -> None:
        self.nodes: list[Node] = []
        self._inputs = {node: Ref(number) for number, node in enumerate(users)}
        self._holding_refs = {name: Ref(number) for name, number in holdings.numbers(len(users)).items()}
        self._first = len(users) + len(holdings.state) + len(holdings.constants)
        self._results: dict[fx.Node, Argument] = {}
        self._stacks = stacks
        self._unbound: dict[tuple[fx.Node, int], Ref] = {}

    def value(self, node: fx.Node) -> int:
        """Return the number of the value that a node became."""
        reference = self._argument(node)
        assert isinstance(reference, Ref)
        return reference.value

    def add(self, node: fx.Node) -> None:
        """Convert one node, whose arguments have been converted."""
        op = _op(node)
        args = [self._argument(item) for item in node.args]
        if op in _DROPOUTS or op in _COPIES or (op == "aten.slice.Tensor" and takes_everything(node)):
            self._results[node] = args[0]
        elif node in self._stacks:
            self._results[node] = self._entry(*self._stacks[node])
        elif op in _MOVES:
            self._results[node] = self._moved(node, args[0])
        else:
            self._results[node] = self._operation(node, op, args)

    def _operation(self, node: fx.Node, op: str, args: list[Argument]) -> Ref:
        kwargs = {name: self._argument(item) for name, item in node.kwargs.items() if name not in _UNSTORED}
        if op in _SLICES:
            args = [None if isinstance(item, int) and item > FAR else item for item in args]
        if op in _MADE_FROM_NOTHING and "dtype" not in kwargs:
            kwargs["dtype"] = DType(dtype_name(node.meta["val"].dtype))
        if op in _PROMOTING and _promotes(node):
            args = [self._promoted(old, new, node) for old, new in zip(node.args, args, strict=True)]
        return self._append(op, tuple(args), kwargs)

    def _append(self, op: str, args: tuple[Argument, ...], kwargs: Mapping[str, Argument]) -> Ref:
        self.nodes.append(Node(op, args, tuple(kwargs.items())))
        return Ref(self._first + len(self.nodes) - 1)

    def _entry(self, source: fx.Node, axis: int, position: int) -> Ref:
        if (source, axis) not in self._unbound:
            self._unbound[source, axis] = self._append("aten.unbind.int", (self._argument(source), axis), {})
        return self._append(operation_table.GETITEM, (self._unbound[source, axis], position), {})

    def _moved(self, node: fx.Node, source: Argument) -> Argument:
        """Return a move between devices as its change of element type: devices mean nothing here."""
        before, after = _meta(node.all_input_nodes[0]).dtype, _meta(node).dtype
        return source if before == after else self._cast(source, after)

    def _promoted(self, old: Any, new: Argument, node: fx.Node) -> Argument:
        """Return integers as floats by a cast that is written down: torch would cast to float32 for ever."""
        return self._cast(new, _meta(node).dtype) if isinstance(old, fx.Node) and _is_tensor(old) else new

    def _cast(self, source: Argument, dtype: torch.dtype) -> Ref:
        return self._append("aten.to.dtype", (source, DType(dtype_name(dtype))), {})

    def _argument(self, item: Any, depth: int = 0) -> Argument:
        if isinstance(item, fx.Node):
            return self._inputs.get(item) or self._holding_refs.get(item.name) or self._results[item]
        if isinstance(item, (list, tuple)) and depth < graph.MAX_DEPTH:
            return tuple(self._argument(element, depth + 1) for element in item)
        return _literal(item)


def _literal(item: Any) -> Argument:
    if isinstance(item, torch.dtype):
        return DType(dtype_name(item))
    if isinstance(item, torch.memory_format):
        return MemoryFormat(str(item).removeprefix("torch."))
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if isinstance(item, (torch.device, torch.layout)):
        return None
    raise ProgramRefused(f"model: an argument of type {type(item).__name__} cannot be stored")


def _meta(node: fx.Node) -> Tensor:
    value: Tensor = node.meta["val"]
    return value


def _is_tensor(node: fx.Node) -> bool:
    return isinstance(node.meta["val"], Tensor)


def _promotes(node: fx.Node) -> bool:
    """Return whether the operation takes integer tensors alone and gives floats."""
    given = [_meta(item) for item in node.all_input_nodes if _is_tensor(item)]
    return _meta(node).is_floating_point() and not any(
        value.is_floating_point() or value.is_complex() for value in given
    )


def takes_everything(node: fx.Node) -> bool:
    """Return whether a `slice` takes every entry of its axis."""
    start, end, step = (*node.args[2:], None, None, None)[:3]
    return start in (0, None) and step in (1, None) and (end is None or (isinstance(end, int) and end > FAR))


def stacks(nodes: list[fx.Node]) -> dict[fx.Node, Entry]:
    """Return the `select` nodes that together take their source apart: (source, axis, position)."""
    groups: dict[tuple[fx.Node, int], list[fx.Node]] = defaultdict(list)
    for node in nodes:
        if str(node.target) == "aten.select.int":
            source, axis, _ = _select(node)
            groups[source, axis].append(node)
    entries: dict[fx.Node, Entry] = {}
    for (source, axis), members in groups.items():
        positions = {position for _, _, position in map(_select, members)}
        if len(members) > 1 and _size(source, axis) == len(members) and positions == set(range(len(members))):
            entries.update({node: _select(node) for node in members})
    return entries


def _select(node: fx.Node) -> Entry:
    arguments: tuple[Any, ...] = node.args
    source, axis, position = arguments
    size = _size(source, axis)
    counted_from_end = isinstance(size, int) and isinstance(position, int) and position < 0
    return source, axis, position + size if counted_from_end else position


def _size(source: fx.Node, axis: int) -> Any:
    return source.meta["val"].shape[axis]
