"""The context of one analysis: its run's rows, the cache and, once something must be computed, the model.

Decides where rows of each source come from, when they are computed, and what an error makes undefined. Imports torch,
through `checkpoint_models`, only when a fixed gradient or a JVP is computed. Leaves to others: what is measured, and
in which order (`analyse`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING

from recorders.errors import DamagedError, SedscopeError, TooLittleDataError
from recorders.row_sources import parse_source
from sedscope.analysis.arrays import Ints
from sedscope.analysis.cache import Cache, cache_folder
from sedscope.analysis.coupling.parameter_blocks import blocks_of
from sedscope.analysis.pipeline.plan import space_checkpoints
from sedscope.analysis.progress import AnalysisProgress, OnProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.batches import batch_drawing, overlap_note
from sedscope.analysis.sources.computed_rows import ComputedRows
from sedscope.analysis.sources.stage_rows import STAGES, stage_rows
from sedscope.analysis.sources.variants import Variant, is_computed, variants_of
from sedscope.analysis.spectra.source_rows import SourceRows, recorded_rows, task_identity
from sedscope.analysis.statistics.probe_groups import group_bounds
from sedscope.analysis.undefined import Undefined, why_no_program, why_no_weights
from sedscope.runs import RecordedBlock, Run

if TYPE_CHECKING:
    from sedscope.analysis.features.checkpoint_models import CheckpointModels


@dataclass(frozen=True, slots=True)
class _ProbeFacts:
    """The facts of a task's probe that are needed time and again: reading it takes long."""

    identity: list[str]
    """Digests of the probe and the feature program."""
    n_probes: int
    """Probes that are looked at: N."""
    n_drawn: int
    """Examples that fixed batches are drawn from; 0 where there are none."""


@dataclass
class AnalysisContext:
    """One run under one set of settings; what it offers is made when it is first needed."""

    run: Run
    settings: Settings
    progress: OnProgress
    failed: bool = False
    """Whether some computation raised: its result may come out the next time, so the whole is not kept."""
    _rows: dict[Variant, SourceRows | Undefined] = field(default_factory=dict, init=False)
    _tasks: dict[str, _ProbeFacts] = field(default_factory=dict, init=False)

    @cached_property
    def weight_steps(self) -> Ints:
        """Steps whose weights the run holds `[n]`, ascending."""
        return self.run.weight_steps()

    @cached_property
    def checkpoints(self) -> Ints:
        """Steps that are looked at `[n]`, ascending."""
        return space_checkpoints(self.weight_steps, self.settings.checkpoints)

    @cached_property
    def blocks(self) -> tuple[RecordedBlock, ...]:
        """Blocks of the selected parameters, in the order of a row."""
        return blocks_of(self.run.manifest)

    @cached_property
    def read_lock(self) -> Lock:
        """Lock that is held while the run is read: one reader serves several workers."""
        return Lock()

    @cached_property
    def cache(self) -> Cache:
        """Results that were computed before."""
        return Cache(cache_folder(self.run.path, self.run.identity("manifest")))

    @cached_property
    def models(self) -> CheckpointModels:
        """Models at checkpoints; made when the first must be run, for that imports torch."""
        from sedscope.analysis.features.checkpoint_models import CheckpointModels

        return CheckpointModels(self.run, self.settings, self.read_lock)

    @cached_property
    def _computed_rows(self) -> ComputedRows:
        return ComputedRows(self.run, self.settings, self.run.tasks, self.checkpoints)

    def task_identity(self, task: str) -> list[str]:
        """Return digests of the probe and the feature program of a task that has both."""
        return self._probe_facts(task).identity

    def n_groups(self, task: str) -> int:
        """Return how many groups the probes of a task fall into: G."""
        return len(group_bounds(self._probe_facts(task).n_probes)) - 1

    def variants(self, source: str) -> tuple[Variant, ...]:
        """Return every variant of a source that the settings ask for and the pools of its tasks tell apart."""
        parsed = parse_source(source)
        own = None if parsed is None else parsed.task
        tasks = [task for task in (self.run.tasks if own is None else (own,)) if why_no_program(self.run, task) is None]
        one_batch = all(self._probe_facts(task).n_drawn <= self.settings.batch for task in tasks)
        return variants_of(source, self.settings, one_batch=one_batch)

    def batch_notes(self) -> list[str]:
        """Return what a reader must know of the fixed batches of each task."""
        tasks = [task for task in self.run.tasks if why_no_program(self.run, task) is None]
        notes = [overlap_note(task, self._probe_facts(task).n_drawn, self.settings) for task in tasks]
        return [note for note in notes if note is not None]

    def rows(self, variant: Variant) -> SourceRows | Undefined:
        """Return the rows of a source, or why it has none; computed ones are readable after `compute_rows`."""
        if variant not in self._rows:
            self._rows[variant] = self._open_rows(variant)
        return self._rows[variant]

    def require_rows(self, rows: Mapping[Variant, SourceRows | Undefined]) -> None:
        """Refuse a run without any source that fills the smallest window; others are shown with short windows.

        Raises:
            TooLittleDataError: No source has as many rows; the message says why there are none in a run that has some.
        """
        lengths = {
            variant.source: len(source.steps) for variant, source in rows.items() if isinstance(source, SourceRows)
        }
        if not lengths:
            reasons = dict.fromkeys(source.reason for source in rows.values() if isinstance(source, Undefined))
            started = bool(reasons) and self.run.good is not None
            why = f"no committed rows yet; a window needs {min(self.settings.window)}"
            raise TooLittleDataError(f"{self.run.path}: {'; '.join(reasons) if started else why}")
        longest, window = max(lengths, key=lambda name: lengths[name]), min(self.settings.window)
        if window > lengths[longest]:
            raise TooLittleDataError(f"{longest}: a window of {window} rows was asked for; found {lengths[longest]}")

    def compute_rows(self, variants: Sequence[Variant]) -> dict[Variant, Undefined]:
        """Make the rows of those among these that are computed readable, and return why others cannot be."""
        needed = [variant for variant in variants if is_computed(variant.source)]
        failures: dict[str, Undefined] = {}
        for task, kinds in self._computed_rows.missing(needed).items():
            models = self.models
            try:
                self._computed_rows.compute(models, task, kinds, partial(self.tell, f"fixed gradients {task}"))
            except (SedscopeError, RuntimeError) as error:
                failures[task] = self.reason(error)
        missing_tasks = {variant: list(self._computed_rows.missing([variant])) for variant in needed}
        return {variant: failures[tasks[0]] for variant, tasks in missing_tasks.items() if tasks}

    def tell(self, stage: str, done: int, total: int) -> None:
        """Tell the listener that so many units of a stage are done."""
        self.progress(AnalysisProgress(stage, done, total))

    def reason(self, error: Exception) -> Undefined:
        """Return the first line of an error as the reason why a result does not exist.

        Raises:
            DamagedError: Data is damaged that was not known to be: the whole run must be looked at.
        """
        if isinstance(error, DamagedError) and not self.run.damage:
            raise error
        self.failed = True
        return Undefined((str(error).splitlines() or [type(error).__name__])[0])

    def no_model(self, task: str) -> Undefined | None:
        """Return why the model cannot be run at a checkpoint for a task; None where it can."""
        reason = why_no_program(self.run, task)
        return why_no_weights(self.run) if reason is None else reason

    def _open_rows(self, variant: Variant) -> SourceRows | Undefined:
        if is_computed(variant.source):
            return self._computed_rows.source(variant)
        read = stage_rows if variant.source in STAGES else recorded_rows
        return read(self.run, variant.source)

    def _probe_facts(self, task: str) -> _ProbeFacts:
        if task not in self._tasks:
            probe = self.run.probe(task)
            assert probe is not None  # or nothing of it would be asked
            drawing = batch_drawing(probe, self.settings)
            n_drawn = 0 if isinstance(drawing, Undefined) else len(drawing)
            n_probes = min(self.settings.probes, len(probe.probe_order))
            self._tasks[task] = _ProbeFacts(task_identity(self.run, task), n_probes, n_drawn)
        return self._tasks[task]
