"""What the Coupling tab has to show at the moment: an analysis, spans that answer other W and K, and which of them.

Decides where a series comes from: the analysis where it was made with these settings, else the spans. Knows no widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sedscope.analysis.pipeline.results import CouplingSeries, RankSeries, RunAnalysis
from sedscope.analysis.pipeline.span_couplings import SpanCouplings
from sedscope.analysis.settings import Settings
from sedscope.analysis.sources.variants import control_sources
from sedscope.analysis.undefined import Undefined
from sedscope.tui.worker.jobs import CouplingJob
from sedscope.tui.worker.span_jobs import SpansJob


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was computed of one run."""

    analysis: RunAnalysis | None = None
    asked: CouplingJob | None = None
    """What the analysis answers."""
    final: bool = False
    """Whether it is the answer, not a coarse one before it."""
    spans: SpanCouplings | None = None
    spans_for: SpansJob | None = None

    def series(
        self, settings: Settings, sources: Sequence[str], task: str, *, intervals: bool = False
    ) -> list[CouplingSeries]:
        """Those of the sources that are known for these settings.

        Args:
            settings: Of the screen.
            sources: Full names.
            task: Whose features.
            intervals: Whether spans are to give intervals too, which takes longer; an analysis always has them.
        """
        if self.answers(settings):
            found = {(one.source, one.task): one for one in self.all(settings)}
            return [found[source, task] for source in sources if (source, task) in found]
        if self.spans is None or not self.in_spans(settings, self.spans.task == task):
            return []
        known = [source for source in sources if source in self.spans.sources]
        window, rank = settings.window[0], settings.rank[0]
        return [self.spans.series(source, window, rank, intervals=intervals) for source in known]

    def all(self, settings: Settings) -> tuple[CouplingSeries, ...]:
        """Every series of the analysis where it was made with these settings."""
        return self.analysis.coupling if self.analysis is not None and self.answers(settings) else ()

    def ceiling(self, settings: Settings, source: str, task: str) -> list[tuple[int, float | Undefined]]:
        """Strongest coupling in the window's span; empty where the span was not measured."""
        spans = self.spans
        if spans is None or source not in spans.sources or not self.in_spans(settings, spans.task == task):
            return []
        return spans.ceiling(source, settings.window[0])

    def answers(self, settings: Settings) -> bool:
        """Whether the analysis answers a question with these settings, coarsely or for good."""
        return self.asked is not None and self.asked.settings == settings

    def in_spans(self, settings: Settings, of_the_task: bool) -> bool:
        """Whether the spans hold windows of these settings."""
        spans = self.spans
        if spans is None or not of_the_task or settings.window[0] > spans.span:
            return False
        return regardless_of_window(spans.settings) == regardless_of_window(settings)

    def missing(self, whole: CouplingJob, spans: SpansJob, *, ceiling: bool) -> CouplingJob | SpansJob | None:
        """What must be asked next so that everything wanted is here; None where it is.

        Args:
            whole: The question about the run as it is, with the settings of the screen.
            spans: The same for spans.
            ceiling: Whether spans are wanted beside an analysis.
        """
        if self.asked is None or not self.final:
            return whole
        if self.asked == whole:
            return spans if ceiling and not self._spans_answer(spans) else None
        same = replace(whole.settings, window=self.asked.settings.window, rank=self.asked.settings.rank)
        if self.asked == replace(whole, settings=same):
            return None if self._spans_answer(spans) else spans
        return whole

    def _spans_answer(self, wanted: SpansJob) -> bool:
        """Whether the spans are those of the run as it is, and hold what is wanted."""
        spans, made = self.spans, self.spans_for
        if spans is None or made is None or made.stamp != wanted.stamp:
            return False
        return self.in_spans(wanted.settings, spans.task == wanted.task) and set(wanted.sources) <= set(spans.sources)

    def made_of(self, settings: Settings) -> str:
        """What the settings above the picture do not say of it, in a few words."""
        if not self.answers(settings) or self.analysis is None:
            return "by coupling Gram matrices"
        made = self.analysis.settings
        if self.final:
            return f"{made.random} random directions"
        if made == settings.for_a_table():
            return "controls are drawn once so far"
        steps = len(self.analysis.coupling[0].points) if self.analysis.coupling else 0
        return f"preview: {steps} points, {made.probes} probes"

    @property
    def rank90(self) -> tuple[RankSeries, ...]:
        """Does not depend on W and K."""
        return () if self.analysis is None else self.analysis.rank90


def regardless_of_window(settings: Settings) -> Settings:
    """The settings with W and K left out of account."""
    return replace(settings, window=(1,), rank=(1,))


def with_controls(sources: Sequence[str], task: str | None, known: Sequence[str]) -> tuple[str, ...]:
    """The sources of a picture and the controls that stand behind them."""
    controls = () if task is None else control_sources(task)
    return tuple(dict.fromkeys((*sources, *(name for name in controls if name in known))))
