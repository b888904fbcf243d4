"""An exported program as a graph of ours, if every operation that its outputs need is in the table.

Decides what is left out because it changes nothing (assertions, dropout in eval mode, devices), what is written
differently so that the program runs anywhere and in float64, and what a weight is called. Which operations are allowed
is decided in `table`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, fx, nn

from recorders.program import table
from recorders.program.feature_point import Calls
from recorders.program.forward import Forward
from recorders.program.graph import MAX_DEPTH, Argument, DType, Graph, MemoryFormat, Node, Output, Ref, TensorSpec
from recorders.program.ranges import batch_range
from recorders.program.refusal import ProgramRefused

MAX_CONSTANT_BYTES: Final = 256 << 20
"""What a model holds beside its state dict; more is taken for a mistake."""

_INTEGERS: Final = {
    operator.add: "int.add",
    operator.sub: "int.sub",
    operator.mul: "int.mul",
    operator.floordiv: "int.floordiv",
    operator.mod: "int.mod",
    operator.neg: "int.neg",
}
_DROPOUTS: Final = frozenset(f"aten.{name}.default" for name in ("dropout", "feature_dropout", "alpha_dropout"))
_COPIES: Final = frozenset(("aten.lift_fresh_copy.default", "aten.lift_fresh.default"))
_CASTS: Final = frozenset(("aten.to.device", "aten.to.dtype_layout"))
_PROMOTING: Final = frozenset(
    f"aten.{name}"
    for name in ["add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor", "pow.Tensor_Tensor", "pow.Tensor_Scalar", "pow.Scalar", "reciprocal.default", "sqrt.default", "rsqrt.default", "exp.default", "log.default", "sin.default", "cos.default", "tanh.default", "sigmoid.default"]
)
_FAR: Final = 2**31
"""Beyond it an end of a slice means the end of the axis."""


class OutsideTable(ProgramRefused):
    """Operations that a program may not hold; a lower rung of the ladder may do without them."""


@dataclass(frozen=True)
class Converted:
    """A graph and the tensors that are stored beside it."""

    graph: Graph
    constants: dict[str, Tensor]


def convert(exported: Any, forward: Forward, names: tuple[str, ...], feature: Calls) -> Converted:
    """The exported program as data.

    Raises:
        OutsideTable: it needs operations that are not in the table; they are named, with the model's line.
        ProgramRefused: the batch is fixed, or a constant is trained or too large.
    """
    return _Conversion(exported, forward).whole(names, feature)


class _Conversion:
    """The state of one conversion: what each node of the export became."""

    def __init__(self, exported: Any, forward: Forward) -> None:
        self._exported = exported
        self._forward = forward
        self._graph: fx.Graph = exported.graph_module.graph
        self._became: dict[fx.Node, Argument] = {}
        self._nodes: list[Node] = []
        self._first = 0

    def whole(self, names: tuple[str, ...], feature: Calls) -> Converted:
        results = self._results()
        live = _reachable(results)
        _refuse_outside([node for node in self._graph.nodes if node in live and _outside(node)])
        inputs, state, constants = self._place(live)
        for node in self._graph.nodes:
            if node in live and node.op == "call_function":
                self._became[node] = self._convert(node)
        delta = TensorSpec(self._forward.point, _name_of(feature.dtype), feature.shape[1:])
        least, most = batch_range(self._exported)
        graph = Graph(
            inputs=inputs,
            delta=delta,
            state=tuple(spec for spec, _ in state),
            constants=tuple(spec for spec, _ in constants),
            nodes=tuple(self._nodes),
            outputs=tuple(Output(name, self._value(result)) for name, result in zip(names, results, strict=True)),
            batch_min=least,
            batch_max=most,
            torch=torch.__version__,
        )
        return Converted(graph, {spec.name: tensor for spec, tensor in constants})

    def _results(self) -> list[fx.Node]:
        returned = next(node for node in self._graph.nodes if node.op == "output").args[0]
        kinds = [spec.kind.name for spec in self._exported.graph_signature.output_specs]
        return [node for node, kind in zip(returned, kinds, strict=True) if kind == "USER_OUTPUT"]

    def _value(self, result: fx.Node) -> int:
        became = self._became[result]
        assert isinstance(became, Ref)
        return became.value

    # --- what the program is given --------------------------------------------------------------------------------
    def _place(self, live: set[fx.Node]) -> tuple[tuple[TensorSpec, ...], list[Placed], list[Placed]]:
        """Numbers inputs, δ, state and constants, and says what they are."""
        given = {spec.arg.name: spec for spec in self._exported.graph_signature.input_specs}
        users = [node for node in self._graph.nodes if node.op == "placeholder" and _is_user(given[node.name])]
        held = [node for node in self._graph.nodes if node.op == "placeholder" and node in live and node not in users]
        state: dict[int, Placed] = {}
        constants: dict[int, Placed] = {}
        known = _state_names(self._forward.model)
        where: list[tuple[fx.Node, dict[int, Placed], int]] = []
        for node in held:
            tensor = self._held(given[node.name])
            name = known.get(id(tensor))
            home = constants if name is None else state
            if id(tensor) not in home:
                spec_name = name if name is not None else f"c{len(constants)}"
                home[id(tensor)] = (TensorSpec(spec_name, _name_of(tensor.dtype), tuple(tensor.shape)), tensor)
            where.append((node, home, id(tensor)))
        _check_constants(constants.values(), given, self._exported)
        self._number(users, where, state, constants)
        inputs = tuple(_input_spec(i, node) for i, node in enumerate(users[:-1]))
        return inputs, list(state.values()), [(spec, _kept(tensor)) for spec, tensor in constants.values()]

    def _held(self, spec: Any) -> Tensor:
        """The real tensor behind a placeholder: from the model where it has it, for identity, else from the export."""
        try:
            owner, _, leaf = spec.target.rpartition(".")
            found = getattr(self._forward.get_submodule(owner), leaf)
        except AttributeError:
            found = None
        if not isinstance(found, Tensor):
            found = self._exported.constants.get(spec.target)
        if not isinstance(found, Tensor):
            raise ProgramRefused(f"model: {spec.target!r} is not a tensor and cannot be stored")
        return found

    def _number(
        self,
        users: list[fx.Node],
        where: list[tuple[fx.Node, dict[int, Placed], int]],
        state: dict[int, Placed],
        constants: dict[int, Placed],
    ) -> None:
        for value, node in enumerate(users):
            self._became[node] = Ref(value)
        for node, home, identity in where:
            start = len(users) + (0 if home is state else len(state))
            self._became[node] = Ref(start + list(home).index(identity))
        self._first = len(users) + len(state) + len(constants)

    # --- nodes ----------------------------------------------------------------------------------------------------
    def _add(self, op: str, args: tuple[Argument, ...], kwargs: Mapping[str, Argument] | None = None) -> Ref:
        self._nodes.append(Node(op, args, tuple((kwargs or {}).items())))
        return Ref(self._first + len(self._nodes) - 1)

    def _convert(self, node: fx.Node) -> Argument:
        op = _op(node)
        args = [self._argument(item) for item in node.args]
        kwargs = {name: self._argument(item) for name, item in node.kwargs.items() if name not in _UNSTORED}
        if op in _DROPOUTS or op in _COPIES:
            return args[0]
        if op in _CASTS:
            return self._cast(node, args[0])
        if op == "aten.slice.Tensor":
            args = [
                None if isinstance(item, int) and abs(item) > _FAR and i == 3 else item for i, item in enumerate(args)
            ]
        if op in _MADE_FROM_NOTHING and "dtype" not in kwargs:
            kwargs["dtype"] = DType(_name_of(node.meta["val"].dtype))
        if op in _PROMOTING and _promotes(node):
            args = [self._promoted(old, new, node) for old, new in zip(node.args, args, strict=True)]
        return self._add(op, tuple(args), kwargs)

    def _cast(self, node: fx.Node, source: Argument) -> Argument:
        """A move between devices is nothing here; what remains of it is the element type."""
        before, after = node.args[0].meta["val"].dtype, node.meta["val"].dtype
        return source if before == after else self._add("aten.to.dtype", (source, DType(_name_of(after))))

    def _promoted(self, old: Any, new: Argument, node: fx.Node) -> Argument:
        """Integers become floats by a cast that is written down: left to torch it would be to float32 for ever."""
        if not isinstance(old, fx.Node) or not isinstance(old.meta.get("val"), Tensor):
            return new
        return self._add("aten.to.dtype", (new, DType(_name_of(node.meta["val"].dtype))))

    def _argument(self, item: Any, depth: int = 0) -> Argument:
        if isinstance(item, fx.Node):
            return self._became[item]
        if isinstance(item, (list, tuple)) and depth < MAX_DEPTH:
            return tuple(self._argument(element, depth + 1) for element in item)
        if isinstance(item, torch.dtype):
            return DType(_name_of(item))
        if isinstance(item, torch.memory_format):
            return MemoryFormat(str(item).removeprefix("torch."))
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        if isinstance(item, (torch.device, torch.layout)):
            return None
        raise ProgramRefused(f"model: an argument of type {type(item).__name__} cannot be stored")


Placed = tuple[TensorSpec, Tensor]
_UNSTORED: Final = frozenset(("device", "layout", "pin_memory", "non_blocking"))
_MADE_FROM_NOTHING: Final = frozenset(
    f"aten.{name}"
    for name in ["arange.default", "arange.start", "arange.start_step", "zeros.default", "ones.default", "full.default", "scalar_tensor.default", "eye.default", "eye.m", "linspace.default", "tril_indices.default", "triu_indices.default"]
)


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _op(node: fx.Node) -> str:
    if node.target is operator.getitem:
        return table.GETITEM
    return _INTEGERS.get(node.target) or str(node.target)


def _outside(node: fx.Node) -> bool:
    if node.op in ("placeholder", "output"):
        return False
    op = _op(node)
    if op in _DROPOUTS:
        return bool(node.args[2])
    if op in _COPIES or op in _CASTS:
        return False
    return node.op != "call_function" or not table.is_known(op)


def _reachable(results: list[fx.Node]) -> set[fx.Node]:
    live: set[fx.Node] = set()
    waiting = list(results)
    while waiting:
        node = waiting.pop()
        if node not in live:
            live.add(node)
            waiting.extend(node.all_input_nodes)
    return live


def _refuse_outside(nodes: list[fx.Node]) -> None:
    if nodes:
        named = dict.fromkeys(f"{_op(node)}{_random(node)}{_line(node)}" for node in nodes)
        rest = f" and {len(named) - 4} more" if len(named) > 4 else ""
        raise OutsideTable(f"model: operations outside the table: {', '.join(list(named)[:4])}{rest}")


def _random(node: fx.Node) -> str:
    seeded = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    return " (random)" if seeded else ""


def _line(node: fx.Node) -> str:
    """The model's own line that made the node, as ` at file.py:12`."""
    lines = [line for line in (node.meta.get("stack_trace") or "").splitlines() if line.strip().startswith('File "')]
    own = [line for line in lines if "/torch/" not in line and "/recorders/" not in line]
    if not own:
        return ""
    _, path, rest = own[-1].split('"', 2)
    return f" at {path.rsplit('/', 1)[-1]}:{rest.split('line ')[1].split(',')[0]}"


def _is_user(spec: Any) -> bool:
    return bool(spec.kind.name == "USER_INPUT")


def _input_spec(index: int, node: fx.Node) -> TensorSpec:
    value = node.meta["val"]
    return TensorSpec(f"inputs.{index}", _name_of(value.dtype), tuple(int(size) for size in value.shape[1:]))


def _state_names(model: nn.Module) -> dict[int, str]:
    """Identity of every tensor of the state dict → the first of its names."""
    names: dict[int, str] = {}
    for name, tensor in _saved(model):
        names.setdefault(id(tensor), name)
    return names


def _saved(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    for path, module in model.named_modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                yield f"{path}.{name}" if path else name, buffer


def _promotes(node: fx.Node) -> bool:
    """Integer tensors in, floats out."""
    given = [
        item.meta["val"] for item in node.args if isinstance(item, fx.Node) and isinstance(item.meta["val"], Tensor)
    ]
    return node.meta["val"].is_floating_point() and not any(value.is_floating_point() for value in given)


def _check_constants(constants: Any, given: Mapping[str, Any], exported: Any) -> None:
    size = 0
    for _, tensor in constants:
        size += tensor.numel() * tensor.element_size()
        if tensor.requires_grad:
            raise ProgramRefused(
                f"model: a tensor of shape {list(tensor.shape)} is trained but is not in the model's state dict"
            )
    if size > MAX_CONSTANT_BYTES:
        raise ProgramRefused(f"model: at most {MAX_CONSTANT_BYTES} bytes of constants are stored, found {size}")


def _kept(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()
