"""The answers that the Why tab has: an analysis, products of rows, couplings of probes; and their pictures.

Decides which answer replaces which, and why a picture is not there yet. Knows no widgets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sedscope.analysis.pipeline.probe_couplings import ProbeCouplings
from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis, StageTable
from sedscope.analysis.settings import Settings
from sedscope.analysis.spectra.rolling_spectra import RollingSpectra
from sedscope.analysis.statistics.coupling_ratio import CouplingRatio
from sedscope.analysis.undefined import Undefined
from sedscope.tui.plot.heatmap.heatmap_data import Heatmap
from sedscope.tui.tabs.analysis_tab import OLD, same_question
from sedscope.tui.tabs.why.why_charts import blocks_heatmap, probes_heatmap, rows_heatmap
from sedscope.tui.worker.jobs import CouplingJob, Job, ProbesJob, RowsJob

Picture = tuple[Heatmap, str] | Undefined
"""A matrix with the words below it, or why there is none."""
_BLOCKS = "‖v‖² within each matrix, and its part of A; the peak or the end, whichever is nearer to t"


@dataclass(frozen=True, slots=True)
class WhyAnswers:
    """Everything that was computed of one run."""

    analysis: RunAnalysis | None = None
    settings: Settings | None = None
    """The settings that the analysis was asked with."""
    final: bool = False
    answered: frozenset[CouplingJob] = frozenset()
    """Questions that have their last answer."""
    rows: tuple[RowsJob, RollingSpectra | Undefined] | None = None
    probes: tuple[ProbesJob, ProbeCouplings | Undefined] | None = None

    def taking(self, job: Job, value: Any, final: bool) -> WhyAnswers:
        """Return the answers with one more."""
        if isinstance(job, CouplingJob) and isinstance(value, RunAnalysis):
            if not final and any(same_question(job, other) for other in self.answered):
                return self  # the run grew: what is shown is better than a coarse picture of a few steps more
            answered = self.answered | {job} if final else self.answered
            return replace(self, analysis=value, settings=job.settings, final=final, answered=answered)
        if isinstance(job, RowsJob):
            return replace(self, rows=(job, value))
        return replace(self, probes=(job, value)) if isinstance(job, ProbesJob) else self

    def has(self, job: Job) -> bool:
        """Return whether this question has its last answer."""
        if isinstance(job, CouplingJob):
            return job in self.answered
        return any(answer is not None and answer[0] == job for answer in (self.rows, self.probes))

    def provenance(self, settings: Settings) -> str:
        """Return in a few words how the analysis stands to the settings of the screen."""
        if self.settings not in (None, settings):
            return OLD
        return "" if self.final else "a preview; more is computed"

    def series(self, source: str | None, task: str | None) -> CouplingSeries | None:
        """Return the coupling of a source against a task."""
        couplings = () if self.analysis is None else self.analysis.coupling
        return next((coupling for coupling in couplings if (coupling.source, coupling.task) == (source, task)), None)

    def stages(self, task: str | None) -> StageTable | Undefined:
        """Return the walk through the optimizer's stages against a task."""
        tables = () if self.analysis is None else self.analysis.stages
        table = next((stage_table for stage_table in tables if stage_table.task == task), None)
        return table or Undefined("fewer than two stages of the optimizer are recorded")

    def checkpoint(self, source: str, task: str | None, t: float) -> int | None:
        """Return the checkpoint nearest to t at which the source has a coupling."""
        series = self.series(source, task)
        steps = [] if series is None else [point.t for point in series.points if isinstance(point.ratio, CouplingRatio)]
        return min(steps, key=lambda step: abs(step - t), default=None)

    def blocks_picture(self, source: str, task: str | None, t: float | None) -> Picture:
        """Return the energy and coupling per block; t None is the peak."""
        series = self.series(source, task)
        if self.analysis is None or series is None:
            return Undefined(f"{source} is not put against {task}")
        heatmap = blocks_heatmap(self.analysis, series, t)
        return heatmap if isinstance(heatmap, Undefined) else (heatmap, _BLOCKS)

    def rows_picture(self, source: str, t: float, settings: Settings) -> Picture:
        """Return the cosines of the window's rows."""
        if self.rows is None or self.rows[0].source != source:
            return Undefined("the rows are being compared …")
        products = self.rows[1]
        return products if isinstance(products, Undefined) else rows_heatmap(products, source, t, settings)

    def probes_picture(self, source: str, split: str) -> Picture:
        """Return the coupling probe by probe."""
        if self.probes is None or self.probes[0].source != source:
            return Undefined("the coupling of each probe is being computed …")
        value = self.probes[1]
        return value if isinstance(value, Undefined) else probes_heatmap(value, split)
