"""Runs a feature program: inputs, weights and δ in, outputs out, differentiable in weights and δ.

Decides the order of evaluation, which batch sizes are allowed, what a failing operation is reported as, and, in one run
without data, what counts as memory before anything is made. When a tensor is let go, and which element types stand for
the captured ones, is decided in `prepared_steps`; what an operation does in `kernels`; what a program may look like in
`graph` and `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from recorders.errors import RefusedError, SedscopeError
from recorders.program.execution.memory_cap import memory_cap
from recorders.program.execution.prepared_steps import Precision, Step, prepare
from recorders.program.storage.graph import MAX_LIST, Graph, TensorSpec, decode, one_line
from recorders.program.storage.schema import check_graph

Watch = Callable[[Any], None]
MOST_FLOPS: Final = 10**15
"""Operations that `check` allows unless told otherwise: some hours of one core."""


@dataclass(frozen=True)
class Footprint:
    """Memory and operations that one forward would take."""

    largest: int
    """Bytes of the largest single result; an expanded view counts as if it were copied."""
    total: int
    """Bytes of all results together: what a graph that is kept for a gradient holds at most. Views take none."""
    flops: int
    """Floating-point operations of matrix products, attention and convolutions, by torch's counter."""


class ByteCount:
    """A sum over the results of one run on meta tensors, which stops the run at a cap."""

    def __init__(self, most_total: int) -> None:
        self._most_total = most_total
        # Kept, so that no later result can have the identity of an earlier one.
        self._storages: dict[int, torch.UntypedStorage] = {}
        self.largest = 0
        self.total = 0

    def add(self, result: Any) -> None:
        """Count one node's result.

        Raises:
            RefusedError: it, or the sum so far, is above its cap.
        """
        results = result if isinstance(result, (list, tuple)) else [result]
        tensors = [item for item in results if isinstance(item, Tensor)]
        if len(tensors) > MAX_LIST:
            raise RefusedError(f"at most {MAX_LIST} results, found {len(tensors)}")
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        self.largest = max(self.largest, size)
        for tensor in tensors:
            self._hold(tensor.untyped_storage())
        if size > self._most_total:
            raise RefusedError(f"its result would take {size} bytes, at most {self._most_total} are allowed")
        if self.total > self._most_total:
            raise RefusedError(
                f"results up to here would take {self.total} bytes, at most {self._most_total} are allowed"
            )

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = storage
            self.total += storage.nbytes()


class FlopCount(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Floating-point operations of matrix products, attention and convolutions, by torch's formulas.

    Torch's own counter imports its compiler, which takes longer than everything else that `check` does.
    """

    def __init__(self, formulas: Mapping[Any, Callable[..., int]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._formulas = formulas
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if formula := self._formulas.get(func.overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # skipping the compiler means importing it


def empty_like_spec(spec: TensorSpec, floating: torch.dtype | None) -> Tensor:
    """Return a tensor without data for one entry of a program's state.

    Raises:
        RefusedError: a shape that no tensor can have.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if floating is not None and dtype.is_floating_point:
        dtype = floating
    try:
        return torch.empty(spec.shape, dtype=dtype, device="meta")
    except RuntimeError as error:
        raise RefusedError(f"program: weight {ascii(spec.name)[:80]} cannot have shape {list(spec.shape)}") from error


def load(program_json: bytes, constants: Mapping[str, Tensor]) -> Program:
    """Return a program from untrusted bytes and the constants stored beside it.

    Raises:
        RefusedError: outside what a program may be; the message names the node or the part.
    """
    graph = decode(program_json)
    check_graph(graph)
    for spec in graph.constants:
        _check_constant(spec, constants)
    return Program(graph, {spec.name: constants[spec.name] for spec in graph.constants})


def _check_constant(spec: TensorSpec, constants: Mapping[str, Tensor]) -> None:
    constant = constants.get(spec.name)
    if constant is None:
        raise RefusedError(f"program: constant {ascii(spec.name)[:80]} is missing")
    if tuple(constant.shape) != spec.shape or constant.dtype != getattr(torch, spec.dtype):
        required, actual = f"{spec.dtype} {list(spec.shape)}", f"{constant.dtype} {list(constant.shape)}"
        raise RefusedError(f"program: constant {ascii(spec.name)[:80]} must be {required}, found {actual}")


class Program:
    """A model's forward from inputs and δ to its outputs, as checked data."""

    def __init__(self, graph: Graph, constants: Mapping[str, Tensor]) -> None:
        """Refrain from calling this; use `load`: a graph that was not checked must not run."""
        self.graph = graph
        self._constants = dict(constants)
        self._prepared: tuple[Precision, torch.device, tuple[Step, ...], list[Tensor]] | None = None

    @property
    def batch_range(self) -> tuple[int, int | None]:
        """Return the least and the greatest batch for which the program is the model; None: no upper bound."""
        return self.graph.batch_min, self.graph.batch_max

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Return the shape of one example's feature, that of δ without its batch axis."""
        return self.graph.delta.shape

    @property
    def feature_point(self) -> str:
        """Name of the module to whose output δ is added; empty for the input itself."""
        return self.graph.delta.name

    @property
    def output_names(self) -> tuple[str, ...]:
        """Return the paths of the outputs in what the model returned."""
        return tuple(output.name for output in self.graph.outputs)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Return the names, in the model's state dict, of the weights and buffers that the program uses."""
        return tuple(spec.name for spec in self.graph.state)

    def run(self, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, in the order of `output_names`.

        Args:
            state: at least the tensors named in `state_names`; others are not looked at.
            inputs: one tensor for each input, batch first.
            delta: zero-dimensional, or [N, *feature_shape].

        Raises:
            RefusedError: wrong shapes, a batch outside `batch_range`, or an operation that failed, by its node.
        """
        return self._run(state, inputs, delta, None)

    def trace(
        self, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor
    ) -> tuple[list[Any], tuple[Step, ...]]:
        """Run as `run` does and return every value by its number, with the steps that made those of the nodes."""
        values, steps = self._begin(state, inputs, delta)
        self._evaluate(values, [replace(step, drop=()) for step in steps], None)
        return values, steps

    def _run(
        self, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor, watch: Watch | None
    ) -> tuple[Tensor, ...]:
        values, steps = self._begin(state, inputs, delta)
        return self._evaluate(values, steps, watch)

    def _begin(
        self, state: Mapping[str, Tensor], inputs: Sequence[Tensor], delta: Tensor
    ) -> tuple[list[Any], tuple[Step, ...]]:
        weights = [_weight(spec, state) for spec in self.graph.state]
        self._check_inputs(inputs)
        full_shape = (inputs[0].shape[0], *self.feature_shape)
        if delta.ndim and tuple(delta.shape) != full_shape:
            raise RefusedError(
                f"program: delta must be zero-dimensional or {list(full_shape)}, found {list(delta.shape)}"
            )
        given = chain(zip(self.graph.state, weights, strict=True), zip(self.graph.inputs, inputs, strict=True))
        steps, constants = self._prepare(Precision.of(given), inputs[0].device)
        return [*inputs, delta, *weights, *constants], steps

    def check(
        self,
        inputs: Sequence[Tensor],
        *,
        floating: torch.dtype | None = None,
        most_total: int | None = None,
        most_flops: int = MOST_FLOPS,
    ) -> Footprint:
        """Run once without data and return what the first real run would take; to be called before it.

        Args:
            inputs: as for `run`; only their shapes and element types count, so tensors on `meta` will do.
            floating: element type that the floating weights will have; None: as captured.
            most_total: bytes that all results together may take, and one of them, an expanded view counted as a copy;
                None: `memory_cap` of this machine.
            most_flops: floating-point operations that matrix products, attention and convolutions may take.

        Raises:
            RefusedError: above a cap, or shapes that do not fit each other; the message names the node.
        """
        from torch.utils.flop_counter import flop_registry  # slow to import, and a recorder never checks

        count = ByteCount(memory_cap() if most_total is None else most_total)
        state = {spec.name: empty_like_spec(spec, floating) for spec in self.graph.state}
        shapes = [tensor.detach().to("meta") for tensor in inputs]
        with torch.no_grad(), FlopCount(flop_registry) as flops:
            self._run(state, shapes, torch.zeros((), device="meta", dtype=floating), count.add)
        footprint = Footprint(count.largest, count.total, flops.total)
        if footprint.flops > most_flops:
            raise RefusedError(
                f"program: one run would take {footprint.flops} operations, at most {most_flops} are allowed"
            )
        return footprint

    def _check_inputs(self, inputs: Sequence[Tensor]) -> None:
        if len(inputs) != len(self.graph.inputs):
            raise RefusedError(f"program: {len(self.graph.inputs)} inputs are required, found {len(inputs)}")
        sizes = {tensor.shape[0] if tensor.ndim else -1 for tensor in inputs}
        least, most = self.batch_range
        if len(sizes) != 1 or not least <= min(sizes) <= (min(sizes) if most is None else most):
            allowed = f"{least} or more" if most is None else f"{least} to {most}"
            raise RefusedError(f"program: a batch of {allowed} is required, found {sorted(sizes)}")
        for spec, tensor in zip(self.graph.inputs, inputs, strict=True):
            if tuple(tensor.shape[1:]) != spec.shape:
                shape = ", ".join(map(str, ("N", *spec.shape)))
                raise RefusedError(
                    f"program: input {ascii(spec.name)[:80]} must be [{shape}], found {list(tensor.shape)}"
                )

    def _prepare(self, precision: Precision, device: torch.device) -> tuple[tuple[Step, ...], list[Tensor]]:
        prepared = self._prepared  # another thread may put that of another device in its place
        if prepared is None or prepared[:2] != (precision, device):
            constants = [
                self._constants[spec.name].to(device=device, dtype=precision.dtype(spec.dtype))
                for spec in self.graph.constants
            ]
            self._prepared = prepared = (precision, device, prepare(self.graph, precision, device), constants)
        return prepared[2:]

    def _evaluate(self, values: list[Any], steps: Iterable[Step], watch: Watch | None) -> tuple[Tensor, ...]:
        for step in steps:
            try:
                result = step.run(values)
                if watch is not None:
                    watch(result)
            except Exception as error:
                raise RefusedError(f"program: node {step.node} ({step.op}): {one_line(error)}") from error
            values.append(result)
            for value in step.drop:
                values[value] = None
        return tuple(values[output.value] for output in self.graph.outputs)


@contextmanager
def refusing(what: str = "its gradient") -> Iterator[None]:
    """Turn what torch raises around a program's outputs, such as their gradient, into a refusal that names `what`.

    Raises:
        RefusedError: in the place of every exception that is not ours already.
    """
    try:
        yield
    except SedscopeError:
        raise
    except Exception as error:
        raise RefusedError(f"program: {what}: {one_line(error)}") from error


def _weight(spec: TensorSpec, state: Mapping[str, Tensor]) -> Tensor:
    weight = state.get(spec.name)
    if weight is None:
        raise RefusedError(f"program: weight {ascii(spec.name)[:80]} is missing from the state")
    if tuple(weight.shape) != spec.shape:
        raise RefusedError(
            f"program: weight {ascii(spec.name)[:80]} must be {list(spec.shape)}, found {list(weight.shape)}"
        )
    return weight
