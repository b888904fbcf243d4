"""Rewritings that leave every value as it is and spare its gradient work.

The gradient of a slice or of one entry of a stack fills a tensor of the whole size with zeros; in a second derivative
it does so again. A slice that takes everything is left out, and entries that together are the whole stack are taken by
one `unbind`, whose gradient is one `stack`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from torch import fx

FAR = 2**31
"""An end of a slice beyond it means the end of the axis."""

Entry = tuple[fx.Node, int, int]
"""Source, axis and position of one entry of a stack."""


def takes_everything(node: fx.Node) -> bool:
    """Return whether a `slice` takes every entry of its axis."""
    start, end, step = (*node.args[2:], None, None, None)[:3]
    return start in (0, None) and step in (1, None) and (end is None or (isinstance(end, int) and end > FAR))


def stacks(nodes: list[fx.Node]) -> dict[fx.Node, Entry]:
    """Return the `select` nodes that together take their source apart: (source, axis, position)."""
    groups: dict[tuple[fx.Node, int], list[fx.Node]] = defaultdict(list)
    for node in nodes:
        if str(node.target) == "aten.select.int":
            source, axis, _ = _select(node)
            groups[source, axis].append(node)
    entries: dict[fx.Node, Entry] = {}
    for (source, axis), members in groups.items():
        positions = {position for _, _, position in map(_select, members)}
        if len(members) > 1 and _size(source, axis) == len(members) and positions == set(range(len(members))):
            entries.update({node: _select(node) for node in members})
    return entries


def _select(node: fx.Node) -> Entry:
    arguments: tuple[Any, ...] = node.args
    source, axis, position = arguments
    size = _size(source, axis)
    counted_from_end = isinstance(size, int) and isinstance(position, int) and position < 0
    return source, axis, position + size if counted_from_end else position


def _size(source: fx.Node, axis: int) -> Any:
    return source.meta["val"].shape[axis]
