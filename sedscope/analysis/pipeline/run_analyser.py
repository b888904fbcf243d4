"""The analysis of one run, stage by stage.

Decides the order of the work, and what one missing piece disables. Leaves to others: rows, cache and model
(`analysis_context`), and how somebody asks (`analyse`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial

from recorders.format import FIXED_GRADIENT
from sedscope.analysis.arrays import Ints
from sedscope.analysis.cache import Key
from sedscope.analysis.coupling.parameter_blocks import blocks_of
from sedscope.analysis.pipeline.analysis_context import AnalysisContext, OnProgress, Rolling
from sedscope.analysis.pipeline.assemble_series import coupling_series, rank_series
from sedscope.analysis.pipeline.checkpoint_computer import span_at
from sedscope.analysis.pipeline.checkpoint_result import CheckpointResult
from sedscope.analysis.pipeline.diagnostics import Diagnostics
from sedscope.analysis.pipeline.measure import measure
from sedscope.analysis.pipeline.milestones import milestones
from sedscope.analysis.pipeline.plan import choose, fixed_gradient_sources, ordered, pair
from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings, measure_probes
from sedscope.analysis.pipeline.result_codec import from_arrays, to_arrays
from sedscope.analysis.pipeline.results import NOT_MEASURED, CouplingSeries, RunAnalysis, StageTable
from sedscope.analysis.pipeline.second_measures import random_alignment
from sedscope.analysis.pipeline.span_couplings import RowProducts, SpanCouplings, rows_of, span_couplings
from sedscope.analysis.pipeline.stage_walk import stage_table
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.stage_rows import STAGES, stage_sources
from sedscope.analysis.sources.variants import Variant, control_sources, is_control, is_fixed_gradient, variants_of
from sedscope.analysis.spectra.source_rows import SourceRows, task_identity
from sedscope.analysis.spectra.spectrum_series import SpectrumSeries
from sedscope.analysis.statistics.coupling_ratio import baseline
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.unknown import why_no_program
from sedscope.runs import Run


def known_sources(run: Run) -> tuple[str, ...]:
    """Every source that can be asked for, in the order in which they are shown."""
    controls = (control for task in run.tasks for control in control_sources(task))
    return ordered((*run.sources(), *fixed_gradient_sources(run.tasks), *controls))


def _task_identity(run: Run, task: str) -> list[str]:
    """Of the task's probe and program, or why it has none."""
    absent = why_no_program(run, task)
    return task_identity(run, task) if absent is None else [absent.reason]


@dataclass
class RunAnalyser:
    """The state of one analysis; each method is one stage of it."""

    run: Run
    settings: Settings
    asked_sources: Sequence[str] | None
    asked_tasks: Sequence[str] | None
    crossed: bool
    progress: OnProgress

    @cached_property
    def material(self) -> AnalysisContext:
        """What it works with."""
        return AnalysisContext(self.run, self.settings, self.progress)

    def answer(self) -> RunAnalysis:
        """As it was kept; else made, and kept where nothing failed."""
        if (kept := self.cached_analysis()) is not None:
            return kept
        made = self.result()
        if not self.material.failed and not self.run.damage:
            self.material.cache.keep("analysis", self._key(), to_arrays(made))
        return self._of_this_run(made)

    def cached_analysis(self) -> RunAnalysis | None:
        """As it was kept, where nothing that it depends on has changed."""
        entry = None if self.run.damage else self.material.cache.load("analysis", self._key())
        kept = None if entry is None else from_arrays(entry)
        return None if kept is None else self._of_this_run(kept)

    def _of_this_run(self, found: RunAnalysis) -> RunAnalysis:
        """With what may have changed without changing a number."""
        run = self.run
        return replace(found, path=str(run.path), name=run.name, state=run.state, notes=tuple(self._notes()))

    def _key(self) -> Key:
        """Everything that a result depends on: the whole run as far as it is committed, and the question."""
        run = self.run
        return {
            "manifest": run.identity("manifest"),
            "rows": {source: run.identity("rows", source) for source in run.sources()},
            "weights": run.identity("weights"),
            "scalars": run.identity("scalars"),
            "tasks": {task: _task_identity(run, task) for task in run.tasks},
            "settings": asdict(self.settings),
            "sources": None if self.asked_sources is None else list(self.asked_sources),
            "asked tasks": None if self.asked_tasks is None else list(self.asked_tasks),
            "crossed": self.crossed,
        }

    def result(self) -> RunAnalysis:
        """All stages in order."""
        tasks = choose("tasks", self.run.tasks, self.asked_tasks)
        sources = self._sources(tasks)
        pairs = pair(sources, tasks, crossed=self.crossed)
        rows = {variant: self.material.rows(variant) for variant in self._variants(sources)}
        self.material.require_rows(rows)
        rolling = self.material.rolling(rows)
        measured = measure(self.material, pairs, tasks, rolling)
        evidence = Diagnostics(self.material, rolling)
        coupling = evidence.with_blocks(tuple(self._coupling(pairs, measured, rolling)))
        return RunAnalysis(
            path=str(self.run.path),
            name=self.run.name,
            state=self.run.state,
            tasks=tasks,
            n_selected=self.run.manifest.P,
            steps=_extent(rows.values(), self.run.weight_steps()),
            settings=self.settings,
            metrics=tuple(milestones(self.run, task) for task in tasks),
            rank90=tuple(rank_series(task, measured[task], self.material.no_model(task)) for task in tasks),
            spectra=tuple(self._spectra(rolling)),
            coupling=coupling,
            notes=tuple(self._notes()),
            damage=tuple(str(one) for one in self.run.damage),
            blocks=tuple(block.name for block in blocks_of(self.run.manifest)),
            random_alignment=tuple(random_alignment(task, measured[task]) for task in tasks),
            angles=evidence.angles(sources, self._floors(sources), self.material.checkpoints.tolist()),
            stages=tuple(self._stages(coupling, tasks)),
        )

    def spans(self) -> SpanCouplings:
        """What is measured of whole spans, for the one task that was asked for."""
        sources, (task,) = self._sources(()), choose("tasks", self.run.tasks, self.asked_tasks)
        rows = {
            variant: self.material.rows(variant) for source in sources for variant in variants_of(source, self.settings)
        }
        self.material.require_rows(rows)
        rolling = self.material.rolling(rows)
        measured = measure(self.material, [(source, task) for source in sources], (task,), rolling)
        return span_couplings(measured[task], rolling, self.settings, sources, task, max(self.settings.window))

    def row_products(self) -> RowProducts | Undefined:
        """Of the first variant of the one source that was asked for."""
        (source,) = self._sources(())
        variant = Variant(source)
        return rows_of(self.material.rolling({variant: self.material.rows(variant)})[variant])

    def probe_couplings(self, t: int) -> ProbeCouplings | Undefined:
        """Of the one source and task that were asked for."""
        (source,), (task,) = self._sources(()), choose("tasks", self.run.tasks, self.asked_tasks)
        variant = Variant(source)
        rolling = self.material.rolling({variant: self.material.rows(variant)})
        absent = self.material.no_model(task)
        if absent is None:
            absent = self.material.compute_rows([variant]).get(variant)
        if absent is not None:
            return absent
        one = rolling[variant]
        if isinstance(one, Undefined):
            return one
        span = span_at(variant, one, t, self.settings)
        if isinstance(span, Undefined):
            return span
        kept = self.material.work(rolling).look_up(t, task, ()).baseline
        base = NOT_MEASURED if kept is None else baseline(kept.response.centroids.A)
        tell = partial(self.material.tell, "JVPs")
        return measure_probes(self.material.models, self.run, self.settings, task, span, one, base, tell)

    def _sources(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """The asked sources, or all: with the tasks' controls and the stages between stored ones as evidence."""
        known = known_sources(self.run)
        if self.asked_sources is not None:
            derived = stage_sources(self.run) if set(self.asked_sources) & set(STAGES) else ()
            return choose("sources", ordered((*known, *derived)), self.asked_sources)
        plain = [source for source in known if not is_control(source)]
        if not self.settings.evidence:
            return tuple(plain)
        stages = stage_sources(self.run) if self.settings.measures_all else ()
        return ordered((*plain, *(one for task in tasks for one in control_sources(task)), *stages))

    def _variants(self, sources: Sequence[str]) -> Iterable[Variant]:
        """Every variant whose rows are looked at; those of the floor of the angles among them."""
        for source in sources:
            yield from variants_of(source, self.settings)
        if self.settings.batches == 1:
            yield from self._floors(sources)

    def _floors(self, sources: Sequence[str]) -> list[Variant]:
        """The second batch of each task's fixed gradient: no two sources are closer than that."""
        if not self.settings.measures_all:
            return []
        return [Variant(source, 1) for source in sources if is_fixed_gradient(source) and source != FIXED_GRADIENT]

    def _spectra(self, rolling: Rolling) -> Iterable[SpectrumSeries]:
        """Of each source's first variant; of a control at the checkpoints, where alone it has all rows of a window."""
        for window in self.settings.window:
            for variant, one in rolling.items():
                if variant.index:
                    continue
                if isinstance(one, Undefined):
                    yield SpectrumSeries(variant.source, window, (), one)
                else:
                    steps = self.material.checkpoints.tolist() if is_control(variant.source) else None
                    yield one.series(window, self.settings.rank, steps)

    def _coupling(
        self, pairs: Sequence[tuple[str, str]], measured: dict[str, list[CheckpointResult]], rolling: Rolling
    ) -> Iterable[CouplingSeries]:
        for window in self.settings.window:
            for rank in self.settings.rank:
                for source, task in pairs:
                    yield coupling_series(source, task, window, rank, measured[task], rolling, self.settings)

    def _stages(self, series: Sequence[CouplingSeries], tasks: Sequence[str]) -> Iterable[StageTable]:
        for window in self.settings.window:
            for rank in self.settings.rank:
                for task in tasks:
                    table = stage_table(series, task, window, rank, len(self.run.tasks))
                    if table is not None:
                        yield table

    def _notes(self) -> Iterable[str]:
        yield from (str(note) for note in self.run.notes)
        if not self.run.tasks:
            yield (
                "coupling is unknown: the run has no probe; add"
                ' sedscope.probe(model, task="…", inputs=(x,), targets=y) to the script'
            )
        if self.material.cache.failure is not None:
            yield self.material.cache.failure


def _extent(rows: Iterable[SourceRows | Undefined], weights: Ints) -> tuple[int, int] | None:
    """The first and the last recorded t."""
    recorded = [one.steps for one in rows if isinstance(one, SourceRows)] + [weights]
    ends = [(int(steps[0]), int(steps[-1])) for steps in recorded if len(steps)]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None
