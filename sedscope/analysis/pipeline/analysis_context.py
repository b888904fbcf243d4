"""What an analysis of one run works with: rows, windows, the cache and, once something must be computed, the model.

Decides where rows of each source come from, when they are computed, and what an error makes undefined. Imports torch,
through `checkpoint_models`, only when a fixed gradient or a JVP is computed. Leaves to others: what is measured, and in
which order (`analyse`, `diagnostics`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING

from recorders.errors import DamagedError, SedscopeError, TooLittleDataError
from sedscope.analysis.arrays import Ints
from sedscope.analysis.cache import Cache, cache_folder
from sedscope.analysis.pipeline.checkpoint_computer import CheckpointComputer
from sedscope.analysis.pipeline.plan import space_checkpoints
from sedscope.analysis.progress import AnalysisProgress
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.computed_rows import ComputedRows
from sedscope.analysis.sources.stage_rows import STAGES, stage_rows
from sedscope.analysis.sources.variants import Variant, is_computed
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra, cached_gram, compute_gram
from sedscope.analysis.spectra.source_rows import SourceRows, recorded_rows
from sedscope.analysis.spectra.windows import check_window
from sedscope.analysis.undefined import Undefined
from sedscope.analysis.unknown import why_no_program, why_no_weights
from sedscope.runs import Run

if TYPE_CHECKING:
    from sedscope.analysis.features.checkpoint_models import CheckpointModels

OnProgress = Callable[[AnalysisProgress], None]
Rolling = dict[Variant, "RollingSpectra | Undefined"]


@dataclass
class AnalysisContext:
    """Of one run under one set of settings; each part is made when it is first asked for."""

    run: Run
    settings: Settings
    progress: OnProgress
    failed: bool = False
    """Whether some computation raised: its result may come out the next time, so the whole is not kept."""

    @cached_property
    def checkpoints(self) -> Ints:
        return space_checkpoints(self.run.weight_steps(), self.settings.checkpoints)

    @cached_property
    def reading(self) -> Lock:
        """One reader serves several workers."""
        return Lock()

    @cached_property
    def cache(self) -> Cache:
        return Cache(cache_folder(self.run.path, self.run.manifest.run_id))

    @cached_property
    def models(self) -> CheckpointModels:
        """Made when the first piece must be computed: it imports torch."""
        from sedscope.analysis.features.checkpoint_models import CheckpointModels

        return CheckpointModels(self.run, self.settings, self.reading)

    @cached_property
    def _computed_rows(self) -> ComputedRows:
        return ComputedRows(self.run, self.settings, self.run.tasks, self.checkpoints)

    def rows(self, variant: Variant) -> SourceRows | Undefined:
        if is_computed(variant.source):
            return self._computed_rows.source(variant)
        read = stage_rows if variant.source in STAGES else recorded_rows
        return read(self.run, variant.source)

    def require_rows(self, rows: dict[Variant, SourceRows | Undefined]) -> None:
        """At least one source must fill the smallest window; one that cannot is shown with its short windows."""
        lengths = {one.source: len(found.steps) for one, found in rows.items() if isinstance(found, SourceRows)}
        if not lengths:
            raise TooLittleDataError(
                f"{self.run.path}: no committed rows yet; a window needs {min(self.settings.window)}"
            )
        longest = max(lengths, key=lambda name: lengths[name])
        check_window(min(self.settings.window), min(self.settings.rank), lengths[longest], longest)

    def rolling(self, rows: dict[Variant, SourceRows | Undefined]) -> Rolling:
        """Gram matrices of every source: those in the cache, then those of the other rows."""
        found: Rolling = {}
        open_rows: list[tuple[Variant, SourceRows]] = []
        for variant, source in rows.items():
            if isinstance(source, Undefined):
                found[variant] = source
            elif (gram := cached_gram(self.cache, source, self.settings)) is not None:
                found[variant] = RollingSpectra(source, gram, self.settings.align)
            else:
                open_rows.append((variant, source))
        reasons = self.compute_rows([variant for variant, _ in open_rows])
        for done, (variant, source) in enumerate(open_rows):
            reason = reasons.get(variant)
            found[variant] = self._decomposed(source) if reason is None else reason
            self.progress(AnalysisProgress("spectra", done + 1, len(open_rows)))
        return {variant: found[variant] for variant in rows}

    def _decomposed(self, source: SourceRows) -> RollingSpectra:
        return RollingSpectra(source, compute_gram(self.cache, source, self.settings), self.settings.align)

    def compute_rows(self, variants: Sequence[Variant]) -> dict[Variant, Undefined]:
        """Makes the rows of those among these that are computed readable.

        Returns:
            Why not, by variant.
        """
        needed = [variant for variant in variants if is_computed(variant.source)]
        failed: dict[str, Undefined] = {}
        for task, kinds in self._computed_rows.missing(needed).items():
            models = self.models
            try:
                self._computed_rows.compute(models, task, kinds, partial(self.tell, f"fixed gradients {task}"))
            except (SedscopeError, RuntimeError) as error:
                failed[task] = self.reason(error)
        reasons = {one: [failed[task] for task in self._computed_rows.missing([one])] for one in needed}
        return {variant: found[0] for variant, found in reasons.items() if found}

    def work(self, rolling: Rolling) -> CheckpointComputer:
        usable = {variant: one for variant, one in rolling.items() if isinstance(one, RollingSpectra)}
        return CheckpointComputer(self.run, self.settings, self.cache, usable, self.reading)

    def tell(self, stage: str, done: int, total: int) -> None:
        self.progress(AnalysisProgress(stage, done, total))

    def reason(self, error: Exception) -> Undefined:
        """The first line of an error. Damage that nobody knew of is raised: the whole run must be looked at."""
        if isinstance(error, DamagedError) and not self.run.damage:
            raise error
        self.failed = True
        return Undefined((str(error).splitlines() or [type(error).__name__])[0])

    def no_model(self, task: str) -> Undefined | None:
        reason = why_no_program(self.run, task)
        return why_no_weights(self.run) if reason is None else reason
