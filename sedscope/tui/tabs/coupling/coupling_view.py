"""The answers that the Coupling tab has: an analysis, and spans that answer other W and K; and which of them counts.

Decides where a series comes from: the analysis where it was made with these settings, else the spans. Knows no widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries, RunAnalysis
from sedscope.analysis.pipeline.span_couplings import SpanCouplings
from sedscope.analysis.result_view.verdict import verdicts
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.undefined import Undefined
from sedscope.tui.worker.jobs import CouplingJob, SpansJob


@dataclass(frozen=True, slots=True)
class CouplingAnswers:
    """Everything that was computed of one run."""

    analysis: RunAnalysis | None = None
    analysis_job: CouplingJob | None = None
    """The question that the analysis answers."""
    final: bool = False
    """True where the analysis is the answer, not a coarse one before it."""
    spans: SpanCouplings | None = None
    spans_job: SpansJob | None = None

    def series(
        self, settings: Settings, sources: Sequence[str], task: str, *, intervals: bool = False
    ) -> list[CouplingSeries]:
        """Return the couplings of the sources that are known for these settings.

        Args:
            settings: Of the screen.
            sources: Full names.
            task: Whose features.
            intervals: Whether spans are to give intervals too, which takes longer; an analysis always has them.
        """
        if self.answers(settings):
            couplings = {(coupling.source, coupling.task): coupling for coupling in self.all(settings)}
            return [couplings[source, task] for source in sources if (source, task) in couplings]
        if self.spans is None or not self.in_spans(settings, self.spans.task == task):
            return []
        measured = [source for source in sources if source in self.spans.variants]
        window, rank = settings.window[0], settings.rank[0]
        return [self.spans.series(source, window, rank, intervals=intervals) for source in measured]

    def all(self, settings: Settings) -> tuple[CouplingSeries, ...]:
        """Return every series of the analysis where it was made with these settings."""
        return self.analysis.coupling if self.analysis is not None and self.answers(settings) else ()

    def verdict(self, settings: Settings, task: str, sources: Sequence[str]) -> str:
        """Return the verdict on the first of these sources that has one, else on the task's gradient; "" before that.

        A preview has none: a claim needs all probes.
        """
        if self.analysis is None or self.analysis.settings not in (settings, settings.for_a_table()):
            return ""
        of_task = [each for each in verdicts(self.analysis) if each.task == task]
        chosen = [each for each in of_task if each.source in sources[:1]]
        return next((each.words for each in (*chosen, *of_task)), "")

    def ceiling(self, settings: Settings, source: str, task: str) -> list[tuple[int, float | Undefined]]:
        """Return the strongest coupling in the window's span; empty where the span was not measured."""
        spans = self.spans
        if spans is None or source not in spans.variants or not self.in_spans(settings, spans.task == task):
            return []
        return spans.ceiling(source, settings.window[0])

    def answers(self, settings: Settings) -> bool:
        """Return whether the analysis answers a question with these settings, coarsely or for good."""
        return self.analysis_job is not None and self.analysis_job.settings == settings

    def in_spans(self, settings: Settings, of_the_task: bool) -> bool:
        """Return whether the spans hold windows of these settings."""
        spans = self.spans
        if spans is None or not of_the_task or settings.window[0] > spans.span:
            return False
        return regardless_of_window(spans.settings) == regardless_of_window(settings)

    def missing(
        self, analysis_job: CouplingJob, spans_job: SpansJob, *, ceiling: bool
    ) -> CouplingJob | SpansJob | None:
        """Return the question to ask next so that everything is here; None where it is.

        Args:
            analysis_job: The question about the run as it is, with the settings of the screen.
            spans_job: The question about spans.
            ceiling: Whether spans are wanted beside an analysis.
        """
        if self.analysis_job is None or not self.final:
            return analysis_job
        if self.analysis_job == analysis_job:
            return spans_job if ceiling and not self._spans_answer(spans_job) else None
        same = replace(
            analysis_job.settings, window=self.analysis_job.settings.window, rank=self.analysis_job.settings.rank
        )
        if self.analysis_job == replace(analysis_job, settings=same):
            return None if self._spans_answer(spans_job) else spans_job
        return analysis_job

    def _spans_answer(self, job: SpansJob) -> bool:
        """Return whether the spans are those of the run as it is, and hold what is wanted."""
        spans, answered = self.spans, self.spans_job
        if spans is None or answered is None or answered.stamp != job.stamp:
            return False
        return self.in_spans(job.settings, spans.task == job.task) and set(job.sources) <= spans.variants.keys()

    def provenance(self, settings: Settings) -> str:
        """Return in a few words what the settings above the picture do not say of it."""
        if not self.answers(settings) or self.analysis is None:
            return "by coupling Gram matrices"
        used = self.analysis.settings
        if self.final:
            return f"{used.random} random directions"
        if used == settings.for_a_table():
            return "second measures follow"
        steps = len(self.analysis.coupling[0].points) if self.analysis.coupling else 0
        return f"preview: {steps} points, {used.probes} probes, B {used.batches}"

    @property
    def rank90(self) -> tuple[RankSeries, ...]:
        """Does not depend on W and K."""
        return () if self.analysis is None else self.analysis.rank90


def regardless_of_window(settings: Settings) -> Settings:
    """Return the settings with W and K left out of account."""
    return replace(settings, window=(1,), rank=(1,))


def with_controls(sources: Sequence[str], task: str | None, available: Sequence[str]) -> tuple[str, ...]:
    """Return the sources of a picture and the controls that stand behind them."""
    controls = () if task is None else control_sources(task)
    return tuple(dict.fromkeys((*sources, *(name for name in controls if name in available))))
