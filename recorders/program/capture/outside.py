"""Messages about operations that a program may not hold: their names and the model's own lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import torch
from torch import fx

from recorders.errors import ProgramRefused

_NAMED = 4
"""Operations that a message names: one is mended at a time."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_NOT_THE_MODELS = (*(f"{folder}{os.sep}" for folder in (Path(torch.__file__).parent, Path(__file__).parents[2])), "<")


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
