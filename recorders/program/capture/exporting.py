"""The ladder of graphs: what `torch.export` gives, the same without in-place operations, and in core operations.

Decides how the export is asked for, what each rung is, for which batch sizes it is the model, and how operations that a
program may not hold are named, with the model's own lines. Which rung is taken is decided in `capture`; what of it can
be stored, in `convert`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, fx

from recorders.errors import ProgramRefused
from recorders.program.capture.forward import Forward
from recorders.program.storage.graph import MAX_AXIS

_NAMED = 4
"""Operations that a message names: one is mended at a time."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_NOT_THE_MODELS = (*(f"{folder}{os.sep}" for folder in (Path(torch.__file__).parent, Path(__file__).parents[2])), "<")
_REASONS = (
    ("data-dependent", "control flow or a number that depends on the data (an `if`, a loop or `.item()`)"),
    ("ConstraintViolation", "the batch size is fixed inside the forward"),
    ("specialized", "the batch size is fixed inside the forward"),
)
_GRAD = "wrap_with_set_grad_enabled"
_AUTOCAST = "wrap_with_autocast"
_SIZE = r"L\['inputs'\]\[\d+\]\.size\(\)\[0\]"
_SIMPLE = re.compile(rf"\(?(?:{_SIZE} (?:<|<=|>|>=) -?\d+|-?\d+ (?:<|<=|>|>=) {_SIZE}|{_SIZE} == {_SIZE})\)?")


class OutsideTable(ProgramRefused):
    """Operations that are not in the table; a lower rung of the ladder may do without them."""

    def __init__(self, message: str, *, only_in_place: bool) -> None:
        super().__init__(message)
        self.only_in_place = only_in_place
        """Every rung but the first is without these: what is missing there says more."""

    @classmethod
    def naming(cls, operations: Iterable[tuple[str, fx.Node]]) -> OutsideTable:
        """Return the refusal of these operations and nodes."""
        nodes = list(operations)
        telling = [(op, node) for op, node in nodes if not is_in_place(node)]
        descriptions = list(dict.fromkeys(f"{op}{_why(node)}{_line(node)}" for op, node in telling or nodes))
        rest = f" and {len(descriptions) - _NAMED} more" if len(descriptions) > _NAMED else ""
        message = f"model: operations outside the table: {', '.join(descriptions[:_NAMED])}{rest}"
        return cls(message, only_in_place=not telling)


def is_in_place(node: fx.Node) -> bool:
    """Return whether the operation writes into one of its arguments."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def _why(node: fx.Node) -> str:
    tags = getattr(node.target, "tags", ())
    if torch.Tag.data_dependent_output in tags:
        return " (a number that depends on the data)"
    if torch.Tag.dynamic_output_shape in tags:
        return " (a shape that depends on the data)"
    return " (random)" if torch.Tag.nondeterministic_seeded in tags else ""


def _line(node: fx.Node) -> str:
    """Return the line of a stack that was written down as text, the way exported nodes carry it."""
    return _innermost([(path, int(line)) for path, line in _FRAME.findall(node.meta.get("stack_trace") or "")])


def line_of_traceback(trace: TracebackType | None) -> str:
    """Return ` at model.py:12`: the innermost line outside torch and this package; empty if there is none."""
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return _innermost(frames)


def _innermost(frames: list[tuple[str, int]]) -> str:
    for path, line in reversed(frames):
        if not path.startswith(_NOT_THE_MODELS):
            return f" at {Path(path).name}:{line}"
    return ""


def rungs(forward: Forward, inputs: tuple[Tensor, ...], delta: Tensor) -> Iterator[Any]:
    """Yield exported programs of one forward, each more decomposed than the one before.

    Raises:
        ProgramRefused: the forward cannot be exported; the message names what torch stumbled over.
    """
    raw = _export(forward, inputs, delta)
    inline_bodies(raw.graph_module)
    yield raw
    yield raw.run_decompositions({})
    # The core table would turn `detach` into `alias`, which lets a gradient through that the model stops.
    core: Any = torch.export.default_decompositions()
    core.pop(torch.ops.aten.detach.default, None)
    yield raw.run_decompositions(core)


def _export(forward: Forward, inputs: tuple[Tensor, ...], delta: Tensor) -> Any:
    batch = tuple({0: torch.export.Dim.AUTO} for _ in inputs)
    try:
        return torch.export.export(forward, (inputs, delta), dynamic_shapes=(batch, None), strict=False)
    except Exception as error:
        if (ours := _ours(error)) is not None:
            raise ours from error
        raise ProgramRefused(f"model: its forward cannot be captured: {_reason(error)}") from error


def _ours(error: BaseException) -> ProgramRefused | None:
    """Return a refusal of ours on the way to this error, or None; torch wraps what is raised while it traces."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ProgramRefused):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    first = " ".join(str(error).split())[:160]
    where = line_of_traceback(error.__traceback__)
    for sign, reason in _REASONS:
        if sign in text:
            return f"{reason}{where} ({first})"
    return f"{type(error).__name__}{where}: {first}"


def inline_bodies(module: fx.GraphModule) -> None:
    """Replace every block of the graph by its body, nested ones too.

    Raises:
        ProgramRefused: autocast that is switched on inside the forward.
    """
    while (block := _next(module)) is not None:
        _inline(module, block)
    module.graph.eliminate_dead_code()
    module.recompile()


def _next(module: fx.GraphModule) -> fx.Node | None:
    return next((node for node in module.graph.nodes if _name(node) in (_GRAD, _AUTOCAST)), None)


def _name(node: fx.Node) -> str:
    return str(getattr(node.target, "_name", "")) if node.op == "call_function" else ""


def _inline(module: fx.GraphModule, block: fx.Node) -> None:
    arguments: list[Any] = list(block.args)
    if _name(block) == _GRAD:
        detaches, (where, *operands) = not arguments[0], arguments[1:]
    else:
        if arguments[2]:
            raise ProgramRefused(f"model: autocast to {arguments[1]} inside the forward cannot be captured")
        detaches, (where, *operands) = False, arguments[4:]
    body = getattr(module, str(where.target))
    with module.graph.inserting_before(block):
        results = _copy(module, body, operands)
        if detaches:
            results = [_detached(module.graph, result) for result in results]
    for user in list(block.users):
        position: Any = user.args[1]
        user.replace_all_uses_with(results[position])
        module.graph.erase_node(user)
    module.graph.erase_node(block)


def _copy(module: fx.GraphModule, body: fx.GraphModule, operands: list[Any]) -> list[Any]:
    copies: dict[fx.Node, Any] = {}
    remaining = iter(operands)
    for node in body.graph.nodes:
        if node.op == "placeholder":
            copies[node] = next(remaining)
        elif node.op == "output":
            return [copies[result] if isinstance(result, fx.Node) else result for result in node.args[0]]
        elif node.op == "get_attr":
            name = f"_inlined_{len(module._modules)}_{node.target}"
            setattr(module, name, getattr(body, node.target))
            copies[node] = module.graph.get_attr(name)
        else:
            copies[node] = module.graph.node_copy(node, lambda old: copies[old])
    raise ProgramRefused("model: a block without a result cannot be captured")


def _detached(graph: fx.Graph, result: Any) -> Any:
    if not isinstance(result, fx.Node) or not isinstance(result.meta.get("val"), torch.Tensor):
        return result
    detached = graph.call_function(torch.ops.aten.detach.default, (result,))
    detached.meta = dict(result.meta)
    return detached


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
