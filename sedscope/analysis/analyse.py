"""The analysis of one run, from the cache where it can be and computed where it must be.

Decides the order of the work, and what one missing piece disables. Imports torch, through `workbench`, only when a
fixed gradient or a J-product is computed. Every finished piece is kept at once: an interrupt, or an exception raised by
`progress`, loses at most the checkpoint that was being worked on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count, groupby
from threading import Lock
from typing import TYPE_CHECKING

from recorders.errors import DamagedError, SedscopeError, TooLittleDataError
from recorders.format import FIXED_GRADIENT, parse_source
from sedscope.analysis.arrays import Ints
from sedscope.analysis.assemble import coupling_series, rank_series
from sedscope.analysis.cache import Cache, cache_folder
from sedscope.analysis.couple import Checkpoints, Measured
from sedscope.analysis.milestones import milestones
from sedscope.analysis.plan import choose, fixed_gradient_sources, ordered, pair, space_checkpoints
from sedscope.analysis.progress import Progress
from sedscope.analysis.results import CouplingSeries, RunAnalysis, SpectrumSeries
from sedscope.analysis.rolling import RollingSpectra, compute_gram, kept_gram
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources import FixedGradients, SourceRows, recorded_rows
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.unknown import why_no_program, why_no_weights
from sedscope.analysis.windows import check_window
from sedscope.runs import Run, printable

if TYPE_CHECKING:
    from sedscope.analysis.workbench import Workbench

OnProgress = Callable[[Progress], None]


def analyse(
    run: Run,
    settings: Settings,
    sources: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    crossed: bool = False,
    progress: OnProgress | None = None,
) -> RunAnalysis:
    """Spectra, coupling, rank-90 and milestones of one run.

    Args:
        run: Finished or still being recorded.
        settings: What to compute.
        sources: Full names; None for every source of the run.
        tasks: Whose centroids; None for every task of the run.
        crossed: Every source against every task. By default a source of one task goes against that task alone.
        progress: Told after every unit of work. What it raises ends the analysis at once and passes through.

    Raises:
        UsageError: An unknown source or task, or a device that is not there.
        TooLittleDataError: No source has as many rows as the smallest window.
        DamagedError, RefusedError: The run cannot be read.
    """
    return _Analysis(run, settings, sources, tasks, crossed, progress or _ignore).result()


def known_sources(run: Run) -> tuple[str, ...]:
    """Every source that can be asked for, in the order in which they are shown."""
    return ordered((*run.sources(), *fixed_gradient_sources(run.tasks)))


def _ignore(_: Progress) -> None:
    pass


@dataclass
class _Analysis:
    """The state of one analysis; each method is one stage of it."""

    run: Run
    settings: Settings
    asked_sources: Sequence[str] | None
    asked_tasks: Sequence[str] | None
    crossed: bool
    progress: OnProgress

    def result(self) -> RunAnalysis:
        """All stages in order."""
        sources = choose("sources", known_sources(self.run), self.asked_sources)
        tasks = choose("tasks", self.run.tasks, self.asked_tasks)
        pairs = pair(sources, tasks, crossed=self.crossed)
        rows = {source: self._rows(source) for source in sources}
        self._require_rows(rows)
        rolling = self._rolling(rows)
        measured = self._measure(pairs, tasks, rolling)
        return RunAnalysis(
            path=printable(str(self.run.path), 4096),
            name=self.run.name,
            state=self.run.state,
            tasks=tasks,
            n_selected=self.run.manifest.P,
            steps=_extent(rows.values(), self.run.weight_steps()),
            settings=self.settings,
            metrics=tuple(milestones(self.run, task) for task in tasks),
            rank90=tuple(rank_series(task, measured[task], self._no_model(task)) for task in tasks),
            spectra=tuple(self._spectra(rolling)),
            coupling=tuple(self._coupling(pairs, measured, rolling)),
            notes=tuple(self._notes()),
            damage=tuple(str(one) for one in self.run.damage),
        )

    @cached_property
    def _reading(self) -> Lock:
        """One reader serves several workers."""
        return Lock()

    @cached_property
    def _cache(self) -> Cache:
        return Cache(cache_folder(self.run.path, self.run.manifest.run_id))

    @cached_property
    def _bench(self) -> Workbench:
        """Made when the first piece must be computed: it imports torch."""
        from sedscope.analysis.workbench import Workbench

        return Workbench(self.run, self.settings, self._reading)

    @cached_property
    def _fixed(self) -> FixedGradients:
        return FixedGradients(self.run, self.settings, self.run.tasks)

    def _rows(self, source: str) -> SourceRows | Undefined:
        return self._fixed.source(source) if _is_fixed(source) else recorded_rows(self.run, source)

    def _require_rows(self, rows: dict[str, SourceRows | Undefined]) -> None:
        """At least one source must fill the smallest window; one that cannot is shown with its short windows."""
        lengths = {name: len(found.steps) for name, found in rows.items() if isinstance(found, SourceRows)}
        if not lengths:
            raise TooLittleDataError(
                f"no committed rows yet; a window needs {min(self.settings.window)}"
            )
        longest = max(lengths, key=lambda name: lengths[name])
        check_window(min(self.settings.window), min(self.settings.rank), lengths[longest], longest)

    def _rolling(self, rows: dict[str, SourceRows | Undefined]) -> dict[str, RollingSpectra | Undefined]:
        """Gram matrices of every source: those in the cache, then those of the other rows."""
        found: dict[str, RollingSpectra | Undefined] = {}
        open_rows = []
        for name, source in rows.items():
            if isinstance(source, Undefined):
                found[name] = source
            elif (gram := kept_gram(self._cache, source, self.settings)) is not None:
                found[name] = RollingSpectra(source, gram, self.settings.align)
            else:
                open_rows.append(source)
        reasons = self._compute_fixed([source.name for source in open_rows])
        for done, source in enumerate(open_rows):
            reason = reasons.get(source.name)
            found[source.name] = self._computed(source) if reason is None else reason
            self.progress(Progress("spectra", done + 1, len(open_rows)))
        return {name: found[name] for name in rows}

    def _computed(self, source: SourceRows) -> RollingSpectra:
        return RollingSpectra(source, compute_gram(self._cache, source, self.settings), self.settings.align)

    def _compute_fixed(self, names: Sequence[str]) -> dict[str, Undefined]:
        """Makes the rows of these fixed gradients readable.

        Returns:
            Why not, by source.
        """
        needed = [name for name in names if _is_fixed(name)]
        failed: dict[str, Undefined] = {}
        for task in self._fixed.missing(needed):
            bench = self._bench
            try:
                self._fixed.compute(bench, task, partial(self._tell, f"fixed gradient {task}"))
            except (SedscopeError, RuntimeError) as error:
                failed[task] = self._reason(error)
        reasons = {name: [failed[task] for task in self._fixed.missing([name])] for name in needed}
        return {name: found[0] for name, found in reasons.items() if found}

    def _measure(
        self, pairs: Sequence[tuple[str, str]], tasks: Sequence[str], rolling: dict[str, RollingSpectra | Undefined]
    ) -> dict[str, list[Measured]]:
        """Baseline, centroids and coupling of every checkpoint and task: looked up, then the rest computed."""
        usable = {name: one for name, one in rolling.items() if isinstance(one, RollingSpectra)}
        work = Checkpoints(self.run, self.settings, self._cache, usable, self._reading)
        steps = space_checkpoints(self.run.weight_steps(), self.settings.checkpoints).tolist()
        measured: dict[str, list[Measured]] = {}
        for task in tasks:
            absent = self._no_model(task)
            sources = [source for source, other in pairs if other == task and source in usable and absent is None]
            measured[task] = [Measured(t, task, {}, failure=absent) for t in steps]
            if absent is None:
                measured[task] = [work.look_up(t, task, sources) for t in steps]
        # By checkpoint, so that the weights of each are read once.
        self._compute(work, [measured[task][at] for at in range(len(steps)) for task in tasks])
        return measured

    def _compute(self, work: Checkpoints, found: Sequence[Measured]) -> None:
        """Computes what is missing, and says at each checkpoint that it cannot where it cannot."""
        missing = [one for one in found if one.failure is None and not work.is_complete(one)]
        reasons = self._compute_fixed(list(dict.fromkeys(name for one in missing for name in work.open_sources(one))))
        for one in missing:
            one.spans |= {source: reason for source, reason in reasons.items() if source in one.spans}
        if not missing:
            return
        from sedscope.analysis.parallel import run_pieces

        total = sum(work.n_products(one) for one in missing)
        done = count()
        by_checkpoint = [list(same) for _, same in groupby(missing, key=lambda one: one.t)]
        pieces = [partial(self._compute_checkpoint, work, same) for same in by_checkpoint]
        run_pieces(pieces, self._bench.workers, lambda _: self._tell("J-products", next(done) + 1, total))

    def _compute_checkpoint(self, work: Checkpoints, found: Sequence[Measured], tick: Callable[[int], None]) -> None:
        """All tasks of one checkpoint, whose weights are read once."""
        for one in found:
            try:
                model = self._bench.model(one.t, one.task)
                work.compute(one, model, self._bench.chunk(model, one.task), tick)
            except (SedscopeError, RuntimeError) as error:
                one.failure = self._reason(error)

    def _tell(self, stage: str, done: int, total: int) -> None:
        self.progress(Progress(stage, done, total))

    def _reason(self, error: Exception) -> Undefined:
        """The first line of an error. Damage that nobody knew of is raised: the whole run must be looked at."""
        if isinstance(error, DamagedError) and not self.run.damage:
            raise error
        return Undefined((str(error).splitlines() or [type(error).__name__])[0])

    def _no_model(self, task: str) -> Undefined | None:
        reason = why_no_program(self.run, task)
        return why_no_weights(self.run) if reason is None else reason

    def _spectra(self, rolling: dict[str, RollingSpectra | Undefined]) -> Iterable[SpectrumSeries]:
        for window in self.settings.window:
            for source, one in rolling.items():
                if isinstance(one, Undefined):
                    yield SpectrumSeries(source, window, (), one)
                else:
                    yield one.series(window, self.settings.rank)

    def _coupling(
        self,
        pairs: Sequence[tuple[str, str]],
        measured: dict[str, list[Measured]],
        rolling: dict[str, RollingSpectra | Undefined],
    ) -> Iterable[CouplingSeries]:
        for window in self.settings.window:
            for rank in self.settings.rank:
                for source, task in pairs:
                    found = measured[task]
                    yield coupling_series(source, task, window, rank, found, rolling[source], self.settings)

    def _notes(self) -> Iterable[str]:
        yield from (str(note) for note in self.run.notes)
        if not self.run.tasks:
            yield (
                "coupling is unknown: the run has no probe; add"
                ' sedscope.probe(model, task="…", inputs=(x,), targets=y) to the script'
            )
        if self._cache.failure is not None:
            yield self._cache.failure


def _is_fixed(source: str) -> bool:
    parsed = parse_source(source)
    return parsed is not None and parsed.family == FIXED_GRADIENT


def _extent(rows: Iterable[SourceRows | Undefined], weights: Ints) -> tuple[int, int] | None:
    """The first and the last recorded t."""
    recorded = [one.steps for one in rows if isinstance(one, SourceRows)] + [weights]
    ends = [(int(steps[0]), int(steps[-1])) for steps in recorded if len(steps)]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None
