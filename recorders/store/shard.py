"""The rows by source and the scalars of every step that wait to be written in the next shard.

Decides when a shard is full and how its tensors are named and ordered; writing it is left to `store`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders import format
from recorders.format import ROWS_PER_SHARD
from recorders.store.tensorfile import Payload, payload, stacked

BYTES_PER_SHARD = 64 << 20
"""Bounds what waits in memory where rows are long; a recorded t is never cut in two for it."""
MAX_SCALARS_KEPT = 1 << 20
"""Number of scalars that are kept for a retry while the disk is full (about 100 MB of Python objects)."""

LONGEST_NAME = format.MAX_NAME + 100
"""Characters of a scalar's name, its prefix included. A task whose name is longer was said not to be recorded."""
_NAMES_PER_SCALAR = 4
"""Values and t, each in the table of tensors and in that of their CRCs."""
_BYTES_PER_SCALAR = 400
"""Bytes that surround these names in a header, and more."""


class ShardBuffer:
    """Rows and scalars since the last shard, of one session."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, NDArray[Any]]]] = {}
        self._scalars: dict[str, list[tuple[int, float]]] = {}
        self._last: dict[str, int] = {}
        self._recorded: set[int] = set()
        self._bytes = 0
        self._count = 0
        self._metric_header = 0

    @property
    def empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._recorded and not self._count

    def is_full_before(self, t: int) -> bool:
        """Return whether a row of recorded t should open a new shard."""
        enough = len(self._recorded) >= ROWS_PER_SHARD or self._bytes >= BYTES_PER_SHARD
        return enough and t not in self._recorded

    def add_row(self, source: str, t: int, vector: NDArray[Any]) -> None:
        """Add a row `[P]`; the t of a source must ascend within a session (`ValueError`)."""
        if t <= self._last.get(source, -1):
            raise ValueError(f"rows of {source} must ascend: t = {t} after {self._last[source]}")
        self._last[source] = t
        self._rows.setdefault(source, []).append((t, vector))
        self._recorded.add(t)
        self._bytes += vector.nbytes

    def add_scalar(self, name: str, t: int, value: float) -> bool:
        """Add a scalar; False where it is dropped, because its name would not fit into the header.

        While the disk is full the newest beyond `MAX_SCALARS_KEPT` are dropped too.
        """
        if name not in self._scalars and not self._has_room_for(name):
            return False
        if self._count < MAX_SCALARS_KEPT:
            self._scalars.setdefault(name, []).append((t, value))
            self._count += 1
        return True

    def _has_room_for(self, name: str) -> bool:
        """Return whether the shard's header takes a new name: a header over the cap would cost the rows as well."""
        if not name.startswith(format.METRIC_PREFIX):
            return len(name) <= LONGEST_NAME
        self._metric_header += _NAMES_PER_SCALAR * len(json.dumps(name)) + _BYTES_PER_SCALAR
        return self._metric_header <= format.MAX_METRIC_HEADER

    def last_recorded(self, before: int | None) -> int | None:
        """Return the last recorded t among the rows that wait; `before` where none wait."""
        return max(self._recorded, default=before)

    def drop_rows(self) -> list[int]:
        """Forget the rows that wait, and return their recorded t in order."""
        lost = sorted(self._recorded)
        self._rows.clear()
        self._recorded.clear()
        self._bytes = 0
        return lost

    def clear(self) -> None:
        """Forget everything that waits: it was written."""
        self.drop_rows()
        self._scalars.clear()
        self._count = self._metric_header = 0

    def tensors(self) -> dict[str, Payload]:
        """Return everything that waits, by tensor name: `row/<source>` `[S, P]`, `scalar/<name>` `[M]`, and their t."""
        tensors_by_name: dict[str, Payload] = {}
        for source, rows in self._rows.items():
            tensors_by_name[format.ROW_PREFIX + source] = stacked([vector for _, vector in rows])
            tensors_by_name[format.ROW_T_PREFIX + source] = payload(np.array([t for t, _ in rows], dtype=np.int64))
        for name, entries in self._scalars.items():
            entries.sort(key=lambda entry: entry[0])  # stable: of two values at one t the later stays later
            tensors_by_name[format.SCALAR_PREFIX + name] = payload(
                np.array([value for _, value in entries], dtype=np.float64)
            )
            tensors_by_name[format.SCALAR_T_PREFIX + name] = payload(np.array([t for t, _ in entries], dtype=np.int64))
        return tensors_by_name

    def members(self) -> dict[str, Any]:
        """Return the journal line's members: recorded t by source, and the first and last t of the scalars."""
        steps = [t for entries in self._scalars.values() for t, _ in entries]
        return {
            "rows": {source: [t for t, _ in rows] for source, rows in self._rows.items()},
            "scalars": [min(steps), max(steps)] if steps else None,
        }


def scalar_values(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers behind `values`: a callable is called here, on the writer's thread."""
    return {name: float(value() if callable(value) else value) for name, value in values.items()}
