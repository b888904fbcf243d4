"""What is said about operations that a program may not hold: their names and the model's own lines."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import fx

from recorders.program.refusal import ProgramRefused

_NAMED = 4


class OutsideTable(ProgramRefused):
    """Operations that are not in the table; a lower rung of the ladder may do without them."""

    @classmethod
    def naming(cls, nodes: Iterable[tuple[str, fx.Node]]) -> OutsideTable:
        """The refusal of these operations and nodes."""
        named = list(dict.fromkeys(f"{op}{_random(node)}{_line(node)}" for op, node in nodes))
        rest = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return cls(f"model: operations outside the table: {', '.join(named[:_NAMED])}{rest}")


def _random(node: fx.Node) -> str:
    seeded = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    return " (random)" if seeded else ""


def _line(node: fx.Node) -> str:
    """The model's own line that made the node, as ` at file.py:12`."""
    lines = [line.strip() for line in (node.meta.get("stack_trace") or "").splitlines()]
    own = [line for line in lines if line.startswith('File "') and "/torch/" not in line and "/recorders/" not in line]
    if not own:
        return ""
    _, path, rest = own[-1].split('"', 2)
    return f" at {path.rsplit('/', 1)[-1]}:{rest.split('line ')[1].split(',')[0]}"
