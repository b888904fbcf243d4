"""Programs drawn at random over the whole table of operations, built node by node as they run."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor

from recorders.program import Program
from recorders.program.execution.kernels import kernel, takes_device
from recorders.program.storage import operation_table
from recorders.program.storage.graph import Graph, Node, Output, Ref, TensorSpec
from recorders.program.storage.schema import check_graph, overload

OPERATIONS = sorted(operation_table.OPERATIONS)
STATE = {"w": (4, 4), "g": (2, 4), "b": (4,)}
N, FEATURE = 3, (2, 4)
MOST = 1e3
"""Largest number that a value may hold: beyond it differences of roundings would be looked at."""


class ProgramDrawing:
    """A program that grows by operations that succeed on its example values."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        generator = torch.Generator().manual_seed(seed)

        def positive(*shape: int) -> Tensor:
            return 0.2 + torch.rand(shape, generator=generator, dtype=torch.float64)

        self.inputs = [positive(N, *FEATURE), torch.randint(4, (N, 2), generator=generator)]
        self.state = {name: positive(*shape) for name, shape in STATE.items()}
        self.values: list[Any] = [*self.inputs, torch.zeros(N, *FEATURE, dtype=torch.float64), *self.state.values()]
        self.first = len(self.values)
        self.nodes: list[Node] = []
        self.append("aten.add.Tensor", (Ref(0), Ref(2)), ())

    def append(
        self, op: str, args: tuple[Any, ...], keywords: tuple[tuple[str, Any], ...], entry: int | None = None
    ) -> bool:
        """Add a node where it runs and its result is what later ones can work with; return whether."""
        given = {name: self._fetched(argument) for name, argument in keywords}
        if takes_device(op):
            given["device"] = torch.device("cpu")
        node = Node(op, args, keywords)
        try:
            check_graph(self._graph([*self.nodes, node], 0))  # what could crash the process is refused here
            with torch.no_grad():
                result = kernel(op)(*(self._fetched(argument) for argument in args), **given)
        except Exception:  # noqa: BLE001  most drawn arguments do not fit
            return False
        items = result if isinstance(result, (list, tuple)) else [result]
        if not items or not all(_is_tame(item) for item in items):
            return False
        self.nodes.append(node)
        self.values.append(result)
        if items is result:
            entry = self.choose.randrange(len(items)) if entry is None else entry
            self.nodes.append(Node(operation_table.GETITEM, (Ref(len(self.values) - 1), entry)))
            self.values.append(result[entry])
        return True

    def grow(self, op: str, attempts: int = 40) -> bool:
        """Add an operation with drawn arguments; return whether any fitted."""
        drawn = (self._arguments(op) for _ in range(attempts))
        # Torch loses the second derivative by layer norm's bias where it has no gain: no oracle.
        return any(
            self.append(op, args, keywords)
            for args, keywords in drawn
            if not ("layer_norm" in op and args[2:3] in ((), (None,)) and args[3:4] not in ((), (None,)))
        )

    def program(self) -> Program:
        """The program, with its last floating value as the output."""
        last = max(i for i, v in enumerate(self.values) if isinstance(v, Tensor) and v.dtype == torch.float64)
        return Program(self._graph(self.nodes, last), {})

    def _graph(self, nodes: list[Node], output: int) -> Graph:
        return Graph(
            inputs=(TensorSpec("x", "float64", FEATURE), TensorSpec("tokens", "int64", (2,))),
            delta=TensorSpec("", "float64", FEATURE),
            state=tuple(TensorSpec(name, "float64", shape) for name, shape in STATE.items()),
            constants=(),
            nodes=tuple(nodes),
            outputs=(Output("", output),),
            batch_min=1,
            batch_max=None,
            torch=torch.__version__,
        )

    def _fetched(self, argument: Any) -> Any:
        if isinstance(argument, tuple):
            return [self._fetched(item) for item in argument]
        return self.values[argument.value] if isinstance(argument, Ref) else argument

    def _arguments(self, op: str) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
        args: list[Any] = []
        keywords: list[tuple[str, Any]] = []
        fixed = operation_table.FIXED.get(op, {})
        for slot in overload(op)._schema.arguments:
            optional = slot.has_default_value()
            if slot.name in operation_table.HANDED_IN or slot.name == "dtype":
                continue
            if slot.name in fixed:
                drawn = fixed[slot.name]
            elif optional and (keywords or self.choose.random() < 0.5):
                if not slot.kwarg_only and not keywords:
                    drawn = (
                        slot.default_value if not isinstance(slot.default_value, list) else tuple(slot.default_value)
                    )
                else:
                    continue
            else:
                drawn = self._drawn(str(slot.type))
            if slot.kwarg_only:
                keywords.append((slot.name, drawn))
            else:
                args.append(drawn)
        return tuple(args), tuple(keywords)

    def _drawn(self, kind: str) -> Any:
        choose = self.choose
        if kind.startswith("Optional["):
            return None if choose.random() < 0.3 else self._drawn(kind[9:-1])
        if kind.startswith("List["):
            return tuple(self._drawn(kind[5:-1]) for _ in range(choose.choice([1, 1, 2, 2, 3])))
        if kind == "Tensor":
            return Ref(self._tensor())
        return {
            "number": lambda: choose.choice([1, 2, 0.5, 1.5]),
            "int": lambda: choose.randint(-1, 4),
            "SymInt": lambda: choose.randint(-1, 4),
            "float": lambda: choose.choice([0.5, 1e-5, 1.5]),
            "bool": lambda: choose.random() < 0.5,
        }.get(kind, lambda: None)()

    def _tensor(self) -> int:
        tensors = [i for i, value in enumerate(self.values) if isinstance(value, Tensor)]
        return self.choose.choice(self.choose.choice([tensors, tensors[-3:], tensors[-1:]]))


def _is_tame(item: Any) -> bool:
    if not isinstance(item, Tensor) or not 0 < item.numel() <= 2_000:
        return False
    wide = item.to(torch.complex128).abs()
    return bool(torch.isfinite(wide).all() and (wide < MOST).all())
