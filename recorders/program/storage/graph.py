"""A feature program as frozen dataclasses (inputs, δ, state, constants, nodes and outputs) and as JSON.

Decides the numbering of values, the caps on size, the JSON form, and which structure is accepted: every value defined
before it is used, no duplicate keys, no numbers that JSON does not have, everything within the caps. Leaves which
operations exist and what each argument may be to `operation_table` and `schema`, and what a node means to
`interpreter`.

Values are numbered: the inputs come first, then δ, then the state, then the constants, then one value for each node in
order. In JSON `{"v": 17}` refers to value 17. A number with a point or an exponent is a float, one without is an
integer; what JSON cannot write is `{"float": "inf"}`; element types are `{"dtype": "float32"}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recorders.errors import DamagedError, RefusedError
from recorders.format import MAX_PROGRAM_JSON
from recorders.store import strictjson

PROGRAM_VERSION: Final = 1
"""Raised when an old interpreter would misread a new program."""

# Ten times what a captured transformer of a hundred layers has; a hostile file stops here and not at the memory's end.
MAX_NODES: Final = 50_000
MAX_VALUES: Final = 100_000
MAX_DEPTH: Final = 3
"""Lists inside lists inside an argument; an operation never needs more than two."""
MAX_LIST: Final = 4_096
MAX_TEXT: Final = 1_024
MAX_AXES: Final = 16
MAX_AXIS: Final = 2**40  # longer than any tensor's axis, and far from where torch's own integers overflow

DTYPES: Final = frozenset(
    (
        *("float64", "float32", "float16", "bfloat16", "complex64", "complex128"),
        *("int64", "int32", "int16", "int8", "uint8", "bool"),
    )
)
FORMATS: Final = frozenset(("contiguous_format", "preserve_format", "channels_last", "channels_last_3d"))


@dataclass(frozen=True)
class Ref:
    """The value with this number."""

    value: int


@dataclass(frozen=True)
class DType:
    """An element type by torch's name, such as `float32`."""

    name: str


@dataclass(frozen=True)
class MemoryFormat:
    """A memory format by torch's name, such as `contiguous_format`."""

    name: str


Argument = None | bool | int | float | str | Ref | DType | MemoryFormat | tuple["Argument", ...]


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that the program is given. Axis 0 of an input is the batch axis and is left out of `shape`."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """One operation: an overload of the table and its arguments."""

    op: str
    args: tuple[Argument, ...]
    kwargs: tuple[tuple[str, Argument], ...] = ()

    def refs(self) -> Iterator[int]:
        """Yield the values that the node uses, with repetitions."""
        yield from _refs(self.args)
        for _, argument in self.kwargs:
            yield from _refs((argument,))


@dataclass(frozen=True)
class Output:
    """A value that the program returns, under the path it had in the model's output (`""` for a bare tensor)."""

    name: str
    value: int


@dataclass(frozen=True)
class Graph:
    """A feature program as data."""

    inputs: tuple[TensorSpec, ...]
    delta: TensorSpec
    """Shape of one example's feature; `name` is the module of the feature point, `""` for the input itself."""
    state: tuple[TensorSpec, ...]
    constants: tuple[TensorSpec, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    batch_min: int
    batch_max: int | None
    """Sizes of the batch for which the graph holds; None: no upper bound."""
    torch: str
    """Version that captured it; for the reader of a report, nothing depends on it."""

    @property
    def first_node(self) -> int:
        """Return the number of the first node's value."""
        return len(self.inputs) + 1 + len(self.state) + len(self.constants)


def _refs(arguments: tuple[Argument, ...]) -> Iterator[int]:
    for argument in arguments:
        if isinstance(argument, Ref):
            yield argument.value
        elif isinstance(argument, tuple):
            yield from _refs(argument)


# --- encoding -----------------------------------------------------------------------------------------------------
def encode(graph: Graph) -> bytes:
    """Return the graph as UTF-8 JSON, always the same bytes for the same graph."""
    document = {
        "version": PROGRAM_VERSION,
        "torch": graph.torch,
        "batch": [graph.batch_min, graph.batch_max],
        "inputs": [_encode_spec(spec) for spec in graph.inputs],
        "delta": _encode_spec(graph.delta),
        "state": [_encode_spec(spec) for spec in graph.state],
        "constants": [_encode_spec(spec) for spec in graph.constants],
        "nodes": [_encode_node(node) for node in graph.nodes],
        "outputs": [[output.name, output.value] for output in graph.outputs],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def _encode_spec(spec: TensorSpec) -> list[Any]:
    return [spec.name, spec.dtype, list(spec.shape)]


def _encode_node(node: Node) -> list[Any]:
    encoded: list[Any] = [node.op, [_encode_argument(argument) for argument in node.args]]
    if node.kwargs:
        encoded.append({name: _encode_argument(argument) for name, argument in node.kwargs})
    return encoded


def _encode_argument(argument: Argument) -> Any:
    match argument:
        case Ref(value):
            return {"v": value}
        case DType(name):
            return {"dtype": name}
        case MemoryFormat(name):
            return {"memory_format": name}
        case tuple():
            return [_encode_argument(item) for item in argument]
        case float() if not math.isfinite(argument):
            return {"float": str(argument)}
    return argument


# --- decoding -----------------------------------------------------------------------------------------------------
def decode(program_json: bytes) -> Graph:
    """Return a graph from untrusted bytes.

    Raises:
        RefusedError: too large, not this JSON form, or a structure that no capture writes; the message names the part.
    """
    document = _parse(program_json)
    _keys(document)
    batch_min, batch_max = _batch(document["batch"])
    graph = Graph(
        inputs=tuple(_spec(item, f"inputs[{i}]") for i, item in enumerate(_list(document["inputs"], "inputs"))),
        delta=_spec(document["delta"], "delta"),
        state=tuple(_spec(item, f"state[{i}]") for i, item in enumerate(_list(document["state"], "state"))),
        constants=tuple(
            _spec(item, f"constants[{i}]") for i, item in enumerate(_list(document["constants"], "constants"))
        ),
        nodes=tuple(_node(item, i) for i, item in enumerate(_list(document["nodes"], "nodes"))),
        outputs=tuple(_output(item, i) for i, item in enumerate(_list(document["outputs"], "outputs"))),
        batch_min=batch_min,
        batch_max=batch_max,
        torch=_text(document["torch"], "torch"),
    )
    _check_graph(graph)
    return graph


def _parse(program_json: bytes) -> dict[str, Any]:
    if len(program_json) > MAX_PROGRAM_JSON:
        raise RefusedError(f"program: at most {MAX_PROGRAM_JSON} bytes of JSON are read, found {len(program_json)}")
    try:
        document = strictjson.loads(program_json, "the text")
    except (DamagedError, RefusedError) as error:
        raise RefusedError(f"program: not readable as JSON: {one_line(error)}") from error
    return _dict(document, "program")


def _keys(document: Mapping[str, Any]) -> None:
    if document.get("version") != PROGRAM_VERSION or isinstance(document.get("version"), bool):
        version = ascii(document.get("version"))[:40]
        raise RefusedError(f"program: version {PROGRAM_VERSION} is read by this version of sedscope, found {version}")
    required = {"version", "torch", "batch", "inputs", "delta", "state", "constants", "nodes", "outputs"}
    if set(document) != required:
        key = sorted(required ^ set(document))[0]
        raise RefusedError(
            f"program: keys {', '.join(sorted(required))} are required; {ascii(key)[:80]} is missing or unknown"
        )


def _batch(item: Any) -> tuple[int, int | None]:
    if len(_list(item, "batch")) != 2:
        raise RefusedError("program: batch must be [least, most or null]")
    least = _count(item[0], "batch[0]", MAX_AXIS)
    most = None if item[1] is None else _count(item[1], "batch[1]", MAX_AXIS)
    return least, most


def _spec(item: Any, where: str) -> TensorSpec:
    if len(_list(item, where)) != 3:
        raise RefusedError(f"program: {where} must be [name, dtype, shape]")
    axes = _list(item[2], f"{where} shape")
    if len(axes) > MAX_AXES:
        raise RefusedError(f"program: {where} has {len(axes)} axes, at most {MAX_AXES} are read")
    shape = tuple(_count(axis, f"{where} shape", MAX_AXIS) for axis in axes)
    return TensorSpec(_text(item[0], f"{where} name"), _choice(item[1], DTYPES, f"{where} dtype"), shape)


def _node(item: Any, index: int) -> Node:
    where = f"node {index}"
    if len(_list(item, where)) not in (2, 3):
        raise RefusedError(f"program: {where} must be [operation, arguments] or [operation, arguments, keywords]")
    keywords = _dict(item[2], f"{where} keywords") if len(item) == 3 else {}
    args = tuple(_argument(argument, where, 0) for argument in _list(item[1], f"{where} arguments"))
    kwargs = tuple((_text(name, where), _argument(argument, where, 0)) for name, argument in keywords.items())
    return Node(_text(item[0], f"{where} operation"), args, kwargs)


def _argument(item: Any, where: str, depth: int) -> Argument:
    if item is None or isinstance(item, (bool, int, float)):
        return item
    if isinstance(item, str):
        return _text(item, where)
    if isinstance(item, list):
        if depth == MAX_DEPTH:
            raise RefusedError(f"program: {where} nests lists deeper than {MAX_DEPTH}")
        return tuple(_argument(element, where, depth + 1) for element in _list(item, where, MAX_LIST))
    return _tagged(item, where)


def _tagged(item: dict[str, Any], where: str) -> Argument:
    if len(item) != 1:
        raise RefusedError(f"program: {where} holds an object that does not have exactly one key")
    (tag, content), *_ = item.items()
    if tag == "v":
        return Ref(_count(content, f"{where} reference", MAX_VALUES))
    if tag == "dtype":
        return DType(_choice(content, DTYPES, f"{where} dtype"))
    if tag == "memory_format":
        return MemoryFormat(_choice(content, FORMATS, f"{where} memory format"))
    if tag == "float":
        return float(_choice(content, frozenset(("inf", "-inf", "nan")), f"{where} float"))
    raise RefusedError(
        f"program: {where} holds an unknown object {ascii(tag)[:40]}; known: v, dtype, memory_format, float"
    )


def _output(item: Any, index: int) -> Output:
    if len(_list(item, f"outputs[{index}]")) != 2:
        raise RefusedError(f"program: outputs[{index}] must be [name, value]")
    return Output(_text(item[0], f"outputs[{index}]"), _count(item[1], f"outputs[{index}]", MAX_VALUES))


def _check_graph(graph: Graph) -> None:
    if not graph.outputs or len(graph.nodes) > MAX_NODES or graph.first_node > MAX_VALUES - MAX_NODES:
        raise RefusedError(f"program: at least one output and at most {MAX_NODES} nodes are required")
    for kind, names in (
        ("inputs", [spec.name for spec in graph.inputs]),
        ("state", [spec.name for spec in graph.state]),
        ("constants", [spec.name for spec in graph.constants]),
        ("outputs", [output.name for output in graph.outputs]),
    ):
        if len(set(names)) != len(names):
            raise RefusedError(f"program: two {kind} have one name")
    for index, node in enumerate(graph.nodes):
        if any(ref >= graph.first_node + index for ref in node.refs()):
            raise RefusedError(f"program: node {index} uses a value that is not defined before it")
    if any(output.value >= graph.first_node + len(graph.nodes) for output in graph.outputs):
        raise RefusedError("program: an output refers to a value that does not exist")


# --- pieces -------------------------------------------------------------------------------------------------------
def _dict(item: Any, where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RefusedError(f"program: {where} must be an object, found {type(item).__name__}")
    return item


def _list(item: Any, where: str, most: int = MAX_VALUES) -> list[Any]:
    if not isinstance(item, list) or len(item) > most:
        actual = f"{len(item)} entries" if isinstance(item, list) else type(item).__name__
        raise RefusedError(f"program: {where} must be a list of at most {most}, found {actual}")
    return item


def _text(item: Any, where: str) -> str:
    if not isinstance(item, str) or len(item) > MAX_TEXT or not item.isprintable():
        raise RefusedError(f"program: {where} must be a printable text of at most {MAX_TEXT} characters")
    return item


def _count(item: Any, where: str, most: int) -> int:
    if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item <= most:
        raise RefusedError(f"program: {where} must be an integer from 0 to {most}, found {ascii(item)[:40]}")
    return item


def _choice(item: Any, choices: frozenset[str], where: str) -> str:
    if not isinstance(item, str) or item not in choices:
        raise RefusedError(f"program: {where} must be one of {', '.join(sorted(choices))}; found {ascii(item)[:40]}")
    return item


def one_line(error: BaseException) -> str:
    """Return the first line of what an exception says, printable and short."""
    return ascii(str(error).strip().split("\n")[0][:200])[1:-1]
