"""The runs of the reproduction that can be measured, and the cells of the plan without one.

Decides that a run counts when its script came to its own end with the settings of its experiment, whether a sweep
made it or a plain `sedscope record` did: a run without an intervention is a control. Leaves to others: measuring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from examples.reproduce.plan import Experiment, Scale, folder
from recorders.format import END_FINISHED, STATE_FINISHED
from sedscope.analysis.interventions.outcome import stated_seed, without_seed
from sedscope.analysis.interventions.treatment import Treatment
from sedscope.runs import Run
from sedscope.runs.find import find_runs
from sedscope.sweep import SweepCell, plan_sweep

_OPS = "ops"


@dataclass(frozen=True)
class Recording:
    """A finished run of the plan."""

    experiment: str
    """Name of its experiment."""
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
        """Hours from the start of the recording to the last line of its journal; None if the clock makes no sense."""
        created = self.run.manifest.created
        ends = [path.stat().st_mtime for path in (self.run.path / "journal").glob("*.jsonl")]
        if created is None or not ends:
            return None
        hours = (max(ends) - datetime.fromisoformat(created).timestamp()) / 3600
        return hours if hours > 0 else None


@dataclass(frozen=True)
class NotRun:
    """A cell of the plan without a finished run."""

    experiment: str
    name: str
    state: str
    """missing, recording, crashed, stopped or damaged."""


@dataclass(frozen=True)
class Inventory:
    """The finished recordings of the plan, and its cells without one."""

    recordings: tuple[Recording, ...]
    not_run: tuple[NotRun, ...]

    def of(self, experiment: str, *ops: str, seed: int | None = None) -> tuple[Recording, ...]:
        """Return the recordings of one experiment, of some operations where they are named."""
        return tuple(
            recording
            for recording in self.recordings
            if recording.experiment == experiment
            and (not ops or recording.ops == ops)
            and seed in (None, recording.seed)
        )


def find(out: Path, scale: Scale) -> Inventory:
    """Return everything below `out` that belongs to the plan.

    Raises:
        RefusedError: A folder holds another sweep.
    """
    recordings: list[Recording] = []
    not_run: list[NotRun] = []
    for experiment in scale.experiments:
        finished = list(_recordings(out, experiment))
        recordings += finished
        controls = {(run.ops, run.seed, run.treatment.key) for run in finished if not run.treatment.acts}
        for planned in plan_sweep(experiment.sweep, folder(out, experiment)):
            if planned.outcome.state == STATE_FINISHED:
                continue
            if (
                planned.cell.intervention.acts
                or (_ops(experiment, planned.cell), planned.cell.seed, "") not in controls
            ):
                not_run.append(NotRun(experiment.name, planned.cell.name, planned.outcome.state))
    return Inventory(tuple(recordings), tuple(not_run))


def _recordings(out: Path, experiment: Experiment) -> Iterator[Recording]:
    """Yield one for each intervention, operation and seed, in the order of the plan, the sweep's before others."""
    path = folder(out, experiment)
    if not path.is_dir() or not any(path.glob("*/run.json")):
        return
    cells = {cell.name for cell in experiment.sweep.cells()}
    by_key: dict[tuple[tuple[str, ...], int, str], Recording] = {}
    for entry in sorted(find_runs(path), key=lambda entry: (entry.path.name not in cells, entry.path.name)):
        recording = None if entry.run is None else _recording(experiment, entry.run)
        if recording is not None:
            by_key.setdefault((recording.ops, recording.seed, recording.treatment.key), recording)
    yield from sorted(by_key.values(), key=lambda recording: experiment.order(recording.ops, recording.seed))


def _recording(experiment: Experiment, run: Run) -> Recording | None:
    """Return the run where it is finished and has the experiment's settings."""
    if run.state != STATE_FINISHED or run.end_reason != END_FINISHED:
        return None
    command = run.manifest.command
    settings, expected = settings_of(without_seed(command)), settings_of(without_seed(experiment.arguments))
    ops = settings.pop(_OPS, "")
    expected.pop(_OPS, None)
    seed = stated_seed(command) or str(run.manifest.seed)
    if settings != expected or run.manifest.recording.every != experiment.every or not seed.isdecimal():
        return None
    return Recording(experiment.name, run, tuple(ops.split(",")), int(seed), Treatment.of(run.manifest))


def settings_of(command: Sequence[str]) -> dict[str, str]:
    """Return flag → value, whichever way it is written; the script by its file's name alone.

    >>> settings_of(["examples/train.py", "--ops", "add", "--lr=1e-3"])
    {'': 'train.py', 'ops': 'add', 'lr': '1e-3'}
    """
    script, *words = command or ("",)
    settings = {"": PurePath(script).name}
    name = None
    for word in words:
        if name is not None and not word.startswith("--"):
            settings[name] = word
            name = None
        else:
            name, equals, value = word.removeprefix("--").partition("=")
            settings[name] = value
            name = None if equals else name
    return settings


def _ops(experiment: Experiment, cell: SweepCell) -> tuple[str, ...]:
    varied: Mapping[str, str] = cell.varied
    return experiment.ops if experiment.together else (varied[f"--{_OPS}"],)
