"""Objects that the screen shows, made from open runs. Called on the reading thread alone.

Decides what a line of the table of runs says, what is quick to find out (names, sizes of journals) and what is not
(`complete`: bytes on disk, grok steps, which need the scalars).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recorders.errors import SedscopeError
from recorders.format import DERIVED_DIR, STATE_CRASHED, STATE_DAMAGED, STATE_NOT_BEGUN, STATE_RECORDING
from sedscope.runs.summary import NOT_BEGUN
from sedscope.runs.text import printable
from sedscope.tui.data.snapshot import RunData, RunRow, SourceRow

if TYPE_CHECKING:
    from sedscope.analysis.pipeline.results import TaskMetrics
    from sedscope.runs import Run, RunOrError


def row_of(opened: RunOrError) -> RunRow:
    """Return what is known of a run as soon as it is open, or the line of one that cannot be opened."""
    if opened.run is None:
        name = printable(opened.path.name or str(opened.path))
        return RunRow(opened.path, name, STATE_DAMAGED, reason=str(opened.error).removeprefix(f"{opened.shown}: "))
    run, manifest = opened.run, opened.run.manifest
    return RunRow(
        path=opened.path,
        name=run.name,
        state=run.state,
        reason=_reason(run),
        tasks=run.tasks,
        last_t=run.last_t,
        n_rows=max((len(run.steps(source)) for source in run.sources() if run.is_stored(source)), default=0),
        P=manifest.P,
        intervention=intervention_text(manifest.intervention),
        seed="" if manifest.seed is None else str(manifest.seed),
        created=started(manifest.created),
    )


def complete(row: RunRow, run: Run) -> RunRow:
    """Return the line with what takes longer to find out."""
    return replace(row, size=size_of(row.path), grok=grok_steps(milestones_of(run)))


def data_of(run: Run, row: RunRow) -> RunData:
    """Return everything that the tabs show of a run without an analysis."""
    from sedscope.analysis.pipeline.analyse import known_sources

    sources = tuple(SourceRow(name, len(run.steps(name)), run.is_stored(name)) for name in run.sources())
    return RunData(
        path=row.path,
        name=run.name,
        state=run.state,
        stamp=stamp_of(run),
        manifest=run.manifest,
        tasks=run.tasks,
        last_t=run.last_t,
        steps=_steps(run),
        sources=sources,
        known_sources=known_sources(run),
        scalars={name: run.scalar(name) for name in run.scalar_names()},
        milestones=milestones_of(run),
        end_reason=run.end_reason,
        holder="" if run.holder is None else str(run.holder),
        n_sessions=len(run.sessions),
        n_checkpoints=len(run.weight_steps()),
        size=row.size,
        notes=tuple(str(note) for note in run.notes),
        damage=tuple(str(damage) for damage in run.damage),
        unprobed=dict(_unprobed(run)),
    )


def stamp_of(run: Run) -> str:
    """Return a short digest of the state of a run: what is committed, and what is known to be damaged."""
    state = f"{run.state}|{run.last_t}|{[len(session.lines) for session in run.sessions]}|{run.damage}"
    return hashlib.sha256(f"{run.identity('manifest')}|{state}".encode()).hexdigest()[:16]


def milestones_of(run: Run) -> tuple[TaskMetrics, ...]:
    """Return when each task was memorised and grokked."""
    from sedscope.analysis.pipeline.milestones import milestones

    return tuple(milestones(run, task) for task in run.tasks)


def grok_steps(milestones: tuple[TaskMetrics, ...]) -> tuple[tuple[str, int | None], ...]:
    """Return the grok step of each task; None where it has none."""
    return tuple((task_metrics.task, getattr(task_metrics.grokking.grok[0], "t", None)) for task_metrics in milestones)


def intervention_text(value: Any) -> str:
    """Return an intervention in a few words: its mode, its rank where it has one, and what it is on."""
    if not value:
        return ""
    if not isinstance(value, dict):
        return str(value)
    parts = [f"{name}={value[name]}" for name in ("rank", "on") if value.get(name) is not None]
    return " ".join([str(value.get("mode", "yes")), *parts])


def started(created: str | None) -> str:
    """Return the start to the minute: `2026-11-22 08:55` of `2026-11-22T08:55:54Z`."""
    return (created or "")[:16].replace("T", " ")


def size_of(path: Path) -> int:
    """Return the bytes of the files in a run directory, without derived results."""
    total = 0
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != DERIVED_DIR]
        for name in names:
            with suppress(OSError):  # a recorder may have replaced the file meanwhile
                status = Path(folder, name).lstat()
                total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total


def _steps(run: Run) -> tuple[int, ...]:
    """Return every t that has a row or a checkpoint."""
    row_steps = {int(t) for source in run.sources() if run.is_stored(source) for t in run.steps(source).tolist()}
    return tuple(sorted(row_steps | {int(t) for t in run.weight_steps().tolist()}))


def _reason(run: Run) -> str:
    if run.state == STATE_DAMAGED:
        more = len(run.damage) - 1
        return f"{run.damage[0]}" + (f" (and {more} more)" if more else "")
    if run.state == STATE_CRASHED:
        return "the recorder was killed" if run.end_reason is None else f"ended by {run.end_reason}"
    if run.state == STATE_NOT_BEGUN:
        return NOT_BEGUN
    return str(run.holder) if run.state == STATE_RECORDING and run.holder is not None else ""


def _unprobed(run: Run) -> Iterator[tuple[str, str]]:
    from sedscope.analysis.undefined import why_no_program

    for task in run.tasks:
        try:
            reason = why_no_program(run, task)
        except SedscopeError as error:
            yield task, str(error)
        else:
            if reason is not None:
                yield task, reason.reason
