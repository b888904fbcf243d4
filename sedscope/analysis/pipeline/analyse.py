"""The analysis of one run, stage by stage: from the cache where it can be and computed where it must be.

Decides the order of the work, and what one missing piece disables. Every finished piece is kept at once: an interrupt,
or an exception raised by `progress`, loses at most the checkpoint that was being worked on. Leaves to others: rows,
cache and model (`analysis_context`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from recorders.row_sources import current_name, in_order, parse_source, row_source
from sedscope.analysis.arrays import Ints
from sedscope.analysis.cache import Key
from sedscope.analysis.pipeline.analysis_context import AnalysisContext
from sedscope.analysis.pipeline.angles import angle_series
from sedscope.analysis.pipeline.assemble_series import coupling_series, rank_series
from sedscope.analysis.pipeline.block_couplings import with_block_couplings
from sedscope.analysis.pipeline.checkpoint_results import CheckpointResult, measure_checkpoints, random_measurement
from sedscope.analysis.pipeline.contrasts import contrasts, without_draws
from sedscope.analysis.pipeline.milestones import milestones
from sedscope.analysis.pipeline.plan import choose, pair
from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings, measure_probe_couplings
from sedscope.analysis.pipeline.results import NOT_MEASURED, Contrast, CouplingSeries, RunAnalysis, StageTable
from sedscope.analysis.pipeline.second_measures import random_alignment, with_effective_examples
from sedscope.analysis.pipeline.span import Rolling, measure_spectra, span_at
from sedscope.analysis.pipeline.span_couplings import SpanCouplings, span_couplings
from sedscope.analysis.pipeline.stage_walk import stage_table
from sedscope.analysis.progress import AnalysisProgress, OnProgress
from sedscope.analysis.result_codec import from_arrays, to_arrays
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.stage_rows import STAGES, stage_sources
from sedscope.analysis.sources.variants import (
    Variant,
    computed_sources,
    control_sources,
    is_control,
    is_near_checkpoints,
    varied_by,
)
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra, SpectrumSeries
from sedscope.analysis.spectra.source_rows import SourceRows
from sedscope.analysis.spectra.windows import span_of
from sedscope.analysis.statistics.coupling_ratio import baseline
from sedscope.analysis.statistics.grokking import Phases
from sedscope.analysis.undefined import Undefined, why_no_program
from sedscope.runs import Run


def known_sources(run: Run) -> tuple[str, ...]:
    """Return every source that can be asked for, in the order in which they are shown."""
    return in_order((*run.sources(), *computed_sources(run.tasks)))


@dataclass
class RunAnalyser:
    """The state of one analysis; each method is one stage of it."""

    run: Run
    settings: Settings
    requested_sources: Sequence[str] | None
    """Full names; None for every one."""
    requested_tasks: Sequence[str] | None
    """None for every one."""
    crossed: bool
    """Whether every source is put against every task."""
    progress: OnProgress

    def __post_init__(self) -> None:
        """Take sources by the names that they had in earlier versions, too."""
        if self.requested_sources is not None:
            names = [(name, current_name(name)) for name in self.requested_sources]
            # An unknown one stays as it was written, so that the refusal quotes it.
            self.requested_sources = [today if row_source(today) else name for name, today in names]

    @cached_property
    def context(self) -> AnalysisContext:
        """Rows, cache and model of the analysis."""
        return AnalysisContext(self.run, self.settings, self.progress)

    def analysis(self) -> RunAnalysis:
        """Return the analysis: from the cache, else computed and, where nothing failed, kept."""
        if (cached := self.cached_analysis()) is not None:
            return cached
        analysis = self.compute()
        if not self.context.failed and not self.run.damage:
            self.context.cache.keep("analysis", self._key(), to_arrays(analysis))
        return self._with_present_facts(analysis)

    def cached_analysis(self) -> RunAnalysis | None:
        """Return the analysis from the cache; None where it is not there, or the run is damaged."""
        if self.run.damage:
            return None
        analysis = from_arrays(RunAnalysis, self.context.cache.load("analysis", self._key()))
        return None if analysis is None else self._with_present_facts(analysis)

    def compute(self) -> RunAnalysis:
        """Return the analysis after all stages in order."""
        context = self.context
        tasks = choose("tasks", self.run.tasks, self.requested_tasks)
        sources = self.sources(tasks)
        pairs = pair(sources, tasks, crossed=self.crossed)
        rows = {variant: context.rows(variant) for variant in self._variants(sources)}
        context.require_rows(rows)
        rolling = measure_spectra(context, rows)
        results = measure_checkpoints(context, pairs, tasks, rolling)
        series, compared = self._coupling(pairs, results, rolling)
        metrics = tuple(milestones(self.run, task, self.settings.grok) for task in tasks)
        phases = {each.task: Phases.of(context.checkpoints.tolist(), each.grokking) for each in metrics}
        coupling = tuple(
            replace(each, phases=phases[each.task])
            for each in with_effective_examples(context, with_block_couplings(context, series, rolling))
        )
        return RunAnalysis(
            path=str(self.run.path),
            name=self.run.name,
            state=self.run.state,
            tasks=tasks,
            n_selected=self.run.manifest.P,
            steps=_extent(rows.values(), context.weight_steps),
            settings=self.settings,
            metrics=metrics,
            rank90=tuple(rank_series(task, results[task], context.no_model(task)) for task in tasks),
            spectra=tuple(self._spectra(rolling)),
            coupling=coupling,
            notes=tuple(self._notes()),
            damage=tuple(str(damage) for damage in self.run.damage),
            blocks=tuple(block.name for block in context.blocks),
            random_alignment=tuple(random_alignment(task, results[task]) for task in tasks),
            angles=angle_series(context, sources, self._floors(sources), rolling),
            stages=tuple(self._stages(coupling, tasks)),
            contrasts=tuple(compared),
        )

    def rolling_of(self, variant: Variant) -> RollingSpectra | Undefined:
        """Return the windows of one source."""
        return measure_spectra(self.context, {variant: self.context.rows(variant)})[variant]

    def _with_present_facts(self, analysis: RunAnalysis) -> RunAnalysis:
        """Return the analysis with what may have changed in the run without changing a number."""
        run = self.run
        return replace(analysis, path=str(run.path), name=run.name, state=run.state, notes=tuple(self._notes()))

    def _key(self) -> Key:
        """Return everything that a result depends on: the whole run as far as it is committed, and the question."""
        run = self.run
        return {
            "manifest": run.identity("manifest"),
            "rows": {source: run.identity("rows", source) for source in run.sources()},
            "weights": run.identity("weights"),
            "scalars": run.identity("scalars"),
            "tasks": {task: self._task_identity(task) for task in run.tasks},
            "settings": asdict(self.settings),
            "sources": None if self.requested_sources is None else list(self.requested_sources),
            "requested tasks": None if self.requested_tasks is None else list(self.requested_tasks),
            "crossed": self.crossed,
        }

    def _task_identity(self, task: str) -> list[str]:
        """Return digests of the task's probe and program, or why it has none."""
        missing_reason = why_no_program(self.run, task)
        return self.context.task_identity(task) if missing_reason is None else [missing_reason.reason]

    def sources(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """Return the requested sources, or all: with controls and the stages between stored ones as evidence."""
        run_sources = known_sources(self.run)
        if self.requested_sources is not None:
            derived = stage_sources(self.run) if set(self.requested_sources) & set(STAGES) else ()
            on_request = computed_sources(self.run.tasks, on_request=True)
            available = in_order((*run_sources, *on_request, *derived))
            refused = [note.message for note in self.run.notes if note.about == "refused"]
            return choose("sources", available, self.requested_sources, refused)
        plain = [source for source in run_sources if not is_control(source)]
        if not self.settings.evidence:
            return tuple(plain)
        stages = stage_sources(self.run) if self.settings.measures_all else ()
        return in_order((*plain, *(control for task in tasks for control in control_sources(task)), *stages))

    def _variants(self, sources: Sequence[str]) -> Iterable[Variant]:
        """Yield every variant whose rows are looked at; those of the floor of the angles among them."""
        for source in sources:
            yield from self.context.variants(source)
        yield from self._floors(sources)

    def _floors(self, sources: Sequence[str]) -> list[Variant]:
        """Return the second batch of each task's fixed gradient: no two sources are closer than that."""
        if not self.settings.measures_all:
            return []
        own = [source for source in sources if (parsed := parse_source(source)) is not None and parsed.task is not None]
        return [Variant(source, 1) for source in own if varied_by(source) == "batches"]

    def _spectra(self, rolling: Rolling) -> Iterable[SpectrumSeries]:
        """Yield the spectra of each source's first variant; a control has all rows of a window at checkpoints alone."""
        for window in self.settings.window:
            for variant, spectra in rolling.items():
                if variant.index:
                    continue
                if isinstance(spectra, Undefined):
                    yield SpectrumSeries(variant.source, window, (), spectra)
                else:
                    steps = self.context.checkpoints.tolist() if is_near_checkpoints(variant.source) else None
                    yield spectra.series(window, self.settings.rank, steps)

    def _coupling(
        self, pairs: Sequence[tuple[str, str]], results: Mapping[str, list[CheckpointResult]], rolling: Rolling
    ) -> tuple[list[CouplingSeries], list[Contrast]]:
        """Return every series and their contrasts, taken one W, K and task at a time: the draws go before the next."""
        coupling: dict[tuple[str, str, int, int], CouplingSeries] = {}
        compared: list[Contrast] = []
        bases = [(window, rank) for window in self.settings.window for rank in self.settings.rank]
        for window, rank in bases:
            for task in results:
                series = [
                    coupling_series(self.context, source, task, window, rank, results[task], rolling)
                    for source, other in pairs
                    if other == task
                ]
                compared += contrasts(series) if series else ()
                coupling |= {(each.source, task, window, rank): without_draws(each) for each in series}
        ordered = [coupling[source, task, *basis] for basis in bases for source, task in pairs]
        return ordered, compared

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
        requested = self.requested_sources
        if requested is None or any(varied_by(source) for source in requested):
            yield from self.context.batch_notes()
        if self.context.cache.failure is not None:
            yield self.context.cache.failure


def _extent(rows: Iterable[SourceRows | Undefined], weights: Ints) -> tuple[int, int] | None:
    """Return the first and the last recorded t."""
    recorded = [source.steps for source in rows if isinstance(source, SourceRows)] + [weights]
    ends = [(int(steps[0]), int(steps[-1])) for steps in recorded if len(steps)]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def analyse(
    run: Run,
    settings: Settings,
    sources: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    crossed: bool = False,
    progress: OnProgress | None = None,
) -> RunAnalysis:
    """Return spectra, coupling, rank-90 and milestones of one run.

    Args:
        run: Finished or still being recorded.
        settings: What to compute.
        sources: Full names; None for every source of the run, its controls among them where evidence is wanted.
        tasks: Whose centroids; None for every task of the run.
        crossed: Every source against every task. By default a source of one task goes against that task alone.
        progress: Told after every unit of work. What it raises ends the analysis at once and passes through.

    Raises:
        UsageError: An unknown source or task, or a device that is not there.
        TooLittleDataError: No source has as many rows as the smallest window.
        DamagedError, RefusedError: The run cannot be read.
    """
    return RunAnalyser(run, settings, sources, tasks, crossed, progress or _ignore).analysis()


def cached_analysis(
    run: Run,
    settings: Settings,
    sources: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    crossed: bool = False,
) -> RunAnalysis | None:
    """Return what `analyse` would where it has nothing to compute, else None; raises as `analyse` does."""
    return RunAnalyser(run, settings, sources, tasks, crossed, _ignore).cached_analysis()


def measure_spans(
    run: Run, settings: Settings, sources: Sequence[str], task: str, progress: OnProgress | None = None
) -> SpanCouplings:
    """Return the spans of windows of some sources against one task: R_k of every W and K in them follows without a JVP.

    The settings' W is the largest that is wanted; K does not matter. Listens and raises as `analyse` does.
    """
    wide = replace(settings, window=tuple(dict.fromkeys((1, span_of(settings.window)))), rank=(1,))
    analyser = RunAnalyser(run, wide, sources, (task,), True, progress or _ignore)
    context, sources, (task,) = analyser.context, analyser.sources(()), choose("tasks", run.tasks, (task,))
    variants = {source: context.variants(source) for source in sources}
    rows = {variant: context.rows(variant) for of_source in variants.values() for variant in of_source}
    context.require_rows(rows)
    rolling = measure_spectra(context, rows)
    results = measure_checkpoints(context, [(source, task) for source in sources], (task,), rolling)
    return span_couplings(results[task], rolling, wide, variants, task, max(wide.window))


def rolling_spectra(
    run: Run, settings: Settings, source: str, progress: OnProgress | None = None
) -> RollingSpectra | Undefined:
    """Return the windows of a source with the inner products of their rows; raises as `analyse` does."""
    analyser = RunAnalyser(run, settings, (source,), (), False, progress or _ignore)
    (source,) = analyser.sources(())
    return analyser.rolling_of(Variant(source))


def probe_couplings(
    run: Run, settings: Settings, source: str, task: str, t: int, progress: OnProgress | None = None
) -> ProbeCouplings | Undefined:
    """Return the coupling of a window's K directions probe by probe at one checkpoint; raises as `analyse` does."""
    analyser = RunAnalyser(run, settings, (source,), (task,), True, progress or _ignore)
    context, (source,), (task,) = analyser.context, analyser.sources(()), choose("tasks", run.tasks, (task,))
    missing_reason = context.no_model(task)
    if missing_reason is not None:
        return missing_reason
    span = span_at(context, Variant(source), analyser.rolling_of(Variant(source)), t)
    if isinstance(span, Undefined):
        return span
    random = random_measurement(context, t, task)
    random.look_up()
    coupling = random.value
    base = NOT_MEASURED if coupling is None or isinstance(coupling, Undefined) else baseline(coupling.centroids.A)
    return measure_probe_couplings(context, task, span, base)


def _ignore(_: AnalysisProgress) -> None:
    pass
