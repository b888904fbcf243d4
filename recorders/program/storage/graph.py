"""The parts of a feature program: inputs, δ, state, constants, nodes and outputs, as frozen dataclasses.

Decides the numbering of values and the caps on size. Leaves the JSON form to `codec`, which operations exist and what
each argument may be to `operation_table` and `schema`, and what a node means to `interpreter`.

Values are numbered: the inputs come first, then δ, then the state, then the constants, then one value for each node in
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
