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
from recorders.format import DECAY, DISPLACEMENT
from sedscope.runs.derived import predecessors
from sedscope.runs.groupings import groupings
from sedscope.runs.history import History
from sedscope.runs.manifest import Manifest
from sedscope.runs.rows import positions, stored_steps

KINDS = ("manifest", "rows", "weights", "scalars", "probe", "program")


def digest(manifest: Manifest, history: History, kind: str, name: str | None, steps: list[int] | None) -> str:
    """Return the SHA-256 over what `kind` and `name` stand for; raises `UsageError` where there is no such thing."""
    depends = _depends(manifest, history, kind, name, steps)
    return hashlib.sha256(json.dumps([kind, name, depends]).encode()).hexdigest()


def _depends(manifest: Manifest, history: History, kind: str, name: str | None, steps: list[int] | None) -> Any:
    if kind == "scalars":
        return [[line.file.header_crc, start, stop] for (_, start, stop), line in history.shards if line.scalars]
    if kind == "weights":
        return _weights(history, set(history.weights) if steps is None else set(steps))
    if kind == "rows" and name is not None and steps is not None:
        return _rows(manifest, history, name, steps)
    if kind == "probe" and name in history.probes:
        return [history.probes[name].file.header_crc, history.probes[name].meta.value]
    if kind == "program" and name in history.programs:
        line = history.programs[name]
        return [line.file_crc, line.constants.header_crc if line.constants else None]
    raise UsageError(f"identity: no {kind!r} {name!r} in the run; kinds: {', '.join(KINDS)}")


def _weights(history: History, steps: set[int]) -> list[list[int]]:
    return [[t, file.header_crc] for t, file in history.weights.items() if t in steps]


def _rows(manifest: Manifest, history: History, source: str, steps: list[int]) -> Any:
    if source in history.rows:
        index = history.rows[source]
        indices = positions(source, stored_steps(index), np.asarray(steps, dtype=np.int64))
        crcs = [history.shards[index.shard[i]][1].file.header_crc for i in indices]
        return [[t, crc, index.row[i]] for t, crc, i in zip(steps, crcs, indices, strict=True)]
    before = predecessors(manifest, history) if source == DISPLACEMENT else {}
    needed = set(steps) | {before[t] for t in steps if t in before}
    weights = _weights(history, needed)
    scalars = _depends(manifest, history, "scalars", None, None) if source == DECAY else None
    groups = (
        [[grouping.start, grouping.groups] for grouping in groupings(manifest, history)[1:]] if source == DECAY else []
    )
    return [steps, [[t, before.get(t)] for t in steps], weights, scalars, *groups]
