"""J v of a block of probes at one checkpoint, by its tangent plan: primal values once, then a product per direction.

    forward    ẋ = d x/dε for every value that moves with the parameters, up to the output
    backward   x̄̇ = d(∂Σs/∂x)/dε for every value that depends on δ, down to δ itself, where it is (J v)_x

Memory: of every operation its adjoint, what its rule keeps (derivatives, for attention probabilities) and two tangents,
as long as products are asked for; like double backward's graph it grows with the probes. A block is small, so that what
an operation has written is still near when the next one reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from recorders.program import Program, refusing
from sedscope.analysis.features.tangent.buffers import Buffer, BufferView
from sedscope.analysis.features.tangent.plan import Operation, TangentPlan, overlay
from sedscope.analysis.features.tangent.rules import Call, Operand, Result, Run, TangentRule


class TangentProgram:
    """The linear map v → (J v, d z/dε) of a block of probes at one checkpoint."""

    def __init__(
        self,
        plan: TangentPlan,
        program: Program,
        state: Mapping[str, Tensor],
        inputs: Sequence[Tensor],
        delta: Tensor,
        total: Callable[[Tensor], Tensor],
    ) -> None:
        """Run the program once forward and once backward, and keep what every direction needs.

        Args:
            plan: The plan of the program for this size of block.
            program: The feature program.
            state: Every weight at the checkpoint by name.
            inputs: The block's inputs `[n, …]` each.
            delta: δ = 0 `[n, *feature_shape]`.
            total: From the program's output to Σ_x s_x, linear.
        """
        self._plan = plan
        leaves = {name: state[name].detach().requires_grad_() for name in plan.parameters}
        with torch.enable_grad():
            values, steps = program.trace({**state, **leaves}, inputs, delta.detach().requires_grad_())
            results = [values[operation.number] for operation in plan.operations]
            with refusing():
                adjoints = torch.autograd.grad(total(values[plan.output_number]), results, allow_unused=True)
        values = [value.detach() if isinstance(value, Tensor) else value for value in values]
        buffers = [*plan.sources.values(), *(operation.buffer for operation in plan.operations)]
        self._tangents = {b: delta.new_empty(b.size, dtype=b.dtype) for b in buffers if b.parametric}
        self._adjoint_tangents = {b: delta.new_empty(b.size, dtype=b.dtype) for b in buffers if b.displaced}
        self._rules: list[TangentRule] = []
        for operation, adjoint in zip(plan.operations, adjoints, strict=True):
            value = values[operation.number]
            bar = torch.zeros_like(value) if adjoint is None else adjoint
            arguments = operation.match.arguments
            call = Call(
                run=_runner(operation, steps[operation.node].run, values),
                operands=[self._operand(window) for window in operation.windows],
                values=[operation.argument(a, values[a.number]) for a in arguments],
                result=self._result(operation),
                value=operation.result(value),
                adjoint=operation.result(bar),
                options=operation.match.options,
                rows=operation.rows,
            )
            with refusing():
                self._rules.append(operation.match.rule(call))
        self._moving: frozenset[str] | None = None

    def product(self, v: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Compute J v `[n, D]` and the output's tangent, at its position.

        `v` holds a direction for each selected parameter by name. Both results are overwritten by the next product.
        """
        plan = self._plan
        moving = frozenset(name for name in plan.parameters if v[name].any())
        for name in moving:
            self._tangents[plan.sources[plan.parameters[name]]].copy_(v[name].reshape(-1))
        with torch.no_grad():
            if moving != self._moving:
                self._schedule(moving)
            for rule in self._forward:
                rule.result.tangent.fresh = True
                rule.forward()
                rule.result.tangent.close()
            for flat in self._zeroed:
                flat.zero_()
            for rule, receivers in self._backward:
                for operand in receivers:
                    operand.open()
                rule.backward()
                for operand in receivers:
                    operand.close()
            out = plan.output
            moved = out.read(self._tangents[out.buffer])
            if out.buffer not in self._moved:
                moved = torch.zeros_like(moved)
            delta = plan.delta_window
            return delta.read(self._adjoint_tangents[delta.buffer]).flatten(1), moved

    def _operand(self, window: BufferView | None) -> Operand:
        if window is None:
            return Operand(None, None, None)
        return Operand(window, self._tangents.get(window.buffer), self._adjoint_tangents.get(window.buffer))

    def _result(self, operation: Operation) -> Result:
        window, buffer = operation.window, operation.buffer
        assert window is not None
        flat = (self._tangents.get(buffer), self._adjoint_tangents.get(buffer))
        return Result(*(None if numbers is None else window.read(numbers) for numbers in flat))

    def _schedule(self, moving: frozenset[str]) -> None:
        """Find which rules run for directions that move these parameters, and which sums they begin."""
        plan = self._plan
        self._moving = moving
        self._moved = {plan.sources[plan.parameters[name]] for name in moving}
        """Buffers that have a tangent."""
        self._forward: list[TangentRule] = []
        self._backward: list[tuple[TangentRule, list[Operand]]] = []
        steps = [*zip(plan.operations, self._rules, strict=True)]
        for operation, rule in steps:
            for operand, window in zip(rule.operands, operation.windows, strict=True):
                operand.moves = window is not None and window.buffer in self._moved
            if operation.buffer.parametric and any(operand.moves for operand in rule.operands):
                self._forward.append(rule)
                self._moved.add(operation.buffer)
        covered: dict[Buffer, Tensor] = {}
        partial = set()
        begun: list[tuple[Operand, Buffer]] = []
        for operation, rule in reversed(steps):
            rule.result.is_stirred = operation.buffer in covered
            receivers = []
            for index, (operand, window) in enumerate(zip(rule.operands, operation.windows, strict=True)):
                operand.receives = (
                    window is not None
                    and operation.buffer.displaced
                    and operand.is_displaced
                    and (rule.result.is_stirred or rule.bends(index))
                )
                if operand.receives and window is not None:
                    buffer = window.buffer
                    free = window.mark(covered.setdefault(buffer, torch.zeros(buffer.size, dtype=torch.bool)))
                    if free is None:
                        partial.add(buffer)
                    elif free:
                        begun.append((operand, buffer))
                    operand.is_fresh = False
                    receivers.append(operand)
            if receivers:
                self._backward.append((rule, receivers))
        partial |= {buffer for buffer, mask in covered.items() if not mask.all()}
        if plan.sources[plan.delta] not in covered:
            partial.add(plan.sources[plan.delta])
        for operand, buffer in begun:
            operand.is_fresh = buffer not in partial
        self._zeroed = [self._adjoint_tangents[buffer] for buffer in partial]


def _runner(operation: Operation, run: Callable[[list[Any]], Any], values: list[Any]) -> Run:
    numbers = [argument.number for argument in operation.match.arguments]

    def run_on(operands: Sequence[Tensor]) -> Tensor:
        result = run(overlay(values, dict(zip(numbers, operands, strict=True))))
        selected: Tensor = result if operation.entry is None else result[operation.entry]
        return selected

    special: Run | None = operation.match.options.get("run")
    return special or run_on
