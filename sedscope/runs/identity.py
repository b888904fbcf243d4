"""A digest of everything that a result depends on: the key by which derived results are cached.

Decides which committed bytes stand behind rows, weights, scalars, probes and programs. It reads no file: the CRCs in
the journals stand for the bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from recorders.errors import UsageError
from sedscope.runs.history import History
from sedscope.runs.rows import positions, stored_steps

KINDS = ("manifest", "rows", "weights", "scalars", "probe", "program")


def digest(*dependencies: Any) -> str:
    """Return the SHA-256 over JSON values."""
    return hashlib.sha256(json.dumps(dependencies).encode()).hexdigest()


def stored_identity(history: History, kind: str, name: str | None, steps: list[int] | None) -> str:
    """Return a digest of what `kind` and `name` stand for; raises `UsageError` where nothing of the kind is stored."""
    return digest(kind, name, _dependencies(history, kind, name, steps))


def _dependencies(history: History, kind: str, name: str | None, steps: list[int] | None) -> Any:
    if kind == "scalars":
        return [[line.file.header_crc, start, stop] for (_, start, stop), line in history.shards if line.scalars]
    if kind == "weights":
        return _weights(history, set(history.weights) if steps is None else set(steps))
    if kind == "rows" and name in history.rows and steps is not None:
        return _rows(history, name, steps)
    if kind == "probe" and name in history.probes:
        return [history.probes[name].file.header_crc, history.probes[name].meta.value]
    if kind == "program" and name in history.programs:
        line = history.programs[name]
        return [line.file_crc, line.constants.header_crc if line.constants else None]
    raise UsageError(f"identity: no {kind!r} {name!r} in the run; kinds: {', '.join(KINDS)}")


def _weights(history: History, steps: set[int]) -> list[list[int]]:
    return [[t, file.header_crc] for t, file in history.weights.items() if t in steps]


def _rows(history: History, source: str, steps: list[int]) -> Any:
    index = history.rows[source]
    indices = positions(source, stored_steps(index), np.asarray(steps, dtype=np.int64))
    crcs = [history.shards[index.shard[i]][1].file.header_crc for i in indices]
    return [[t, crc, index.row[i]] for t, crc, i in zip(steps, crcs, indices, strict=True)]
