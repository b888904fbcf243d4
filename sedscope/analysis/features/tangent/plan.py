"""The plan of a program's tangents: the operations, buffers and windows that the program and a size of block fix.

Only what depends on selected parameters or on δ has a tangent or an adjoint's tangent; only rows that reach the score
are computed; what merely rearranges numbers is no operation but a window. Decides all of this once, from one example
block; leaves to `program` the numbers of a checkpoint and the directions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program import Program
from recorders.program.execution.prepared_steps import Step
from recorders.program.storage.graph import Node, Ref
from recorders.program.storage.operation_table import GETITEM
from recorders.program.storage.schema import overload
from sedscope.analysis.features.tangent.buffers import Buffer, BufferView
from sedscope.analysis.features.tangent.matching import Argument, Candidate, Match, is_rearranging, is_splitting, match
from sedscope.analysis.features.tangent.rules import FewAttention, Linear, Local


@dataclass(frozen=True, eq=False)
class _Value:
    """A value that has a tangent: which numbers of which buffer it holds."""

    buffer: Buffer
    elements: Tensor
    """Flat positions in the buffer's full result, in the shape of the value."""


@dataclass(eq=False)
class Operation:
    """One operation of the plan."""

    number: int
    """Number of its value."""
    node: int
    """Position of the node that makes it."""
    entry: int | None
    """Which of the node's results it is; None: the node has one."""
    match: Match
    buffer: Buffer
    rows: Tensor | None = None
    """What is computed along the axis of the match; None: all."""
    windows: tuple[BufferView | None, ...] = ()
    """How the tangent of each argument is read; None: it has none."""
    window: BufferView | None = None
    """How the rule writes the result's tangent."""

    def argument(self, argument: Argument, tensor: Tensor) -> Tensor:
        """Bring an argument's value into the shape in which the rule takes it."""
        return self._rows_of(argument.arrange(tensor), argument.axis)

    def result(self, tensor: Tensor) -> Tensor:
        """Bring the full result into the shape in which the rule makes it."""
        return self._rows_of(self.match.arrange(tensor), self.match.axis)

    def _rows_of(self, tensor: Tensor, axis: int | None) -> Tensor:
        return tensor if self.rows is None or axis is None else tensor.index_select(axis, self.rows)


class TangentPlan:
    """The operations that carry tangents from selected parameters and δ to the output, for blocks of one size."""

    def __init__(
        self,
        program: Program,
        output: int,
        position: int | None,
        selected: Sequence[str],
        state: Mapping[str, Tensor],
        inputs: Sequence[Tensor],
        delta: Tensor,
    ) -> None:
        """Plan from one block of example probes; of its numbers only which ones have derivatives is looked at.

        Args:
            program: The feature program.
            output: Position among the program's outputs.
            position: The position of the output that the score is read off, its second axis; None: all of it.
            selected: Names of the selected parameters.
            state: Every weight by name.
            inputs: The block's inputs, `[n, …]` each.
            delta: δ of the block `[n, *feature_shape]`.

        Raises:
            RefusedError: No tangent reaches the output.
        """
        graph = program.graph
        self._graph = graph
        self.output_number = graph.outputs[output].value
        self.delta = len(graph.inputs)
        names = {name: self.delta + 1 + i for i, name in enumerate(program.state_names)}
        self.parameters = {name: names[name] for name in selected if name in names}
        """Numbers of the selected parameters that the program uses."""
        trace = _trace(program, self.output_number, self.parameters, state, inputs, delta)
        self.sources = {
            number: Buffer(trace.values[number].shape, delta.dtype, number != self.delta, number == self.delta)
            for number in (self.delta, *self.parameters.values())
        }
        """Buffers of δ and the selected parameters by number."""
        self._values = {number: _all_of(buffer) for number, buffer in self.sources.items()}
        self.operations = [*self._plan_operations(trace)]
        out = self._values.get(self.output_number)
        if out is None or not (out.buffer.displaced and out.buffer.parametric):
            raise RefusedError("program: its output depends on the selected parameters and on δ alike in no number")
        elements = out.elements if position is None else out.elements[:, position]
        out.buffer.demand[elements.reshape(-1)] = True
        self._leave_out()
        if delta.ndim > 2:
            # Positions before probes: operations of one position then read and write one piece of memory.
            self.sources[self.delta].hold(_all_of(self.sources[self.delta]).elements.transpose(0, 1).reshape(-1))
        self.delta_window = BufferView(self.sources[self.delta], _all_of(self.sources[self.delta]).elements)
        """How δ's adjoint is read, in the shape of δ."""
        for operation in self.operations:
            self._lay_out(operation)
        self.output = BufferView(out.buffer, elements)
        """How the output's tangent is read, at its position."""
        self.share_without_rule = sum(op.match.rule is Local for op in self.operations) / len(self.operations)
        """Share of the operations that are computed by their own double backward."""
        del self._values

    def _plan_operations(self, trace: _Trace) -> Iterator[Operation]:
        """Give every value that has a tangent its window; yield those that an operation makes."""
        graph = self._graph
        parts: dict[int, Sequence[Tensor]] = {}
        buffers: dict[int, Buffer] = {}
        for index, node in enumerate(graph.nodes):
            number = graph.first_node + index
            if number not in trace.needed or not trace.depends(number):
                continue
            source = next(node.refs())
            value = self._values.get(source)
            moving = [n for n in dict.fromkeys(node.refs()) if trace.depends(n)]
            if value is not None and moving == [source] and (is_rearranging(node) or is_splitting(node)):
                rearranged = trace.steps[index].run(overlay(trace.values, {source: value.elements}))
                if is_splitting(node):
                    parts[number], buffers[number] = rearranged, value.buffer
                else:
                    self._values[number] = _Value(value.buffer, rearranged)
            elif node.op == GETITEM and source in parts:
                entry = node.args[1]
                assert isinstance(entry, int)
                self._values[number] = _Value(buffers[source], parts[source][entry])
            elif isinstance(result := trace.values[number], Tensor):
                operation = self._operation(trace, node, number, result)
                self._values[number] = _all_of(operation.buffer)
                yield operation

    def _operation(self, trace: _Trace, node: Node, number: int, result: Tensor) -> Operation:
        index, entry = number - self._graph.first_node, None
        if node.op == GETITEM and isinstance(node.args[0], Ref) and isinstance(node.args[1], int):
            # An operation with several results is run for each of them by itself.
            index, entry = node.args[0].value - self._graph.first_node, node.args[1]
            node = self._graph.nodes[index]
        names = [slot.name for slot in overload(node.op)._schema.arguments]
        matched = match(Candidate(node, names, trace.values, trace.displaced, result, entry))
        buffer = Buffer(result.shape, result.dtype, number in trace.parametric, number in trace.displaced)
        return Operation(number, index, entry, matched, buffer)

    def _leave_out(self) -> None:
        """Go from the output backward: keep the operations that it reads, and of each the rows that it reads."""
        used = []
        for operation in reversed(self.operations):
            if not operation.buffer.demand.any():
                continue
            used.append(operation)
            axis = operation.match.axis
            if axis is not None:
                demand = operation.match.arrange(operation.buffer.demand.view(operation.buffer.shape))
                operation.rows = demand.movedim(axis, 0).reshape(demand.shape[axis], -1).any(1).nonzero().flatten()
            for argument in operation.match.arguments:
                if (value := self._values.get(argument.number)) is not None:
                    value.buffer.demand[operation.argument(argument, value.elements).reshape(-1)] = True
        self.operations = used[::-1]

    def _lay_out(self, operation: Operation) -> None:
        """Choose the order of an operation's rows in memory, that of its first argument, and make the windows."""
        buffer, axis = operation.buffer, operation.match.axis
        full = torch.arange(buffer.size).view(buffer.shape)
        arguments = [(a, self._values.get(a.number)) for a in operation.match.arguments]
        row_wise = [(a, v) for a, v in arguments if v is not None and a.axis == 0]
        if operation.rows is not None and axis == 0 and row_wise:
            argument, value = row_wise[0]
            first = operation.argument(argument, value.elements)[:, 0]
            order = torch.argsort(
                first if value.buffer.locations is None else value.buffer.locations[first], stable=True
            )
            operation.rows = operation.rows[order]
        length = operation.match.arrange(full).shape[axis] if axis is not None else 0
        if operation.rows is not None and torch.equal(operation.rows, torch.arange(length)):
            operation.rows = None
        elements = operation.result(full)
        held = (elements.t() if self._is_transposed(operation) else elements).reshape(-1)
        buffer.hold(None if torch.equal(held, full.reshape(-1)) else held)
        operation.window = BufferView(buffer, elements)
        operation.windows = tuple(
            None if value is None else BufferView(value.buffer, operation.argument(argument, value.elements))
            for argument, value in arguments
        )

    def _is_transposed(self, operation: Operation) -> bool:
        """Return whether a linear map's rows lie innermost, as attention of few positions takes them."""
        buffer = operation.buffer
        readers = [
            reader.match.rule
            for reader in self.operations
            for argument in reader.match.arguments
            if (value := self._values.get(argument.number)) is not None and value.buffer is buffer
        ]
        return operation.match.rule is Linear and {*readers} == {FewAttention}


@dataclass(frozen=True, eq=False)
class _Trace:
    """All values of one block by number, and which of them depend on what."""

    values: list[Any]
    steps: tuple[Step, ...]
    parametric: frozenset[int]
    """Those that depend on selected parameters."""
    displaced: frozenset[int]
    """Those that depend on δ."""
    needed: frozenset[int]
    """Those that the output depends on."""

    def depends(self, number: int) -> bool:
        """Return whether a value has a tangent, or an adjoint on the way to δ."""
        return number in self.parametric or number in self.displaced


def _trace(
    program: Program,
    output: int,
    parameters: Mapping[str, int],
    state: Mapping[str, Tensor],
    inputs: Sequence[Tensor],
    delta: Tensor,
) -> _Trace:
    # Autograd itself says what has a derivative: it knows of comparisons, roundings and detached values.
    leaves = {name: state[name].detach().requires_grad_() for name in parameters}
    with torch.enable_grad():
        values, steps = program.trace({**state, **leaves}, inputs, delta)
        parametric = frozenset(number for number, value in enumerate(values) if _has_derivative(value))
        del values
        values, _ = program.trace(state, inputs, delta.detach().requires_grad_())
        displaced = frozenset(number for number, value in enumerate(values) if _has_derivative(value))
    needed = {output}
    first = program.graph.first_node
    for number in range(first + len(program.graph.nodes) - 1, first - 1, -1):
        if number in needed:
            needed.update(program.graph.nodes[number - first].refs())
    return _Trace(values, steps, parametric, displaced, frozenset(needed))


def _has_derivative(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_has_derivative(item) for item in value)
    return isinstance(value, Tensor) and value.requires_grad


def _all_of(buffer: Buffer) -> _Value:
    return _Value(buffer, torch.arange(buffer.size).view(buffer.shape))


def overlay(values: Sequence[Any], replaced: Mapping[int, Any]) -> list[Any]:
    """Return the values with some of them replaced."""
    overlaid = list(values)
    for number, value in replaced.items():
        overlaid[number] = value
    return overlaid
