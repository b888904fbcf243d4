"""Which runs of the reproduction's folders can be measured, and what of the plan is not there.

Decides that a run counts when its script came to its own end with the settings of its part, whether a sweep made it or
a plain `sedscope record` did: a run without an intervention is a control. Leaves to others: what is measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from examples.reproduce.plan import Part, Scale, folder
from recorders.format import END_FINISHED, STATE_FINISHED
from sedscope.analysis.interventions.recipe import stated_seed, without_seed
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.runs import Run
from sedscope.runs.find import find_runs
from sedscope.sweep import SweepCell, plan_sweep

_OPS = "ops"


@dataclass(frozen=True)
class Recording:
    """A finished run of the plan."""

    part: str
    run: Run
    ops: tuple[str, ...]
    seed: int
    treatment: Treatment

    @property
    def label(self) -> str:
        """Operations and seed, in words."""
        return f"{', '.join(self.ops)}, seed {self.seed}"

    @property
    def hours(self) -> float | None:
        """From the start of the recording to the last line of its journal; None where its clock makes no sense."""
        created = self.run.manifest.created
        ends = [path.stat().st_mtime for path in (self.run.path / "journal").glob("*.jsonl")]
        if created is None or not ends:
            return None
        hours = (max(ends) - datetime.fromisoformat(created).timestamp()) / 3600
        return hours if hours > 0 else None


@dataclass(frozen=True)
class NotRun:
    """A cell of the plan without a finished run."""

    part: str
    name: str
    state: str
    """missing, recording, crashed, stopped or damaged."""


@dataclass(frozen=True)
class Found:
    """What is there, and what is not."""

    recordings: tuple[Recording, ...]
    not_run: tuple[NotRun, ...]

    def of(self, part: str, *ops: str, seed: int | None = None) -> tuple[Recording, ...]:
        """The recordings of one part, of some operations where they are named."""
        return tuple(
            one
            for one in self.recordings
            if one.part == part and (not ops or one.ops == ops) and seed in (None, one.seed)
        )


def find(out: Path, scale: Scale) -> Found:
    """Everything below `out` that belongs to the plan.

    Raises:
        RefusedError: A folder holds another sweep.
    """
    recordings: list[Recording] = []
    not_run: list[NotRun] = []
    for part in scale.parts:
        mine = list(_recordings(out, part))
        recordings += mine
        there = {(one.ops, one.seed, one.treatment.key) for one in mine if not one.treatment.acts}
        for planned in plan_sweep(part.sweep, folder(out, part)):
            if planned.outcome.state == STATE_FINISHED:
                continue
            if planned.cell.intervention.acts or (_ops(part, planned.cell), planned.cell.seed, "") not in there:
                not_run.append(NotRun(part.name, planned.cell.name, planned.outcome.state))
    return Found(tuple(recordings), tuple(not_run))


def _recordings(out: Path, part: Part) -> Iterator[Recording]:
    """One for each intervention, operation and seed, in the order of the plan; the sweep's come before others."""
    path = folder(out, part)
    if not path.is_dir() or not any(path.glob("*/run.json")):
        return
    cells = {cell.name for cell in part.sweep.cells()}
    found: dict[tuple[tuple[str, ...], int, str], Recording] = {}
    for one in sorted(find_runs(path), key=lambda one: (one.path.name not in cells, one.path.name)):
        recording = None if one.run is None else _recording(part, one.run)
        if recording is None:
            continue
        found.setdefault((recording.ops, recording.seed, recording.treatment.key), recording)
    yield from sorted(found.values(), key=lambda one: part.place(one.ops, one.seed))


def _recording(part: Part, run: Run) -> Recording | None:
    """The run where it is finished and has the part's settings."""
    if run.state != STATE_FINISHED or run.end_reason != END_FINISHED:
        return None
    command = run.manifest.command
    settings, expected = settings_of(without_seed(command)), settings_of(without_seed(part.arguments))
    ops = settings.pop(_OPS, "")
    expected.pop(_OPS, None)
    seed = stated_seed(command) or str(run.manifest.seed)
    if settings != expected or run.manifest.recording.every != part.every or not seed.isdecimal():
        return None
    return Recording(part.name, run, tuple(ops.split(",")), int(seed), Treatment.of(run.manifest))


def settings_of(command: Sequence[str]) -> dict[str, str]:
    """Flag → value, whichever way it is written; the script by its file's name alone.

    >>> settings_of(["examples/train.py", "--ops", "add", "--lr=1e-3"])
    {'': 'train.py', 'ops': 'add', 'lr': '1e-3'}
    """
    script, *words = command or ("",)
    found = {"": PurePath(script).name}
    name = None
    for word in words:
        if name is not None and not word.startswith("--"):
            found[name] = word
            name = None
        else:
            name, equals, value = word.removeprefix("--").partition("=")
            found[name] = value
            name = None if equals else name
    return found


def _ops(part: Part, cell: SweepCell) -> tuple[str, ...]:
    varied: Mapping[str, str] = cell.varied
    return part.ops if part.together else (varied[f"--{_OPS}"],)


def cores() -> int:
    """Of this machine, as far as this process may use them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
