"""How tests make a run directory: a manifest of two parameters, and rows whose every number says where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.store.run_writer import RunWriter

P = 6
LR = 0.125
DECAY = 0.5


def manifest(**changes: Any) -> dict[str, Any]:
    """A manifest with the selected parameter `w` [2, 3] and the unselected `b` [3]; `changes` replace its members."""
    return {
        "name": "example",
        "command": ["train.py"],
        "git": None,
        "versions": {"torch": "2.13.0"},
        "device": "cpu",
        "tasks": ["add"],
        "parameters": [
            {"name": "w", "shape": [2, 3], "dtype": "float32", "selected": True, "offset": 0, "trainable": True},
            {"name": "b", "shape": [3], "dtype": "float32", "selected": False, "offset": None, "trainable": True},
        ],
        "selection": {"spec": ["attention"], "P": P, "row_dtype": "float32"},
        "blocks": [{"name": "w", "parameter": "w", "offset": 0, "size": P, "shape": [2, 3], "layer": 0, "role": "q"}],
        "optimizer": {"class": "AdamW", "groups": [{"lr": LR, "weight_decay": DECAY, "parameters": ["w", "b"]}]},
        "recording": {"every": 1, "sources": ["gradient", "update"], "weights_every": 1, "probe_seed": 0},
        "intervention": None,
        "seed": 42,
        "parent": None,
        **changes,
    }


def row(source: str, t: int, session: int = 1, size: int = P) -> NDArray[np.float32]:
    """The row `[size]` that `source` has at t in a session: no two are alike."""
    kind = {"gradient": 0.0, "update": 0.25, "gradient/add": 0.5}[source]
    return (np.arange(size) + 100 * t + 1e6 * session + kind).astype(np.float32)


def state(t: int, session: int = 1) -> dict[str, NDArray[np.float32]]:
    """The weights at t in a session."""
    w = np.arange(P, dtype=np.float32).reshape(2, 3) * (t + 1) + 1000 * session
    return {"w": w, "b": np.full(3, t, dtype=np.float32)}


def scalars(t: int) -> dict[str, float]:
    """The scalars of one step."""
    return {"loss/add": 1 / (t + 1), "lr/0": LR, "weight_decay/0": DECAY}


def feed(writer: RunWriter, steps: Iterable[int], sources: Sequence[str] = ("gradient", "update")) -> None:
    """Record weights, rows and scalars at every t of `steps`."""
    for t in steps:
        writer.weights(t, state(t, writer.session))
        for source in sources:
            writer.rows(source, t, row(source, t, writer.session))
        writer.scalars(t, scalars(t))


def probe_tensors(size: int = 4) -> dict[str, NDArray[Any]]:
    """A pool of probes: two inputs, targets and drawings."""
    order = np.arange(size)[::-1].copy()
    return {
        "inputs.0": np.arange(size),
        "inputs.1": np.arange(size) + 1,
        "targets": np.arange(size) % 3,
        "order.probes": order,
        "order.batch": order[: size // 2],
        "example": np.arange(size) * 2,
    }


PROBE_META = {"program": "0001-000", "output": 0, "position": None, "loss": "cross_entropy", "at": "emb", "pool": 8}


def make_run(path: Path, steps: Iterable[int] = range(20), reason: str | None = "finished", **changes: Any) -> Path:
    """A whole run with program, probe, weights, rows and scalars; `reason` None leaves it as a killed recorder does."""
    writer = RunWriter.create(path, manifest(**changes))
    program = writer.program(b'{"nodes":[]}', {"mask": np.ones((2, 2), np.float32)})
    writer.probe("add", probe_tensors(), PROBE_META | {"program": program})
    feed(writer, steps)
    writer.close(reason or "killed")
    if reason is None:
        drop_lines(path, 1)
    return path


def make_many_runs(folder: Path, names: Iterable[str], make: Callable[[Path], Path] = make_run) -> list[Path]:
    """Several runs side by side."""
    return [make(folder / name) for name in names]


def drop_lines(path: Path, count: int, session: int = 1) -> None:
    """Take the last lines out of a journal."""
    journal = path / "journal" / f"{session:04d}.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) - count]))
