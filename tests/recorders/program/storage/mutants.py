"""Runs mutated programs in a process of its own, so that a crash is seen: `mutants.py FOLDER SEED COUNT`.

The folder holds `*.json` with `*.safetensors` beside them. Every mutant must be refused or must run, with a second
derivative; anything else ends the process with a message or a signal.
"""

from __future__ import annotations

import collections
import copy
import json
import random
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from recorders.errors import RefusedError
from recorders.program import load, refusing
from recorders.program.storage import operation_table
from recorders.program.storage.graph import DTYPES, FORMATS
from recorders.program.storage.schema import _slots, overload

OPERATIONS = sorted(operation_table.OPERATIONS)
INTEGERS = [
    0,
    1,
    -1,
    2,
    3,
    -2,
    5,
    7,
    8,
    16,
    64,
    255,
    4096,
    4097,
    65536,
    -65536,
    2**24,
    2**31,
    -(2**31),
    2**53,
    -(2**53),
]
FLOATS = [0.0, 1.0, -1.0, 0.5, 1e-30, 1e30, 1e308, {"float": "inf"}, {"float": "-inf"}, {"float": "nan"}]
TEXTS = [
    "",
    "none",
    "tanh",
    "floor",
    "trunc",
    "same",
    "valid",
    "reflect",
    "circular",
    "ij,jk->ik",
    "...i->...",
    "\x1b[31m",
]
KINDS = (
    *("TensorType", "NumberType", "IntType", "FloatType", "BoolType"),
    *("StringType", "ScalarTypeType", "MemoryFormatType"),
)
SECONDS = 20
BATCH = 4


class Mutator:
    """One program's document, changed at random places."""

    def __init__(self, document: dict[str, Any], choose: random.Random) -> None:
        self.document = copy.deepcopy(document)
        self.choose = choose
        self.first = len(document["inputs"]) + 1 + len(document["state"]) + len(document["constants"])

    def mutate(self) -> dict[str, Any]:
        crude = [self.literal, self.literal, self.swap, self.argument, self.argument, self.extra, self.drop, self.spec]
        changes = self.choose.choice([crude, [self.append]])
        for _ in range(self.choose.choice([1, 1, 2, 3])):
            self.choose.choice(changes)()
        return self.document

    def node(self) -> list[Any]:
        return self.choose.choice(self.document["nodes"])

    def literal(self) -> None:
        node = self.node()
        place = self.choose.choice(_places(node[1]) or [(node[1], None)])
        if place[1] is not None:
            place[0][place[1]] = self.value()

    def swap(self) -> None:
        self.node()[0] = self.choose.choice(OPERATIONS)

    def argument(self) -> None:
        arguments = self.node()[1]
        if arguments:
            arguments[self.choose.randrange(len(arguments))] = self.value()

    def extra(self) -> None:
        node = self.node()
        if node[0] in operation_table.OPERATIONS:
            slot = self.choose.choice(_slots(overload(node[0])))
            keywords = node[2] if len(node) == 3 else {}
            keywords[slot.name] = self.typed(slot.kind, self.last())
            node[2:] = [keywords]

    def drop(self) -> None:
        nodes = self.document["nodes"]
        del nodes[self.choose.randrange(len(nodes))]

    def spec(self) -> None:
        spec = self.choose.choice([*self.document["state"], *self.document["inputs"], self.document["delta"]])
        if self.choose.random() < 0.3:
            spec[1] = self.choose.choice(sorted(DTYPES))
        else:
            spec[2] = [self.choose.choice([0, 1, 2, 3, 4, 5, 8, 16, 2**20]) for _ in range(self.choose.randrange(5))]

    def append(self) -> None:
        """A well-typed node of a random operation, and its result as the output."""
        op = self.choose.choice(OPERATIONS)
        last = self.last()
        args, keywords = [], {}
        for slot in _slots(overload(op)):
            if slot.name in operation_table.HANDED_IN or (not slot.required and self.choose.random() < 0.4):
                continue
            fixed = operation_table.FIXED.get(op, {})
            value = fixed[slot.name] if slot.name in fixed else self.typed(slot.kind, last)
            keywords[slot.name] = value
        slots = _slots(overload(op))
        while slots and not slots[0].keyword_only and slots[0].name in keywords:
            args.append(keywords.pop(slots.pop(0).name))
        self.document["nodes"].append([op, args, keywords] if keywords else [op, args])
        returned = overload(op)._schema.returns
        value = last
        if len(returned) > 1 or str(returned[0].real_type.kind()) == "ListType":
            self.document["nodes"].append(["getitem", [{"v": last}, self.choose.choice([0, 0, 0, 1])]])
            value = last + 1
        self.document["outputs"] = [["", value]]

    def last(self) -> int:
        return self.first + len(self.document["nodes"])

    def typed(self, kind: str, last: int) -> Any:
        choose = self.choose
        if kind.startswith("Optional["):
            return None if choose.random() < 0.3 else self.typed(kind[9:-1], last)
        if kind.startswith("List["):
            return [self.typed(kind[5:-1], last) for _ in range(choose.choice([0, 1, 1, 2, 2, 2, 3, 4]))]
        small = choose.random() < 0.75
        return {
            "TensorType": lambda: {"v": self.tensor() if small else choose.randrange(last)},
            "NumberType": lambda: choose.choice(FLOATS) if choose.random() < 0.5 else choose.choice(INTEGERS),
            "IntType": lambda: choose.randint(-2, 4) if small else choose.choice(INTEGERS),
            "SymIntType": lambda: choose.randint(-2, 4) if small else choose.choice(INTEGERS),
            "FloatType": lambda: choose.choice(FLOATS),
            "BoolType": lambda: choose.random() < 0.5,
            "StringType": lambda: choose.choice(TEXTS),
            "ScalarTypeType": lambda: {"dtype": choose.choice(sorted(DTYPES))},
            "MemoryFormatType": lambda: {"memory_format": choose.choice(sorted(FORMATS))},
        }.get(kind, lambda: None)()

    def tensor(self) -> int:
        """A value that is a tensor, more often one of the latest."""
        tensors = [
            *range(self.first),
            *(self.first + i for i, node in enumerate(self.document["nodes"]) if _makes(node)),
        ]
        return self.choose.choice(self.choose.choice([tensors, tensors[-8:]]))

    def value(self) -> Any:
        kind = self.choose.choice([*KINDS, *(f"List[{kind}]" for kind in KINDS)])
        return self.choose.choice([None, self.typed(kind, self.last())])


def _makes(node: list[Any]) -> bool:
    """Whether a node's value is one tensor."""
    if node[0] not in operation_table.OPERATIONS:
        return bool(node[0] == operation_table.GETITEM)
    returned = overload(node[0])._schema.returns
    return len(returned) == 1 and str(returned[0].real_type.kind()) == "TensorType"


def _places(container: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = enumerate(container) if isinstance(container, list) else container.items()
    for key, item in items:
        found += _places(item) if isinstance(item, (list, dict)) else [(container, key)]
    return found


def example(spec: Any, *batch: int) -> Tensor:
    """A tensor for one entry, with awkward values among ordinary ones."""
    shape, dtype = (*batch, *spec.shape), getattr(torch, spec.dtype)
    size = 1
    for axis in shape:
        size *= axis
    if size > 2**22:
        raise RefusedError("too large for this test")
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape).to(dtype)
    values = torch.randint(0, 5, shape)
    if size and random.random() < 0.2:
        values.view(-1)[0] = random.choice([-1, -(2**63), 2**63 - 1, 4096])
    return values.to(dtype)


def attempt(document: dict[str, Any], constants: dict[str, Tensor]) -> str:
    """How far one program came: the stage at which it was refused, or "ran"."""
    stage = "load"
    try:
        program = load(json.dumps(document).encode(), constants)
        stage = "check"
        graph = program.graph
        inputs = tuple(example(spec, max(BATCH, min(graph.batch_min, 64))) for spec in graph.inputs)
        program.check(inputs, most_total=512 << 20)
        stage = "run"
        state = {spec.name: example(spec) for spec in graph.state}
        for tensor in state.values():
            tensor.requires_grad_(tensor.is_floating_point())
        delta = example(graph.delta, inputs[0].shape[0])
        delta.requires_grad_(delta.is_floating_point())
        outputs = program.run(state, inputs, delta)
        stage = "gradient"
        with refusing():
            gradients(outputs, [t for t in state.values() if t.requires_grad], delta)
    except RefusedError as refusal:
        assert "\n" not in str(refusal) and str(refusal).isprintable(), ascii(str(refusal))
        return stage
    return "ran"


def gradients(outputs: Any, weights: list[Tensor], delta: Tensor) -> None:
    """First and second derivative, as the analysis takes them."""
    reached = [y.sum() for y in outputs if y.requires_grad and y.is_floating_point()]
    if not reached or not weights:
        return
    first = torch.autograd.grad(reached, weights, create_graph=True, allow_unused=True)
    products = [g.sum() for g in first if g is not None and g.requires_grad]
    if products and delta.requires_grad:
        torch.autograd.grad(products, delta, allow_unused=True)


def main(folder: Path, seed: int, count: int) -> None:
    programs = []
    for path in sorted(folder.glob("*.json")):
        constants = load_file(path.with_suffix(".safetensors"))
        programs.append((json.loads(path.read_bytes()), constants))
    tally: collections.Counter[str] = collections.Counter()
    for index in range(seed, seed + count):
        choose = random.Random(index)
        random.seed(index)
        torch.manual_seed(index)
        document, constants = choose.choice(programs)
        mutant = Mutator(document, choose).mutate()
        (folder / "last").write_text(f"{index}\n{json.dumps(mutant)}")
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of this process, not of a clock that a busy machine runs past
        tally[attempt(mutant, constants)] += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(tally))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
